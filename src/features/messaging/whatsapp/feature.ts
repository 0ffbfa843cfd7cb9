import type { Feature } from '../../../feature.ts';
import { whatsappRoutes } from './routes.ts';

export const feature: Feature = {
  name: 'whatsapp',
  tags: [{ name: 'WhatsApp', description: 'Messages, conversations and templates' }],
  modules: ['whatsapp'],
  workspaceRoutes: [whatsappRoutes],
};
