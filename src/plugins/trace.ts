import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fp from 'fastify-plugin';
import type { Context } from '../context.ts';
import { apiVersion } from '../lib/api-version.ts';

/** Ids that can stand in a header and a log line as they are. */
const sanePattern = /^[\w.:-]{1,128}$/;

export const newTraceId = (): string => randomUUID();

/** The caller's trace id if it sent a sane one, else a new one. */
export function traceIdOf(request: IncomingMessage): string {
  const given = request.headers['x-trace-id'];
  return typeof given === 'string' && sanePattern.test(given) ? given : newTraceId();
}

/** What every answer carries, those of the HTTP parser included. */
export const traceHeaders = (traceId: string) => ({ 'X-Trace-Id': traceId, 'X-API-Version': apiVersion });

/** Every answer names its trace and the API's version; every request leaves one log line and one measurement. */
export const tracePlugin = fp<{ ctx: Context }>(
  async (app, { ctx }) => {
    const isLogging = ctx.log.isLevelEnabled('info');

    // Hooks that every request runs and that wait for nothing call back: a promise would cost more than their work.
    app.addHook('onRequest', (request, reply, done) => {
      reply.header('X-Trace-Id', request.id).header('X-API-Version', apiVersion);
      done();
    });

    app.addHook('onResponse', (request, reply, done) => {
      done();
      const route = request.routeOptions.url ?? 'unknown';
      const { statusCode } = reply;
      ctx.metrics.requestDuration.observe(
        { method: request.method, route, status: statusCode },
        reply.elapsedTime / 1_000,
      );
      if (!isLogging) return;
      ctx.log.info(
        {
          traceId: request.id,
          method: request.method,
          route,
          status: statusCode,
          ms: Math.round(reply.elapsedTime * 10) / 10,
          workspaceId: request.actor?.workspaceId,
          actor: request.actor?.id,
        },
        'request',
      );
    });
  },
  { name: 'trace' },
);
