import type { Context } from '../../context.ts';
import { AppError } from '../../lib/errors.ts';
import { isLoopback, networkOf } from '../../lib/ip.ts';

/** What one place may ask of a server that costs somebody else something: accounts, and mail to people. */
const perHour = { register: 20, forgot: 20, verification: 20 };
const windowSeconds = 3_600;

/**
 * Limits by the caller's address, far below the limit of requests. The machine itself is let through: there are its
 * operator, its tests, and a proxy that is not trusted to name its clients. @throws AppError rate_limited
 */
export async function limitByPlace(
  ctx: Context,
  action: keyof typeof perHour,
  address: string,
): Promise<void> {
  if (isLoopback(address)) return;
  const key = `${action}:${networkOf(address)}`;
  const [{ count, resetSeconds }] = await ctx.counters.hit([{ key, windowSeconds }]);
  if (count > perHour[action]) {
    throw new AppError('rate_limited', { headers: { 'Retry-After': String(resetSeconds) } });
  }
}
