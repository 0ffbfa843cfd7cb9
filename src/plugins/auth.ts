import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Context } from '../context.ts';
import type { ApiKey } from '../features/platform/api-keys/model.ts';
import { assertAddress, findByKey, isUsable } from '../features/platform/api-keys/service.ts';
import { findByAccessToken } from '../features/platform/oauth/service.ts';
import type { Access } from '../http.ts';
import { bearerOf } from '../lib/bearer.ts';
import { AppError } from '../lib/errors.ts';
import { findRequestSession } from '../tenancy/accounts/request-session.ts';
import type { Actor } from '../tenancy/actor.ts';

/**
 * Turns the credential that a route asks for into `request.actor` (API keys and access tokens) or `request.session`
 * (people). Each kind of route takes only its own kind: a session token is worth nothing on the public API.
 */
export const authPlugin = fp<{ ctx: Context }>(
  async (app, { ctx }) => {
    // biome-ignore lint/suspicious/noExplicitAny: absent until the hook below has run, which precedes every reader
    app.decorateRequest('actor', null as any);
    app.decorateRequest('session', undefined);

    app.addHook('onRoute', (route) => {
      const access = route.config?.access;
      if (!access) throw new Error(`${String(route.method)} ${route.url} declares no access`);
      const hook = authenticatorOf(ctx, access);
      if (hook) route.onRequest = [hook, ...[route.onRequest ?? []].flat()];
    });
  },
  { name: 'auth' },
);

function authenticatorOf(ctx: Context, access: Access) {
  if (access === 'public' || access === 'adapter') return undefined;
  if (access === 'session' || access === 'admin') {
    return async (request: FastifyRequest) => {
      request.session = await findRequestSession(ctx, request);
      if (!request.session) throw unauthorized();
    };
  }
  return async (request: FastifyRequest) => {
    request.actor = await actorOf(ctx, request);
  };
}

async function actorOf(ctx: Context, request: FastifyRequest): Promise<Actor> {
  const token = bearerOf(request);
  const key = request.headers['x-api-key'];
  const kind = token === undefined ? 'apiKey' : 'oauth';
  const apiKey =
    token !== undefined
      ? await findByAccessToken(ctx, token)
      : typeof key === 'string'
        ? await findByKey(ctx, key)
        : undefined;
  if (!apiKey || !isUsable(ctx, apiKey)) throw unauthorized();
  assertAddress(apiKey, request.ip);
  if (apiKey.scopes.includes('admin')) {
    throw new AppError('forbidden', {
      message: 'The admin scope was removed; issue a key with granular scopes',
    });
  }
  return toActor(ctx, apiKey, kind);
}

/** The actors that were made of a key. They live as long as the key does in the cache, and change with it. */
const actors = new WeakMap<ApiKey, Map<Actor['kind'], Actor>>();

/** What a key may do as an actor. */
export function toActor(ctx: Context, apiKey: ApiKey, kind: Actor['kind']): Actor {
  const known = actors.get(apiKey)?.get(kind);
  if (known) return known;
  const actor: Actor = {
    kind,
    id: apiKey._id.toHexString(),
    workspaceId: apiKey.workspaceId,
    scopes: new Set(apiKey.scopes),
    limits: { ...ctx.config.rateLimit, ...apiKey.limits },
  };
  actors.set(apiKey, (actors.get(apiKey) ?? new Map()).set(kind, actor));
  return actor;
}

export const unauthorized = () => new AppError('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer' } });
