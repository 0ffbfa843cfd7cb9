import type { Feature } from '../../../feature.ts';
import { webhookDeliveryRoutes } from './delivery-routes.ts';
import { webhookWork } from './jobs.ts';
import { webhookListener } from './listener.ts';
import { webhookMeasures } from './measures.ts';
import { webhookRoutes } from './routes.ts';
import { sweepNotices } from './service.ts';

export const feature: Feature = {
  name: 'webhooks',
  tags: [{ name: 'Webhooks', description: 'Subscriptions to events, and their deliveries' }],
  scopes: [{ scopes: ['webhook.manage'], opens: 'webhook subscriptions' }],
  modules: ['webhooks'],
  workspaceRoutes: [webhookRoutes, webhookDeliveryRoutes],
  listeners: [webhookListener],
  work: [webhookWork],
  sweeps: [sweepNotices],
  measures: [webhookMeasures],
};
