import type { Feature } from '../../../feature.ts';
import { historyRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'history',
  tags: [{ name: 'History', description: 'What became of every record, by whom and through which API' }],
  workspaceRoutes: [historyRoutes],
};
