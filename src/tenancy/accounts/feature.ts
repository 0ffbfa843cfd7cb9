import type { Feature } from '../../feature.ts';
import { sweepMails } from '../mail/sweep.ts';
import { composeLetter } from './letters.ts';
import { passwordRoutes } from './password-routes.ts';
import { accountRoutes } from './routes.ts';
import { sessionRoutes } from './session-routes.ts';

export const feature: Feature = {
  name: 'accounts',
  tags: [{ name: 'Accounts', description: 'Sign-up, login, invitations, passwords and sessions' }],
  routes: [accountRoutes, passwordRoutes, sessionRoutes],
  sweeps: [(ctx, signal) => sweepMails(ctx, composeLetter, signal)],
};
