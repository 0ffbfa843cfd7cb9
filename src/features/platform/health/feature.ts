import type { Feature } from '../../../feature.ts';
import { healthRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'health',
  tags: [{ name: 'API Health', description: 'Whether the service answers' }],
  routes: [healthRoutes],
};
