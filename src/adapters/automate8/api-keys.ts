import { z } from 'zod';
import { toActions, toPermissions } from '../../access/key-kind.ts';
import type { Context } from '../../context.ts';
import type { ApiKey } from '../../features/platform/api-keys/model.ts';
import { actionsByResource, keysMax } from '../../features/platform/api-keys/schema.ts';
import {
  createApiKey,
  deleteApiKey,
  getApiKey,
  listApiKeys,
  rotateApiKey,
  updateApiKey,
} from '../../features/platform/api-keys/service.ts';
import type { Routes } from '../../http.ts';
import { dateTime, shortText } from '../../lib/schemas.ts';
import { toUuid } from '../../lib/uuid.ts';
import { conflict } from './errors.ts';
import { keyKind, keyPrefix } from './keys.ts';
import {
  clearable,
  dataOf,
  done,
  errorOut,
  failures,
  found,
  idParams,
  listOf,
  messageOut,
  optional,
  requireUuid,
  timeOut,
  uuidOf,
  uuidOut,
  workspaceGiven,
} from './schema.ts';

const tags = ['API Keys'];
const config = { access: 'key.manage', module: 'developer' } as const;
const what = 'API key';

const shared = {
  id: uuidOut,
  name: z.string(),
  key_prefix: z.string(),
  permissions: z.record(z.string(), z.array(z.string())),
  expires_at: timeOut.nullable(),
};
const status = { is_active: z.boolean() };
const origin = { created_at: timeOut, created_by: uuidOut.nullable() };
const secret = {
  key: z.string().describe('Shown once'),
  key_full: z.string().describe('Shown once'),
};

const row = z
  .object({
    ...shared,
    key_full: z.null().describe('Only a hash of it is kept'),
    last_used_at: timeOut.nullable(),
    ...status,
    ...origin,
  })
  .meta({ id: 'ApiKey' });
const changed = z.object({ ...shared, ...status, updated_at: timeOut });
const withWarning = <T extends z.ZodRawShape>(data: T) =>
  dataOf(z.object(data)).extend({ warning: z.string() });

const input = z
  .object({
    name: shortText,
    permissions: actionsByResource.describe(`Actions by resource: ${keyKind.permissions?.join(', ')}`),
    expires_at: optional(dateTime).describe('The key is refused from then on'),
    prefix: optional(z.literal(keyPrefix)),
    workspace_id: optional(workspaceGiven),
  })
  .meta({ id: 'ApiKeyInput' });

const changes = z
  .object({
    name: optional(shortText),
    permissions: optional(actionsByResource),
    is_active: optional(z.boolean()),
    expires_at: clearable(dateTime),
    workspace_id: optional(workspaceGiven),
  })
  .meta({ id: 'ApiKeyChanges' });

