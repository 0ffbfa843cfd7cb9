import type { Feature } from '../../feature.ts';
import { accountRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'accounts',
  tags: [{ name: 'Accounts', description: 'Sign-up, login and the signed-in user' }],
  routes: [accountRoutes],
};
