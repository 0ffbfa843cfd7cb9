import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { unauthorized } from '../../../access/authenticate.ts';
import { assertWelcome, countRefusal, remember, sourceOf } from '../../../access/refusals.ts';
import type { Context } from '../../../context.ts';
import type { Routes } from '../../../http.ts';
import { apiVersion } from '../../../lib/api-version.ts';
import { bearerOf } from '../../../lib/bearer.ts';
import { isEqualConstantTime } from '../../../lib/crypto.ts';
import { AppError } from '../../../lib/errors.ts';
import { dateTimeOut } from '../../../lib/schemas.ts';
import { checkReadiness, collectMetrics } from './service.ts';

const tags = ['API Health'];
const config = { access: 'public' } as const;

const dependency = z.object({ status: z.enum(['up', 'down']) });
const dependencies = z.object({ mongodb: dependency, redis: dependency });

/** For load balancers and monitoring: never limited, and open to all save for the measurements. */
export const healthRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/api/v1/health',
    {
      config,
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the API answers',
        tags,
        response: {
          200: z.object({ status: z.string(), version: z.string(), timestamp: dateTimeOut }),
        },
      },
    },
    async () => ({ status: 'healthy', version: apiVersion, timestamp: new Date().toISOString() }),
  );

  app.get(
    '/ready',
    {
      config,
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether this process can serve requests, and which of its dependencies answer',
        tags,
        response: {
          200: z.object({
            success: z.literal(true).meta({ type: 'boolean' }),
            status: z.enum(['ready', 'degraded']).describe('degraded: served without Redis'),
            dependencies,
          }),
          503: z.object({
            success: z.literal(false).meta({ type: 'boolean' }),
            error: z.string(),
            dependencies,
          }),
        },
      },
    },
    async (_request, reply) => {
      const { isReady, dependencies } = await checkReadiness(ctx);
      if (!isReady) {
        reply.code(503);
        return { success: false as const, error: 'Not ready', dependencies };
      }
      const status = dependencies.redis.status === 'up' ? ('ready' as const) : ('degraded' as const);
      return { success: true as const, status, dependencies };
    },
  );

  app.get(
    '/metrics',
    {
      config,
      schema: {
        operationId: 'getMetrics',
        summary: 'Measurements for Prometheus',
        tags,
        response: { 200: z.string().describe('Prometheus text format') },
      },
    },
    async (request, reply) => {
      await assertMayMeasure(ctx, request);
      const text = await collectMetrics(ctx);
      // Not through the schema's serialiser, which would quote it as JSON.
      return reply.type(ctx.metrics.registry.contentType).serializer(String).send(text);
    },
  );
};

/** Measurements tell about every workspace, so production shows them to the bearer of METRICS_TOKEN or to nobody. */
async function assertMayMeasure(ctx: Context, request: FastifyRequest): Promise<void> {
  const { metricsToken, isProduction } = ctx.config;
  if (metricsToken === undefined) {
    if (isProduction) throw new AppError('not_found', { message: 'No such route' });
    return;
  }
  const token = bearerOf(request);
  const source = sourceOf(request.ip);
  await assertWelcome(ctx, source, token);
  if (token === undefined || !isEqualConstantTime(token, metricsToken)) {
    await countRefusal(ctx, source);
    throw unauthorized();
  }
  remember(ctx, token);
}
