import type { Feature } from '../../../feature.ts';
import { apiKeyRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'api-keys',
  tags: [{ name: 'Developer Portal', description: 'API keys, by session' }],
  modules: ['developer'],
  routes: [apiKeyRoutes],
};
