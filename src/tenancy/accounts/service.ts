import type { Context } from '../../context.ts';
import { sha256 } from '../../lib/crypto.ts';
import { AppError } from '../../lib/errors.ts';
import { ObjectId, parseId } from '../../lib/ids.ts';
import { addMember, membershipsOf } from '../members/service.ts';
import { type SessionClaims, signToken, verifyToken } from '../tokens.ts';
import { createWorkspace, findWorkspace } from '../workspaces/service.ts';
import { type Session, sessions, type User } from './model.ts';
import { authenticateUser, createUser, emailTaken, findUser, findUserByEmail } from './users.ts';

export const sessionSeconds = 7 * 24 * 3_600;

/** Wrong logins allowed in the window, per account and per address. */
const throttle = { windowSeconds: 15 * 60, perAccount: 10, perAddress: 100 };

export interface SignedIn {
  user: User;
  token: string;
}

export interface WorkspaceSummary {
  workspaceId: string;
  workspaceName: string;
  role: string;
}

/**
 * Opens an account with a workspace of its own, as its admin. The account comes last: a process that dies before leaves
 * a workspace that nobody can enter, and an address that is still free for the next attempt.
 * @throws AppError forbidden, conflict
 */
export async function register(
  ctx: Context,
  input: { workspaceName: string; name: string; email: string; password: string },
): Promise<SignedIn & { workspace: WorkspaceSummary }> {
  if (ctx.config.signup === 'closed') throw new AppError('forbidden', { message: 'Sign-up is closed' });
  if (ctx.config.signup === 'invited') {
    throw new AppError('forbidden', { message: 'Sign-up is by invitation only' });
  }
  const { name, email, password } = input;
  if (await findUserByEmail(ctx, email)) throw emailTaken();
  const id = new ObjectId();
  const workspace = await createWorkspace(ctx, input.workspaceName);
  const { role } = await addMember(ctx, workspace._id, id, { name, email, role: 'admin' });
  const user = await createUser(ctx, { id, name, email, password });
  const token = await openSession(ctx, user._id);
  const summary = { workspaceId: workspace._id.toHexString(), workspaceName: workspace.name, role };
  return { user, token, workspace: summary };
}

/** @throws AppError unauthorized, in the same words whichever of the two is wrong; rate_limited */
export async function login(
  ctx: Context,
  input: { email: string; password: string },
  address: string,
): Promise<SignedIn> {
  const account = {
    // The address of a person doesn't belong in a key.
    key: `login:account:${sha256(input.email.toLowerCase())}`,
    windowSeconds: throttle.windowSeconds,
  };
  const source = { key: `login:address:${address}`, windowSeconds: throttle.windowSeconds };
  // Counted before the check, so that parallel guesses don't slip through, and taken back when it was right.
  const [[byAccount], [byAddress]] = await Promise.all([
    ctx.counters.hit([account]),
    ctx.counters.hit([source]),
  ]);
  const blocked = [
    byAccount.count > throttle.perAccount && byAccount,
    byAddress.count > throttle.perAddress && byAddress,
  ];
  const tooMany = blocked.find((counted) => counted !== false);
  if (tooMany) {
    throw new AppError('rate_limited', {
      message: 'Too many failed logins',
      headers: { 'Retry-After': String(tooMany.resetSeconds) },
    });
  }
  const user = await authenticateUser(ctx, input.email, input.password);
  if (!user) throw new AppError('unauthorized', { message: 'Invalid email or password' });
  await Promise.all([ctx.counters.takeBack([account]), ctx.counters.takeBack([source])]);
  return { user, token: await openSession(ctx, user._id) };
}

const cacheKey = (sessionId: string): string => `session:${sessionId}`;

async function openSession(ctx: Context, userId: ObjectId): Promise<string> {
  const now = ctx.clock.now();
  const session: Session = {
    _id: new ObjectId(),
    userId,
    expiresAt: new Date(now.getTime() + sessionSeconds * 1_000),
    createdAt: now,
  };
  await sessions(ctx.db).insertOne(session);
  const claims: SessionClaims = {
    typ: 'session',
    sub: userId.toHexString(),
    session: session._id.toHexString(),
  };
  return signToken(ctx, claims, sessionSeconds);
}

/** The live session behind a session token. */
export async function findSession(ctx: Context, token: string): Promise<Session | undefined> {
  const sessionId = parseId(verifyToken<SessionClaims>(ctx, token, 'session')?.session);
  if (!sessionId) return undefined;
  const session = await ctx.cache.get(cacheKey(sessionId.toHexString()), async () => {
    return (await sessions(ctx.db).findOne({ _id: sessionId })) ?? undefined;
  });
  return session && session.expiresAt > ctx.clock.now() ? session : undefined;
}

/** Ends the session on every process. */
export async function logout(ctx: Context, sessionId: ObjectId): Promise<void> {
  await sessions(ctx.db).deleteOne({ _id: sessionId });
  await ctx.cache.invalidate(cacheKey(sessionId.toHexString()));
}

/** @throws AppError unauthorized when the account is gone */
export async function getUser(ctx: Context, userId: ObjectId): Promise<User> {
  const user = await findUser(ctx, userId);
  if (!user) throw new AppError('unauthorized');
  return user;
}

export async function listWorkspaces(ctx: Context, userId: ObjectId): Promise<WorkspaceSummary[]> {
  const memberships = await membershipsOf(ctx, userId);
  const found = await Promise.all(
    memberships.map(async ({ workspaceId, role }) => {
      const workspace = await findWorkspace(ctx, workspaceId);
      return workspace && { workspaceId: workspaceId.toHexString(), workspaceName: workspace.name, role };
    }),
  );
  return found.filter((summary) => summary !== undefined);
}
