import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';
import type { Context } from '../context.ts';
import { AppError } from '../lib/errors.ts';
import type { RateLimits } from '../tenancy/actor.ts';

/**
 * Limits requests per credential (a credential belongs to one workspace), by the minute and by the hour, in one Redis
 * round trip. Public routes that a guesser could call (tokens, login) are limited by address.
 */
export const rateLimitPlugin = fp<{ ctx: Context }>(
  async (app, { ctx }) => {
    app.addHook('onRoute', (route) => {
      const access = route.config?.access;
      const isLimited = (access !== 'public' && access !== 'adapter') || route.config?.limitByAddress;
      if (!isLimited) return;
      const byAddress = access === 'public' || access === 'session' || access === 'admin';
      route.onRequest = [
        ...[route.onRequest ?? []].flat(),
        async (request, reply) => {
          if (byAddress) await limitRate(ctx, reply, `address:${request.ip}`, ctx.config.rateLimit);
          else await limitRate(ctx, reply, `key:${request.actor.id}`, request.actor.limits);
        },
      ];
    });
  },
  { name: 'rate-limit', dependencies: ['auth'] },
);

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A public route that is limited by the caller's address. */
    limitByAddress?: boolean;
  }
}

const minuteSeconds = 60;
const hourSeconds = 3_600;

/** Counts a request and answers how many are left. @throws AppError rate_limited */
export async function limitRate(
  ctx: Context,
  reply: FastifyReply,
  key: string,
  limits: RateLimits,
): Promise<void> {
  const [minute, hour] = await ctx.counters.hit([
    { key, windowSeconds: minuteSeconds },
    { key, windowSeconds: hourSeconds },
  ]);
  const leftThisMinute = limits.perMinute - minute.count;
  const leftThisHour = limits.perHour - hour.count;
  // The window that ends the caller's luck first is the one worth telling.
  const isHourTighter = leftThisHour < leftThisMinute;
  const remaining = Math.max(0, isHourTighter ? leftThisHour : leftThisMinute);
  const reset = isHourTighter ? hour.resetSeconds : minute.resetSeconds;
  reply
    .header('X-RateLimit-Limit', isHourTighter ? limits.perHour : limits.perMinute)
    .header('X-RateLimit-Remaining', remaining)
    .header('X-RateLimit-Reset', reset);
  if (leftThisMinute >= 0 && leftThisHour >= 0) return;
  const retryAfter = leftThisHour < 0 ? hour.resetSeconds : minute.resetSeconds;
  throw new AppError('rate_limited', { headers: { 'Retry-After': String(retryAfter) } });
}
