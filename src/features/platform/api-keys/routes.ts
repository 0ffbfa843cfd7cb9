import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { actionSuccess, done, envelope, idParams, workspaceParams } from '../../../lib/schemas.ts';
import { updateWorkspace } from '../../../tenancy/workspaces/service.ts';
import { presentApiKey, presentIssued } from './present.ts';
import { apiKeyQuery, apiKeySchemas, developerSettings } from './schema.ts';
import { createApiKey, deleteApiKey, listApiKeys, rotateApiKey } from './service.ts';

const portalPath = '/api/workspaces/:workspaceId/developer';
const tags = ['Developer Portal'];
const config = { access: 'key.manage', module: 'developer' } as const;

/** The Developer Portal: an admin manages the workspace's API keys with the session token. */
export const apiKeyRoutes: Routes = async (app, { ctx }) => {
  const schemas = apiKeySchemas(ctx.keyKinds, ctx.scopes);

  app.get(
    `${portalPath}/api-keys`,
    {
      config,
      schema: {
        operationId: 'listApiKeys',
        summary: 'List API keys, newest first; secrets are not shown again',
        tags,
        params: workspaceParams,
        querystring: apiKeyQuery,
        response: { 200: schemas.list },
      },
    },
    async ({ workspace, query }) => {
      const { apiKeys, nextCursor } = await listApiKeys(ctx, workspace._id, query);
      const data = apiKeys.map((apiKey) => presentApiKey(ctx, apiKey));
      return { success: true as const, data, nextCursor };
    },
  );

  app.post(
    `${portalPath}/api-keys`,
    {
      config,
      schema: {
        operationId: 'createApiKey',
        summary: 'Create an API key; its secrets are in this answer only',
        tags,
        params: workspaceParams,
        body: schemas.input,
        response: { 201: schemas.created },
      },
    },
    async (request, reply) => {
      const { actor, workspace, body } = request;
      const { apiKey, secrets } = await createApiKey(ctx, workspace._id, actor.id, body);
      reply.code(201);
      return { ...done('API key created successfully'), data: presentIssued(ctx, apiKey, secrets) };
    },
  );

  app.post(
    `${portalPath}/api-keys/:id/rotate`,
    {
      config,
      schema: {
        operationId: 'rotateApiKey',
        summary: 'Replace the key and the client secret; the old ones and every token die at once',
        tags,
        params: idParams('id'),
        response: { 200: schemas.rotated },
      },
    },
    async (request) => {
      const id = requireId(request.params.id, 'API key');
      const { apiKey, secrets } = await rotateApiKey(ctx, request.workspace._id, id);
      return {
        ...done('API key credentials rotated successfully'),
        data: presentIssued(ctx, apiKey, secrets),
      };
    },
  );

  app.delete(
    `${portalPath}/api-keys/:id`,
    {
      config,
      schema: {
        operationId: 'deleteApiKey',
        summary: 'Delete an API key; the key and every token die at once',
        tags,
        params: idParams('id'),
        response: { 200: actionSuccess },
      },
    },
    async (request) => {
      await deleteApiKey(ctx, request.workspace._id, requireId(request.params.id, 'API key'));
      return done('API key deleted successfully');
    },
  );

  app.get(
    `${portalPath}/settings`,
    {
      config,
      schema: {
        operationId: 'getDeveloperSettings',
        summary: 'Whether the workspace enforces OAuth 2.0',
        tags,
        params: workspaceParams,
        response: { 200: envelope(developerSettings) },
      },
    },
    async ({ workspace }) => ({ success: true as const, data: { oauthEnforced: workspace.isOauthEnforced } }),
  );

  app.put(
    `${portalPath}/settings`,
    {
      config,
      schema: {
        operationId: 'updateDeveloperSettings',
        summary: 'Enforce OAuth 2.0, or allow API keys again',
        tags,
        params: workspaceParams,
        body: developerSettings,
        response: { 200: envelope(developerSettings) },
      },
    },
    async ({ workspace, body }) => {
      const changed = await updateWorkspace(ctx, workspace._id, { isOauthEnforced: body.oauthEnforced });
      return { success: true as const, data: { oauthEnforced: changed.isOauthEnforced } };
    },
  );
};
