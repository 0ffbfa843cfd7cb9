import type { Context } from '../../context.ts';
import { withoutUndefined } from '../../lib/clean.ts';
import { notFound } from '../../lib/errors.ts';
import { ObjectId, parseId } from '../../lib/ids.ts';
import { type SessionClaims, signToken, verifyToken } from '../tokens.ts';
import type { User } from '../users/model.ts';
import { users } from '../users/model.ts';
import type { Caller } from './caller.ts';
import { type Session, sessions } from './model.ts';

export const sessionSeconds = 7 * 24 * 3_600;

/** More than anybody has; a script that signs in for every request ends its oldest ones. */
const sessionsMax = 100;
const userAgentMax = 200;

const cacheKey = (sessionId: ObjectId): string => `session:${sessionId.toHexString()}`;

/** Signs the account in. @returns the session's token */
export async function openSession(ctx: Context, user: User, caller: Caller): Promise<string> {
  const now = ctx.clock.now();
  const session: Session = withoutUndefined({
    _id: new ObjectId(),
    userId: user._id,
    generation: user.generation,
    address: caller.address,
    userAgent: caller.userAgent?.slice(0, userAgentMax),
    expiresAt: new Date(now.getTime() + sessionSeconds * 1_000),
    createdAt: now,
  });
  await sessions(ctx.db).insertOne(session);
  const [, ...beyond] = await sessionsOf(ctx, user._id, sessionsMax - 1);
  if (beyond.length > 0) await endSessions(ctx, beyond);
  const claims: SessionClaims = {
    typ: 'session',
    sub: user._id.toHexString(),
    session: session._id.toHexString(),
  };
  return signToken(ctx, claims, sessionSeconds);
}

const sessionsOf = (ctx: Context, userId: ObjectId, skip = 0): Promise<Session[]> =>
  sessions(ctx.db)
    .find({ userId }, { sort: { _id: -1 }, skip, limit: 2 * sessionsMax, hint: 'of_account' })
    .toArray();

/** When the accounts signed in last, of those that have a session. */
export async function lastSignIns(ctx: Context, accountIds: ObjectId[]): Promise<Map<string, Date>> {
  if (accountIds.length === 0) return new Map();
  const stages = [
    { $match: { userId: { $in: accountIds } } },
    // Ids of sessions rise with time, and the index has nothing else.
    { $group: { _id: '$userId', last: { $max: '$_id' } } },
  ];
  const found = await sessions(ctx.db)
    .aggregate<{ _id: ObjectId; last: ObjectId }>(stages, { hint: 'of_account' })
    .toArray();
  return new Map(found.map(({ _id, last }) => [_id.toHexString(), last.getTimestamp()]));
}

/** The live session behind a session token. */
export async function findSession(ctx: Context, token: string): Promise<Session | undefined> {
  const sessionId = parseId(verifyToken<SessionClaims>(ctx, token, 'session')?.session);
  if (!sessionId) return undefined;
  const session = await ctx.cache.get(cacheKey(sessionId), async () => {
    const found = await sessions(ctx.db).findOne({ _id: sessionId });
    const user = found && (await users(ctx.db).findOne({ _id: found.userId }));
    return user?.generation === found?.generation ? (found ?? undefined) : undefined;
  });
  return session && session.expiresAt > ctx.clock.now() ? session : undefined;
}

/** The account's sessions that still open something, the newest first. */
export async function listSessions(ctx: Context, { userId, generation }: Session): Promise<Session[]> {
  const now = ctx.clock.now();
  const found = await sessionsOf(ctx, userId);
  return found.filter((session) => session.generation === generation && session.expiresAt > now);
}

/** Ends one of the account's sessions on every process. @throws AppError not_found */
export async function endSession(ctx: Context, userId: ObjectId, sessionId: ObjectId): Promise<void> {
  const session = await sessions(ctx.db).findOneAndDelete({ _id: sessionId, userId }, { hint: { _id: 1 } });
  if (!session) throw notFound('Session');
  await ctx.cache.invalidate(cacheKey(sessionId));
}

/**
 * Clears up after the account's password was replaced, which has ended its sessions already: no process remembers one.
 * @param kept the session that goes on, of the new password
 */
export async function endOtherSessions(ctx: Context, user: User, kept?: Session): Promise<void> {
  if (kept) {
    const goesOn = { $set: { generation: user.generation } };
    await sessions(ctx.db).updateOne({ _id: kept._id }, goesOn);
    await ctx.cache.invalidate(cacheKey(kept._id));
  }
  const all = await sessionsOf(ctx, user._id);
  await endSessions(
    ctx,
    all.filter(({ generation }) => generation !== user.generation),
  );
}

async function endSessions(ctx: Context, ended: Session[]): Promise<void> {
  await sessions(ctx.db).deleteMany({ _id: { $in: ended.map(({ _id }) => _id) } });
  await Promise.all(ended.map(({ _id }) => ctx.cache.invalidate(cacheKey(_id))));
}
