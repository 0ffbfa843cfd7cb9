import type { Feature } from '../../../feature.ts';
import { dealNumberRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'deal-numbers',
  workspaceRoutes: [dealNumberRoutes],
};
