import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import Fastify, { type FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Context } from './context.ts';
import { leadRoutes } from './features/leads/routes.ts';
import type { Routes } from './http.ts';
import { authPlugin } from './plugins/auth.ts';
import { errorsPlugin, sendError, toAppError } from './plugins/errors.ts';
import { etagPlugin } from './plugins/etag.ts';
import { idempotencyPlugin } from './plugins/idempotency.ts';
import { jsonBodyPlugin } from './plugins/json-body.ts';
import { openapiPlugin } from './plugins/openapi.ts';
import { rateLimitPlugin } from './plugins/rate-limit.ts';
import { schemasPlugin } from './plugins/schemas.ts';
import { traceIdOf, tracePlugin } from './plugins/trace.ts';
import { workspacePlugin } from './plugins/workspace.ts';

/** Features below /api/v1/workspaces/:workspaceId. */
const workspaceFeatures: Routes[] = [leadRoutes];

/** Features at the paths that they name themselves. */
const otherFeatures: Routes[] = [];

const bodyBytesMax = 1_024 * 1_024;

/** The whole application: plugins in order, then features. Builds, never listens. */
export async function buildApp(ctx: Context): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: bodyBytesMax,
    genReqId: traceIdOf,
    trustProxy: ctx.config.isProxyTrusted,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    exposeHeadRoutes: false,
    // Plugins log what there is to log, with the context's logger.
    logger: false,
    frameworkErrors: (error, _request, reply) => sendError(reply as never, toAppError(error)) as never,
  }).withTypeProvider<ZodTypeProvider>();

  await app.register(errorsPlugin, { ctx });
  await app.register(tracePlugin, { ctx });
  await app.register(jsonBodyPlugin);
  await app.register(schemasPlugin);
  await app.register(cors, { origin: [...ctx.config.corsOrigins], credentials: true });
  await app.register(cookie);
  // Before the plugins that demand things of routes: the pages it adds are open to all.
  await app.register(openapiPlugin, { ctx });
  await app.register(authPlugin, { ctx });
  await app.register(rateLimitPlugin, { ctx });
  await app.register(workspacePlugin, { ctx });
  await app.register(idempotencyPlugin);
  await app.register(etagPlugin);

  for (const feature of otherFeatures) await app.register(feature, { ctx });
  for (const feature of workspaceFeatures) {
    await app.register(feature, { ctx, prefix: '/api/v1/workspaces/:workspaceId' });
  }
  return app as unknown as FastifyInstance;
}
