import type { FastifyReply } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { Context } from '../context.ts';
import type { Counted, Window } from '../infra/counters.ts';
import { AppError } from '../lib/errors.ts';
import type { RateLimits } from '../tenancy/actor.ts';
import type { Contract } from './contract.ts';

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

/** Requests that are counted together, and how many there may be. */
export interface Rate {
  key: string;
  limits: RateLimits;
}

/** Whether the caller is to be counted before any work is done. */
export const isSpent = (rates: readonly Rate[]): boolean =>
  spent.size > 0 && rates.some(({ key }) => spent.has(key));

/**
 * Counts a request by the minute and by the hour, for each of the rates that hold for it, in one Redis round trip, and
 * answers how many are left. What is done meanwhile must not be seen before this has come back.
 * @returns why the request is refused, or nothing; never rejects
 */
export async function countRequest(
  ctx: Context,
  reply: FastifyReply,
  rates: readonly Rate[],
  { resetsIn = 'seconds' }: Pick<Contract, 'resetsIn'> = {},
): Promise<AppError | undefined> {
  const counted = await ctx.counters.hit(rates.flatMap(({ key }) => windowsOf(key)));
  const windows = rates.flatMap(({ key, limits }, index) => [
    windowOf(key, limits.perMinute, counted[2 * index] as Counted),
    windowOf(key, limits.perHour, counted[2 * index + 1] as Counted),
  ]);
  // The window that ends the caller's luck first is the one worth telling.
  const { limit, left, resetSeconds } = windows.reduce((one, other) => (other.left < one.left ? other : one));
  const unixTime = () => Math.ceil(ctx.clock.now().getTime() / 1_000) + resetSeconds;
  reply
    .header('X-RateLimit-Limit', limit)
    .header('X-RateLimit-Remaining', Math.max(0, left))
    .header('X-RateLimit-Reset', resetsIn === 'unixTime' ? unixTime() : resetSeconds);
  const full = windows.filter((window) => window.left < 0);
  if (full.length === 0) return undefined;
  for (const window of full) spent.set(window.key, true, { ttl: window.resetSeconds * 1_000 });
  return tooMany(Math.max(...full.map((window) => window.resetSeconds)));
}

const windowOf = (key: string, limit: number, { count, resetSeconds }: Counted) => ({
  key,
  limit,
  left: limit - count,
  resetSeconds,
});

/** Counts a request before anything is done about it. @throws AppError rate_limited */
export async function limitRate(ctx: Context, reply: FastifyReply, rate: Rate): Promise<void> {
  const refusal = await countRequest(ctx, reply, [rate]);
  if (refusal) throw refusal;
}
