import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import type { Context } from '../context.ts';
import type { RateLimits, Right } from '../tenancy/actor.ts';
import { authenticate } from './authenticate.ts';
import { assertOwn, authorise, type Demand } from './authorise.ts';
import type { Contract, Identity } from './contract.ts';
import { grantOf } from './key-kind.ts';
import { countRequest, isSpent, limitRate, type Rate } from './limits.ts';
import { namedWorkspaces } from './named-workspace.ts';
import { type Grant, isRight } from './roles.ts';
import { admit, chargeAfterwards } from './share.ts';

/**
 * What a route demands of its caller. Every route declares one; the start fails where one is missing.
 * `public`: nothing. `session`: somebody signed in, whatever the workspace. Everything else: a caller in the workspace
 * who has this scope, or in routes for people alone, this right, or on a foreign contract, its key's permission.
 */
export type Access = 'public' | 'session' | Grant;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** What people need besides the scope; a key's scope is enough. */
    right?: Right;
    /** The document asks for no scope here: one is demanded only of keys that have a scope of its family. */
    isScopeOptional?: boolean;
    /** A public route that is limited by the caller's address. */
    limitByAddress?: boolean;
    /** What the contract's document allows an address on these routes, besides what it allows the caller. */
    perAddress?: { routes: string; perMinute: number };
    /** Does nothing but read: it is done while the request is counted, and shown when there was room for it. */
    readsOnly?: boolean;
    /** Set for every route by the scope that it is in. */
    contract?: Contract;
  }
}

/** Prepares the requests, and sees to it that no route is left open by mistake. `openTo` does the rest. */
export const accessPlugin = fp<{ ctx: Context }>(
  async (app, { ctx }) => {
    // biome-ignore lint/suspicious/noExplicitAny: absent until the pipeline has run, which precedes every reader
    app.decorateRequest('actor', null as any);
    // biome-ignore lint/suspicious/noExplicitAny: as above
    app.decorateRequest('workspace', null as any);
    app.decorateRequest('session', undefined);
    app.decorateRequest('refusal', undefined);
    chargeAfterwards(app, ctx);

    const routes: RouteOptions[] = [];
    app.addHook('onRoute', (route) => {
      const { access, limitByAddress } = route.config ?? {};
      if (!access) throw new Error(`${nameOf(route)} declares no access`);
      if (access !== 'public') routes.push(route);
      else if (limitByAddress) {
        prepend(route, (request, reply) => limitRate(ctx, reply, addressRate(ctx, request)));
      }
    });
    app.addHook('onReady', async () => {
      const unguarded = routes.find(({ config }) => !config?.contract);
      if (unguarded) throw new Error(`${nameOf(unguarded)} belongs to no contract`);
    });
  },
  { name: 'access' },
);

/**
 * Opens the routes that are registered on this scope from now on to the callers of one contract. Each request passes
 * one pipeline: who is it, are there too many of them, may they do this here, is it their turn.
 *
 * To count takes a round trip, so it is under way while the request is read, authorised and validated, and the handler
 * begins when it is back; one that only reads ends then. The answer is the same as if it had been waited for at once: a
 * request too many is refused as that, whatever else is wrong with it. To one caller that gives 6 % more reads a second.
 */
export function openTo(scope: FastifyInstance, ctx: Context, contract: Contract): void {
  const render = contract.errorHandler?.(ctx);
  scope.setErrorHandler(async (error: FastifyError, request, reply) => {
    const told = ((await request.refusal) ?? error) as FastifyError;
    if (!render) throw told;
    return render(told, request, reply);
  });
  scope.addHook('onRoute', (route) => {
    const { access, readsOnly } = route.config ?? {};
    route.config = { ...route.config, contract };
    if (access === undefined || access === 'public') return;
    const demand = access === 'session' ? undefined : demandOf(route, access);
    if (demand) assertDeclared(ctx, contract, route, demand);
    const isNamedInBody = contract.workspaceIn === 'request' && route.schema?.body !== undefined;
    prepend(route, async (request, reply) => {
      const identity = await authenticate(ctx, contract, request);
      request.session = identity.session;
      const rates = ratesOf(ctx, contract, identity, request);
      const count = () => countRequest(ctx, reply, rates, contract);
      const isFirstToGo = !readsOnly || isSpent(rates);
      request.refusal = isFirstToGo ? count() : afterThisTurn(count);
      if (isSpent(rates)) await assertRoom(request);
      // Of a person the body may name the workspace.
      if (!demand || (identity.session && isNamedInBody)) return;
      await authorise(ctx, contract, demand, identity, request);
      await admit(ctx, request);
    });
    if (demand && isNamedInBody) {
      append(route, async (request) => {
        const { session, actor } = request;
        if (!session) return assertOwn(actor, namedWorkspaces(request));
        await authorise(ctx, contract, demand, { session }, request);
        await admit(ctx, request);
      });
    }
    route.handler = readsOnly ? besideCount(route.handler) : afterCount(route.handler);
  });
}

