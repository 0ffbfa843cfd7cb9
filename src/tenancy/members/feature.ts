import type { Feature } from '../../feature.ts';
import { memberRoutes, teamRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'members',
  tags: [{ name: 'Users', description: 'The team' }],
  scopes: [{ scopes: ['team.read'], opens: 'team and users' }],
  modules: ['team'],
  routes: [memberRoutes],
  workspaceRoutes: [teamRoutes],
};
