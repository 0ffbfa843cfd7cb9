import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import type { ApiKeyKind, Permission } from '../features/platform/api-keys/kinds.ts';
import { assertAddress, findByKey, isUsable } from '../features/platform/api-keys/service.ts';
import { bearerOf } from '../lib/bearer.ts';
import { AppError } from '../lib/errors.ts';
import { toActor, unauthorized } from '../plugins/auth.ts';
import { limitRate } from '../plugins/rate-limit.ts';
import type { Module } from '../tenancy/workspaces/model.ts';
import { findWorkspace } from '../tenancy/workspaces/service.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What an adapter's route demands of the key. */
    permission?: Permission;
  }
}

/**
 * Lets only keys of the given kind into an adapter's scope. The key names its workspace, since foreign paths don't;
 * its requests are counted like native ones. Every route of the scope has to declare its permission.
 */
export function requireKey(scope: FastifyInstance, ctx: Context, kind: ApiKeyKind, module: Module): void {
  scope.addHook('onRoute', (route) => {
    if (route.config?.access === 'adapter' && !route.config.permission) {
      throw new Error(`${String(route.method)} ${route.url} declares no permission`);
    }
  });
  scope.addHook('onRequest', async (request, reply) => {
    const { permission } = request.routeOptions.config;
    if (!permission) return;
    const apiKey = await keyOf(ctx, request, kind);
    request.actor = toActor(ctx, apiKey, 'apiKey');
    await limitRate(ctx, reply, `key:${request.actor.id}`, request.actor.limits);
    const workspace = await findWorkspace(ctx, apiKey.workspaceId);
    if (!workspace) throw unauthorized();
    if (workspace.isOauthEnforced)
      throw new AppError('forbidden', { message: 'This workspace enforces OAuth 2.0' });
    if (!workspace.modules.includes(module)) throw new AppError('module_disabled');
    if (!apiKey.permissions?.includes(permission)) {
      throw new AppError('forbidden', { message: `The key lacks the ${permission} permission` });
    }
    request.workspace = workspace;
  });
}

async function keyOf(ctx: Context, request: FastifyRequest, kind: ApiKeyKind) {
  const key = bearerOf(request);
  const apiKey = key === undefined ? undefined : await findByKey(ctx, key);
  if (!apiKey || apiKey.kind !== kind || !isUsable(ctx, apiKey)) throw unauthorized();
  assertAddress(apiKey, request.ip);
  return apiKey;
}
