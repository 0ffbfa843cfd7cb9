import type { Feature } from '../../../feature.ts';
import { messageWork } from './jobs.ts';
import { messageRoutes } from './routes.ts';
import { unsubscribeRoutes } from './unsubscribe-routes.ts';

export const feature: Feature = {
  name: 'messages',
  tags: [{ name: 'Messages', description: 'SMS and email, now or later, and the messages of every channel' }],
  routes: [unsubscribeRoutes],
  workspaceRoutes: [messageRoutes],
  work: [messageWork],
};
