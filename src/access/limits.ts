import type { FastifyReply } from 'fastify';
import type { Context } from '../context.ts';
import type { Counted, Window } from '../infra/counters.ts';
import { AppError } from '../lib/errors.ts';
import type { RateLimits } from '../tenancy/actor.ts';

const minuteSeconds = 60;
const hourSeconds = 3_600;

export const windowsOf = (key: string): readonly [minute: Window, hour: Window] => [
  { key, windowSeconds: minuteSeconds },
  { key, windowSeconds: hourSeconds },
];

/** Seconds until there is room again; undefined while there is. */
export function secondsToWait(
  [minute, hour]: readonly [minute: Counted, hour: Counted],
  limits: RateLimits,
): number | undefined {
  if (hour.count > limits.perHour) return hour.resetSeconds;
  return minute.count > limits.perMinute ? minute.resetSeconds : undefined;
}

export const tooMany = (retryAfterSeconds: number): AppError =>
  new AppError('rate_limited', { headers: { 'Retry-After': String(retryAfterSeconds) } });

/**
 * Counts a request by the minute and by the hour, in one Redis round trip, and answers how many are left.
 * @throws AppError rate_limited
 */
export async function limitRate(
  ctx: Context,
  reply: FastifyReply,
  key: string,
  limits: RateLimits,
): Promise<void> {
  const [minute, hour] = await ctx.counters.hit(windowsOf(key));
  const leftThisMinute = limits.perMinute - minute.count;
  const leftThisHour = limits.perHour - hour.count;
  // The window that ends the caller's luck first is the one worth telling.
  const isHourTighter = leftThisHour < leftThisMinute;
  reply
    .header('X-RateLimit-Limit', isHourTighter ? limits.perHour : limits.perMinute)
    .header('X-RateLimit-Remaining', Math.max(0, isHourTighter ? leftThisHour : leftThisMinute))
    .header('X-RateLimit-Reset', isHourTighter ? hour.resetSeconds : minute.resetSeconds);
  const wait = secondsToWait([minute, hour], limits);
  if (wait !== undefined) throw tooMany(wait);
}