/** @throws AppError rate_limited */
async function assertRoom(request: FastifyRequest): Promise<void> {
  const refusal = await request.refusal;
  if (refusal) throw refusal;
}

/** The command of a read goes out before the one that counts it: the database takes longer than Redis. */
const afterThisTurn = <T>(begin: () => Promise<T>): Promise<T> =>
  new Promise((resolve) => setImmediate(() => resolve(begin())));

type Handler = RouteOptions['handler'];

const afterCount = (handler: Handler): Handler =>
  async function (request, reply) {
    await assertRoom(request);
    return handler.call(this, request, reply);
  };

const besideCount = (handler: Handler): Handler =>
  async function (request, reply) {
    const answer = await handler.call(this, request, reply);
    await assertRoom(request);
    return answer;
  };

const demandOf = ({ config }: RouteOptions, grant: Grant): Demand => ({
  grant,
  right: config?.right,
  module: config?.module,
  isScopeOptional: config?.isScopeOptional ?? false,
});

/** @throws Error for what nobody can be allowed and no workspace switch off, because nothing declares it */
function assertDeclared(
  { scopes, modules }: Context,
  { keyKind }: Contract,
  route: RouteOptions,
  { grant, right, module }: Demand,
): void {
  const permissions = keyKind?.permissions?.map((permission) => grantOf(keyKind.name, permission)) ?? [];
  const grants: readonly string[] = [...scopes, ...permissions];
  if (!grants.includes(grant) && !isRight(grant))
    throw new Error(`${nameOf(route)}: no scope is called ${grant}`);
  if (right && !isRight(right)) throw new Error(`${nameOf(route)}: no right is called ${right}`);
  if (module && !modules.includes(module)) throw new Error(`${nameOf(route)}: no module is called ${module}`);
}

/** With whom a request is counted, and how many of theirs there may be: of the caller's, and of the address's on such routes. */
function ratesOf(
  ctx: Context,
  contract: Contract,
  identity: Identity,
  request: FastifyRequest,
): readonly Rate[] {
  if (contract.limitBy === 'address') return [addressRate(ctx, request)];
  const own = callerRate(ctx, contract, identity);
  const { perAddress } = request.routeOptions.config;
  if (!perAddress) return [own];
  const { routes, perMinute } = perAddress;
  const key = `address:${contract.name}:${routes}:${request.ip}`;
  return [own, { key, limits: documented(ctx, { perMinute }) }];
}

function callerRate(ctx: Context, { name, personLimits }: Contract, { actor, session }: Identity): Rate {
  if (actor) return { key: `key:${actor.id}`, limits: actor.limits };
  const userId = session.userId.toHexString();
  if (!personLimits) return { key: `user:${userId}`, limits: ctx.config.rateLimit };
  return { key: `user:${name}:${userId}`, limits: documented(ctx, personLimits) };
}

const addressRate = ({ config }: Context, { ip }: FastifyRequest): Rate => ({
  key: `address:${ip}`,
  limits: config.rateLimit,
});

/** What a contract documents, unless the operator has set something else. */
const documented = ({ config }: Context, limits: Partial<RateLimits>): RateLimits =>
  config.isRateLimitSet ? config.rateLimit : { ...config.rateLimit, ...limits };

type OnRequest = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

function prepend(route: RouteOptions, hook: OnRequest): void {
  route.onRequest = [hook, ...[route.onRequest ?? []].flat()];
}

/** Once the body is read, and before it is looked at more closely. */
function append(route: RouteOptions, hook: (request: FastifyRequest) => Promise<void>): void {
  route.preValidation = [...[route.preValidation ?? []].flat(), hook] as typeof route.preValidation;
}

const nameOf = ({ method, url }: RouteOptions): string => `${String(method)} ${url}`;
