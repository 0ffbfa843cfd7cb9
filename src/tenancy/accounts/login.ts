import type { Context } from '../../context.ts';
import type { Window } from '../../infra/counters.ts';
import { AppError } from '../../lib/errors.ts';
import { networkOf } from '../../lib/ip.ts';
import type { User } from '../users/model.ts';
import { authenticateUser } from '../users/service.ts';
import type { Caller } from './caller.ts';
import { accountKeyOf, knownDevice } from './device.ts';

const windowSeconds = 15 * 60;

/**
 * Wrong passwords allowed in the window. Ten from one place: a stranger elsewhere doesn't lock the owner out. The account
 * as a whole has a looser bound, against many places that guess together, and so has the place, against one that
 * guesses at many accounts.
 */
const wrongMax = { fromOnePlace: 10, forAccount: 100, fromAddress: 100, onDevice: 10 };

/**
 * The account with this password.
 * @throws AppError unauthorized, in the same words whichever of the two is wrong; rate_limited
 */
export async function proveByPassword(
  ctx: Context,
  { email, password }: { email: string; password: string },
  caller: Caller,
): Promise<User> {
  const counted = countersOf(ctx, email, caller);
  // Counted before the check, so that parallel guesses don't slip through, and taken back when it was right.
  const hits = await Promise.all(
    counted.map(async ({ max, window }) => {
      const [hit] = await ctx.counters.hit([window]);
      return { ...hit, isTooMany: hit.count > max };
    }),
  );
  const tooMany = hits.find(({ isTooMany }) => isTooMany);
  if (tooMany) {
    throw new AppError('rate_limited', {
      message: 'Too many failed logins',
      headers: { 'Retry-After': String(tooMany.resetSeconds) },
    });
  }
  const user = await authenticateUser(ctx, email, password);
  if (!user) throw new AppError('unauthorized', { message: 'Invalid email or password' });
  await Promise.all(counted.map(({ window }) => ctx.counters.takeBack([window])));
  return user;
}

/** What an attempt counts for. One on a device that its owner has signed in with counts for nothing else. */
function countersOf(ctx: Context, email: string, caller: Caller): { max: number; window: Window }[] {
  const counter = (key: string, max: number) => ({ max, window: { key: `login:${key}`, windowSeconds } });
  const device = knownDevice(ctx, caller.deviceToken, email);
  if (device) return [counter(`device:${device}`, wrongMax.onDevice)];
  const account = accountKeyOf(email);
  const place = networkOf(caller.address);
  return [
    counter(`place:${account}:${place}`, wrongMax.fromOnePlace),
    counter(`account:${account}`, wrongMax.forAccount),
    counter(`address:${place}`, wrongMax.fromAddress),
  ];
}