/** An admin manages the workspace's keys, of every contract, with a JWT. */
export const apiKeyRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/api/api-keys',
    {
      config,
      schema: {
        operationId: 'listApiKeys',
        summary: 'List API keys, newest first; their secrets are not shown again',
        tags,
        querystring: z.object({ workspace_id: workspaceGiven }),
        response: { 200: listOf(row), ...failures },
      },
    },
    async ({ workspace }) => {
      const { apiKeys } = await listApiKeys(ctx, workspace._id, { limit: keysMax });
      return found(apiKeys.map((apiKey) => presentRow(ctx, apiKey)));
    },
  );

  app.post(
    '/api/api-keys',
    {
      config,
      schema: {
        operationId: 'createApiKey',
        summary: 'Generate an API key; it is in this answer only',
        tags,
        body: input,
        response: { 201: withWarning({ ...shared, ...secret, ...status, ...origin }), ...failures },
      },
    },
    async ({ actor, workspace, body }, reply) => {
      const { apiKey, secrets } = await createApiKey(ctx, workspace._id, actor.id, {
        kind: keyKind.name,
        name: body.name,
        permissions: toPermissions(body.permissions),
        expiresAt: body.expires_at,
      });
      reply.code(201);
      return {
        ...found({
          ...present(ctx, apiKey),
          ...bothNames(secrets.apiKey),
          ...presentStatus(apiKey),
          ...presentOrigin(apiKey),
        }),
        warning: 'This API key will only be shown once. Please save it securely.',
      };
    },
  );

  app.put(
    '/api/api-keys/:id',
    {
      config,
      schema: {
        operationId: 'updateApiKey',
        summary: 'Change an API key; at once on every process',
        tags,
        params: idParams,
        body: changes,
        response: { 200: dataOf(changed), ...failures, 404: errorOut, 409: errorOut },
      },
    },
    async ({ workspace, params, body }) => {
      const { name, permissions, is_active: isActive, expires_at: expiresAt } = body;
      const id = requireUuid(params.id, what);
      const given = { name, permissions: permissions && toPermissions(permissions), isActive, expiresAt };
      const apiKey = await updateApiKey(ctx, workspace._id, id, given);
      const times = { updated_at: apiKey.updatedAt.toISOString() };
      return found({ ...present(ctx, apiKey), ...presentStatus(apiKey), ...times });
    },
  );

  app.post(
    '/api/api-keys/:id/regenerate',
    {
      config,
      schema: {
        operationId: 'regenerateApiKey',
        summary: 'Replace an API key; the old one dies at once',
        tags,
        params: idParams,
        response: {
          200: withWarning({ ...shared, ...secret, regenerated_at: timeOut }),
          ...failures,
          404: errorOut,
          409: errorOut,
        },
      },
    },
    async ({ workspace, params }) => {
      const id = requireUuid(params.id, what);
      const { kind } = await getApiKey(ctx, workspace._id, id);
      // Its client secret would be replaced too, and this contract can't show it.
      if (kind !== keyKind.name) throw conflict('Keys of other APIs are rotated in the Developer Portal');
      const { apiKey, secrets } = await rotateApiKey(ctx, workspace._id, id);
      const times = { regenerated_at: apiKey.updatedAt.toISOString() };
      return {
        ...found({ ...present(ctx, apiKey), ...bothNames(secrets.apiKey), ...times }),
        warning: 'This new API key will only be shown once. Please save it securely.',
      };
    },
  );

  app.delete(
    '/api/api-keys/:id',
    {
      config,
      schema: {
        operationId: 'deleteApiKey',
        summary: 'Delete an API key; it dies at once',
        tags,
        params: idParams,
        response: { 200: messageOut, ...failures, 404: errorOut },
      },
    },
    async ({ workspace, params }) => {
      const { name } = await deleteApiKey(ctx, workspace._id, requireUuid(params.id, what));
      return done(`API key '${name}' deleted successfully`);
    },
  );
};

const present = (ctx: Context, apiKey: ApiKey) => ({
  id: toUuid(apiKey._id),
  name: apiKey.name,
  key_prefix: apiKey.keyStart ?? ctx.keyKinds.get(apiKey.kind)?.prefix ?? '',
  permissions: permissionsOf(apiKey),
  expires_at: apiKey.expiresAt?.toISOString() ?? null,
});

/** Native scopes read as resource and action too; what has actions only is told under the API that it opens. */
const permissionsOf = ({ kind, permissions, scopes }: ApiKey): Record<string, string[]> =>
  kind === keyKind.name
    ? toActions(permissions ?? [])
    : toActions(
        permissions?.map((one) => `${kind}:${one}`) ?? scopes.map((scope) => scope.replace('.', ':')),
      );

const presentStatus = ({ status: current }: ApiKey) => ({ is_active: current === 'active' });

const presentOrigin = ({ createdAt, createdBy }: ApiKey) => ({
  created_at: createdAt.toISOString(),
  created_by: uuidOf(createdBy),
});

const bothNames = (key: string) => ({ key, key_full: key });

const presentRow = (ctx: Context, apiKey: ApiKey) => ({
  ...present(ctx, apiKey),
  key_full: null,
  last_used_at: apiKey.lastUsedAt?.toISOString() ?? null,
  ...presentStatus(apiKey),
  ...presentOrigin(apiKey),
});
