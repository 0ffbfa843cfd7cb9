import type { FastifyReply } from 'fastify';
import { LRUCache } from 'lru-cache';
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
 * Callers who had nothing left when they were last counted, until their window ends: the work on what they send begins
 * only once it is counted. A caller who is taken for one wrongly, or not taken for one, gets the same answers.
 */
const spent = new LRUCache<string, true>({ max: 20_000 });

/** Whether the caller is to be counted before any work is done. */
export const isSpent = (key: string): boolean => spent.size > 0 && spent.has(key);

/**
 * Counts a request by the minute and by the hour, in one Redis round trip, and answers how many are left. What is done
 * meanwhile must not be seen before this has come back.
 * @returns why the request is refused, or nothing; never rejects
 */
export async function countRequest(
  ctx: Context,
  reply: FastifyReply,
  key: string,
  limits: RateLimits,
): Promise<AppError | undefined> {
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
  if (wait === undefined) return undefined;
  spent.set(key, true, { ttl: wait * 1_000 });
  return tooMany(wait);
}

/** Counts a request before anything is done about it. @throws AppError rate_limited */
export async function limitRate(
  ctx: Context,
  reply: FastifyReply,
  key: string,
  limits: RateLimits,
): Promise<void> {
  const refusal = await countRequest(ctx, reply, key, limits);
  if (refusal) throw refusal;
}
