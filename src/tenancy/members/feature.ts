import type { Feature } from '../../feature.ts';
import { memberRoutes, teamRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'members',
  tags: [{ name: 'Users', description: 'The team' }],
  routes: [memberRoutes],
  workspaceRoutes: [teamRoutes],
};
