import { z } from 'zod';
import type { Routes } from '../../../http.ts';
import { actionSuccess, done, envelope, workspaceParams } from '../../../lib/schemas.ts';
import { channels } from '../channels.ts';
import { presentProvider } from './present.ts';
import { credentialSchemas, providerOut } from './schema.ts';
import { deleteCredentials, findAccount, storeCredentials } from './service.ts';

const path = '/api/workspaces/:workspaceId/message-providers';
const tags = ['Message Providers'];
const names = { whatsapp: 'WhatsApp', sms: 'Sms', email: 'Email' } as const;

/** An admin's routes for the accounts through which the workspace's messages leave. */
export const messageProviderRoutes: Routes = async (app, { ctx }) => {
  app.get(
    path,
    {
      config: { access: 'provider.manage' },
      schema: {
        operationId: 'listMessageProviders',
        summary: 'What serves each channel',
        tags,
        params: workspaceParams,
        response: { 200: envelope(z.array(providerOut)) },
      },
    },
    async ({ workspace }) => {
      const accounts = await Promise.all(channels.map((channel) => findAccount(ctx, workspace._id, channel)));
      const data = channels.map((channel, index) =>
        presentProvider(ctx, workspace._id, channel, accounts[index]),
      );
      return { success: true as const, data };
    },
  );

  for (const channel of channels) {
    app.get(
      `${path}/${channel}`,
      {
        config: { access: 'provider.manage' },
        schema: {
          operationId: `get${names[channel]}Provider`,
          summary: `Which ${names[channel]} credentials are set`,
          tags,
          params: workspaceParams,
          response: { 200: envelope(providerOut) },
        },
      },
      async ({ workspace }) => {
        const account = await findAccount(ctx, workspace._id, channel);
        return { success: true as const, data: presentProvider(ctx, workspace._id, channel, account) };
      },
    );

    app.put(
      `${path}/${channel}`,
      {
        config: { access: 'provider.manage' },
        schema: {
          operationId: `set${names[channel]}Provider`,
          summary: `Store ${names[channel]} credentials; they are never shown again`,
          tags,
          params: workspaceParams,
          body: credentialSchemas[channel],
          response: { 200: envelope(providerOut) },
        },
      },
      async ({ workspace, body }) => {
        const account = await storeCredentials(ctx, workspace._id, channel, body);
        return { success: true as const, data: presentProvider(ctx, workspace._id, channel, account) };
      },
    );

    app.delete(
      `${path}/${channel}`,
      {
        config: { access: 'provider.manage' },
        schema: {
          operationId: `delete${names[channel]}Provider`,
          summary: `Forget the ${names[channel]} credentials; the sandbox takes over`,
          tags,
          params: workspaceParams,
          response: { 200: actionSuccess },
        },
      },
      async ({ workspace }) => {
        await deleteCredentials(ctx, workspace._id, channel);
        return done(`${names[channel]} credentials deleted`);
      },
    );
  }
};
