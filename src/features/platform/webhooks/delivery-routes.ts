import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { actionSuccess, done, idParams, pageOf } from '../../../lib/schemas.ts';
import { listAttempts, retryDelivery, startReplay } from './log.ts';
import { attemptOut, deliveriesQuery, replayInput } from './schema.ts';
import { getActiveSubscription, getSubscription } from './service.ts';

const tags = ['Webhooks'];
const config = { access: 'webhook.manage', module: 'webhooks' } as const;
const subscriptionParams = idParams('id');
const idOf = (params: { id: string }) => requireId(params.id, 'Webhook');

/** What was sent to a subscription, and how to have it sent again. */
export const webhookDeliveryRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/webhooks/:id/deliveries',
    {
      config,
      schema: {
        operationId: 'listWebhookDeliveries',
        summary: 'The log of attempts of the last 30 days, newest first',
        tags,
        params: subscriptionParams,
        querystring: deliveriesQuery,
        response: { 200: pageOf(attemptOut) },
      },
    },
    async (request) => {
      const found = await getSubscription(ctx, request.workspace._id, idOf(request.params));
      const { rows, nextCursor } = await listAttempts(ctx, found, request.query);
      return { success: true as const, data: rows, nextCursor };
    },
  );

  app.post(
    '/webhooks/:id/deliveries/:deliveryId/retry',
    {
      config,
      schema: {
        operationId: 'retryWebhookDelivery',
        summary: 'Send a delivery again, now, under the same webhook-id',
        tags,
        params: idParams('id', 'deliveryId'),
        response: { 200: actionSuccess },
      },
    },
    async (request) => {
      const { workspace, params } = request;
      const found = await getActiveSubscription(ctx, workspace._id, idOf(params));
      await retryDelivery(ctx, found, requireId(params.deliveryId, 'Delivery'));
      return done('Delivery queued');
    },
  );

  app.post(
    '/webhooks/:id/replay',
    {
      config,
      schema: {
        operationId: 'replayWebhook',
        summary: 'Send everything again that happened in a window of time, under the same webhook-ids',
        description: 'For an outage on the receiver’s side. Reaches back 30 days; new events go first.',
        tags,
        params: subscriptionParams,
        body: replayInput,
        response: { 202: actionSuccess },
      },
    },
    async (request, reply) => {
      const found = await getActiveSubscription(ctx, request.workspace._id, idOf(request.params));
      await startReplay(ctx, found, request.body);
      reply.code(202);
      return done('Replay started');
    },
  );
};
