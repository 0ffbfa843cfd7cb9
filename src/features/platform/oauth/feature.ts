import type { Feature } from '../../../feature.ts';
import { oauthRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'oauth',
  tags: [{ name: 'OAuth 2.0', description: 'Access and refresh tokens by client credentials' }],
  routes: [oauthRoutes],
};
