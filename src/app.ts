import type { ServerOptions } from 'node:http';
import cookie from '@fastify/cookie';
import cors, { type FastifyCorsOptions } from '@fastify/cors';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Contract } from './access/contract.ts';
import { accessPlugin, openTo } from './access/plugin.ts';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { adapters, native, people, portal } from './contracts.ts';
import { rewriteByHost } from './hosts.ts';
import type { Adapter, Routes } from './http.ts';
import { documentPathOf, registerDocument } from './openapi/register.ts';
import { answerFrameworkError, answerParserError, errorsPlugin } from './plugins/errors.ts';
import { etagPlugin } from './plugins/etag.ts';
import { idempotencyPlugin } from './plugins/idempotency.ts';
import { jsonBodyPlugin } from './plugins/json-body.ts';
import { methodsPlugin } from './plugins/methods.ts';
import { openapiPlugin } from './plugins/openapi.ts';
import { schemasPlugin } from './plugins/schemas.ts';
import { traceIdOf, tracePlugin } from './plugins/trace.ts';

/** Where workspaces are mounted: for keys and tokens, and for signed-in people. */
const mounts = [
  [native, '/api/v1/workspaces/:workspaceId'],
  [people, '/api/workspaces/:workspaceId'],
] as const;

/** Where the documents say that the server is, unless it is told. */
const defaultUrl = 'http://localhost:5010';

const bodyBytesMax = 1_024 * 1_024;
/** How often connections are held against the time that a request may take to arrive, so how late one is cut at most. */
const connectionCheckMaxMs = 1_000;

/**
 * A request that takes longer to arrive holds a connection for nothing. Left alone Node looks every 30 seconds, and takes
 * the shorter of two times for the head and the longer for the whole request, whichever was meant for which.
 */
const slowRequestOptions = (requestTimeoutMs: number): ServerOptions => ({
  requestTimeout: requestTimeoutMs,
  headersTimeout: requestTimeoutMs,
  connectionsCheckingInterval: Math.min(connectionCheckMaxMs, requestTimeoutMs / 4),
});

/** The whole application: plugins in order, then features. Builds, never listens. */
export async function buildApp(ctx: Context): Promise<FastifyInstance> {
  const rewriteUrl = rewriteByHost(ctx.config, adapters);
  const app = Fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: ctx.config.requestTimeoutMs,
    http: slowRequestOptions(ctx.config.requestTimeoutMs),
    genReqId: traceIdOf,
    trustProxy: trustOf(ctx.config),
    // An id of any length is looked at like any other: it is unknown.
    routerOptions: { maxParamLength: 100_000 },
    // Requests that arrive on open connections while the server stops are still served.
    return503OnClosing: false,
    // Plugins log what there is to log, with the context's logger.
    logger: false,
    frameworkErrors: answerFrameworkError(ctx),
    clientErrorHandler: answerParserError,
    ...(rewriteUrl ? { rewriteUrl } : {}),
  }).withTypeProvider<ZodTypeProvider>();

  await app.register(errorsPlugin, { ctx });
  await app.register(tracePlugin, { ctx });
  await app.register(jsonBodyPlugin);
  await app.register(schemasPlugin);
  await app.register(cors, { delegator: corsOf(ctx.config, adapters) });
  // Before all routes, which it collects, and after CORS: a browser may read these answers too.
  await app.register(methodsPlugin);
  // Before the plugins that demand things of routes: the pages it adds are open to all.
  await app.register(openapiPlugin, { ctx, others: adapters });
  await app.register(accessPlugin, { ctx });
  await app.register(idempotencyPlugin);
  await app.register(etagPlugin);

  const open = (
    contract: Contract,
    routes: readonly Routes[],
    prefix = '',
    prepare?: (scope: FastifyInstance) => Promise<unknown>,
  ) =>
    app.register(async (scope) => {
      // Others' requests are not searched for cookies.
      if (contract.carriers.some((carrier) => carrier.in === 'cookie')) await scope.register(cookie);
      await prepare?.(scope as unknown as FastifyInstance);
      openTo(scope as unknown as FastifyInstance, ctx, contract);
      for (const register of routes) await scope.register(register, { ctx, prefix });
    });
  const routes = ctx.features.flatMap((feature) => feature.routes ?? []);
  const workspaceRoutes = ctx.features.flatMap((feature) => feature.workspaceRoutes ?? []);
  for (const adapter of adapters) {
    const base = `/${adapter.api}`;
    const openapi = adapter.document(`${ctx.config.publicUrl ?? defaultUrl}${base}`);
    const document = { path: documentPathOf(adapter), openapi, base };
    await open(adapter, [adapter.routes], base, (scope) => registerDocument(scope, document));
    if (adapter.isAtRoot) await open(adapter, [adapter.routes], '', hideRoutes);
  }
  await open(portal, routes);
  for (const [contract, prefix] of mounts) await open(contract, workspaceRoutes, prefix);
  return app as unknown as FastifyInstance;
}

/** The same routes once more: one document tells of them. */
async function hideRoutes(scope: FastifyInstance): Promise<void> {
  scope.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, hide: true };
  });
}

/** Fastify knows networks; of so many proxies in a row the nearest ones are believed. */
const trustOf = ({ trustProxy }: Config) =>
  typeof trustProxy === 'number' ? (_address: string, hop: number) => hop < trustProxy : trustProxy;

/** What browsers may ask: what the operator has named, with cookies; without, what a contract lets everybody ask. */
function corsOf({ corsOrigins }: Config, contracts: readonly Adapter[]) {
  const named: FastifyCorsOptions = { ...corsOptions, origin: [...corsOrigins], credentials: true };
  const open: FastifyCorsOptions = { ...corsOptions, origin: '*', credentials: false };
  const openBases = contracts.flatMap(({ api, isOpenToBrowsers }) => (isOpenToBrowsers ? [`/${api}/`] : []));
  return ({ url }: FastifyRequest, done: (error: null, options: FastifyCorsOptions) => void) =>
    done(null, openBases.some((base) => url.startsWith(base)) ? open : named);
}

const corsOptions: FastifyCorsOptions = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  exposedHeaders: [
    'ETag',
    'Idempotency-Replayed',
    'Retry-After',
    'X-API-Version',
    'X-RateLimit-Limit',
    'X-RateLimit-Remaining',
    'X-RateLimit-Reset',
    'X-Trace-Id',
  ],
  // An OPTIONS that is no preflight gets the same empty answer.
  strictPreflight: false,
};
