import { z } from 'zod';
import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { actionSuccess, done, envelope, idParams, workspaceParams } from '../../../lib/schemas.ts';
import { answerCreated } from '../../../records/api/shape.ts';
import { presentSubscription } from './present.ts';
import {
  subscriptionChange,
  subscriptionInput,
  subscriptionItem,
  subscriptionOut,
  subscriptionWithSecret,
} from './schema.ts';
import {
  createSubscription,
  disableSubscription,
  enableSubscription,
  getSubscription,
  listSubscriptions,
  rotateSecret,
  sendTest,
  updateSubscription,
  type WithSecret,
} from './service.ts';

const tags = ['Webhooks'];
const config = { access: 'webhook.manage', module: 'webhooks' } as const;
const subscriptionParams = idParams('id');
const idOf = (params: { id: string }) => requireId(params.id, 'Webhook');

const presentWithSecret = ({ subscription, secret }: WithSecret) => ({
  success: true as const,
  data: { ...presentSubscription(subscription), secret },
});

export const webhookRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/webhooks',
    {
      config,
      schema: {
        operationId: 'listWebhooks',
        summary: 'List webhook subscriptions, newest first',
        tags,
        params: workspaceParams,
        response: { 200: envelope(z.array(subscriptionItem)) },
      },
    },
    async (request) => {
      const found = await listSubscriptions(ctx, request.workspace._id);
      return { success: true as const, data: found.map(presentSubscription) };
    },
  );

  app.post(
    '/webhooks',
    {
      config: { ...config, idempotent: true },
      schema: {
        operationId: 'createWebhook',
        summary: 'Subscribe to events; the answer shows the signing secret, once',
        tags,
        params: workspaceParams,
        body: subscriptionInput,
        response: { 201: envelope(subscriptionWithSecret) },
      },
    },
    async (request, reply) => {
      const { workspace, body, idempotency } = request;
      const created = await createSubscription(ctx, workspace._id, body, idempotency);
      answerCreated(reply, created.isReplay);
      return presentWithSecret(created);
    },
  );

  app.get(
    '/webhooks/:id',
    {
      config: { ...config, etag: true },
      schema: {
        operationId: 'getWebhook',
        summary: 'Get a webhook subscription',
        tags,
        params: subscriptionParams,
        response: { 200: envelope(subscriptionOut) },
      },
    },
    async (request) => {
      const found = await getSubscription(ctx, request.workspace._id, idOf(request.params));
      return { success: true as const, data: presentSubscription(found) };
    },
  );

  for (const method of ['put', 'patch'] as const) {
    app[method](
      '/webhooks/:id',
      {
        config: { ...config, etag: true },
        schema: {
          operationId: method === 'put' ? 'updateWebhook' : 'patchWebhook',
          summary: 'Change a webhook subscription: given fields change, the others stay',
          tags,
          params: subscriptionParams,
          body: subscriptionChange,
          response: { 200: envelope(subscriptionOut) },
        },
      },
      async (request) => {
        const { workspace, params, body, ifMatch } = request;
        const updated = await updateSubscription(ctx, workspace._id, idOf(params), body, ifMatch);
        return { success: true as const, data: presentSubscription(updated) };
      },
    );
  }

  const action = (
    name: string,
    operationId: string,
    summary: string,
    message: string,
    run: typeof enableSubscription,
  ) =>
    app.post(
      `/webhooks/:id/${name}`,
      {
        config,
        schema: { operationId, summary, tags, params: subscriptionParams, response: { 200: actionSuccess } },
      },
      async (request) => {
        await run(ctx, request.workspace._id, idOf(request.params as { id: string }));
        return done(message);
      },
    );
  action(
    'enable',
    'enableWebhook',
    'Enable a webhook subscription; what was pending when it was disabled is sent now',
    'Webhook enabled successfully',
    enableSubscription,
  );
  action(
    'disable',
    'disableWebhook',
    'Disable a webhook subscription; what is pending waits, for up to 30 days',
    'Webhook disabled successfully',
    disableSubscription,
  );
  action('test', 'testWebhook', 'Send a signed test event', 'Test event dispatched', sendTest);

  app.post(
    '/webhooks/:id/rotate-secret',
    {
      config,
      schema: {
        operationId: 'rotateWebhookSecret',
        summary: 'Make a new signing secret; for 24 hours events carry a signature with the old one too',
        tags,
        params: subscriptionParams,
        response: { 200: envelope(subscriptionWithSecret) },
      },
    },
    async (request) =>
      presentWithSecret(await rotateSecret(ctx, request.workspace._id, idOf(request.params))),
  );
};
