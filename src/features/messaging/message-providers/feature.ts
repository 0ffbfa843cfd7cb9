import type { Feature } from '../../../feature.ts';
import { messageProviderRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'message-providers',
  tags: [{ name: 'Message Providers', description: 'The accounts through which messages leave, by session' }],
  routes: [messageProviderRoutes],
};
