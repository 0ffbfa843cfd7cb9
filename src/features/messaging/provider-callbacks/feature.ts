import type { Feature } from '../../../feature.ts';
import { twilioCallbackRoutes } from './twilio-routes.ts';
import { whatsappCallbackRoutes } from './whatsapp-routes.ts';

export const feature: Feature = {
  name: 'provider-callbacks',
  tags: [{ name: 'Provider Callbacks', description: 'What Meta and Twilio call' }],
  routes: [whatsappCallbackRoutes, twilioCallbackRoutes],
};
