import type { Context } from '../../context.ts';
import { AppError } from '../../lib/errors.ts';
import { findInvited, joinTeam } from '../members/invitations.ts';
import type { Member } from '../members/model.ts';
import { invalidToken } from '../one-time-token.ts';
import type { User } from '../users/model.ts';
import { newPassword } from '../users/schema.ts';
import { createUser, findUser, findUserByEmail, markVerified } from '../users/service.ts';
import { getWorkspace } from '../workspaces/service.ts';
import type { Caller } from './caller.ts';
import { proveByPassword } from './login.ts';
import type { Session } from './model.ts';
import { type SignedIn, signupClosed, type WorkspaceSummary } from './service.ts';
import { openSession } from './sessions.ts';

export interface Acceptance {
  token: string;
  name?: string | undefined;
  password?: string | undefined;
}

/**
 * Enters the team that invited an address. The token shows that its mail is received; which account that is shows a
 * session or the password, and an address without an account gets one. The account comes first: when the process dies
 * before the person has joined, the same request joins them with the password that they chose.
 * @throws AppError invalid for a token that is none, is used or has expired; unauthorized, forbidden, rate_limited
 */
export async function acceptInvitation(
  ctx: Context,
  input: Acceptance,
  session: Session | undefined,
  caller: Caller,
): Promise<SignedIn & { workspace: WorkspaceSummary }> {
  const invited = await findInvited(ctx, input.token);
  if (!invited) throw invalidToken();
  const { email } = invited;
  const known = await findUserByEmail(ctx, email);
  const user = known
    ? await proveOwner(ctx, known, input.password, session, caller)
    : await openAccount(ctx, invited, input, caller);
  await markVerified(ctx, user);
  const member = await joinTeam(ctx, invited, user._id, input.name);
  if (!member) throw invalidToken();
  const workspace = await getWorkspace(ctx, member.workspaceId);
  const summary = {
    workspaceId: workspace._id.toHexString(),
    workspaceName: workspace.name,
    role: member.role,
  };
  return { user, token: await openSession(ctx, user, caller), workspace: summary };
}

async function proveOwner(
  ctx: Context,
  known: User,
  password: string | undefined,
  session: Session | undefined,
  caller: Caller,
): Promise<User> {
  if (session?.userId.equals(known._id)) return known;
  if (password !== undefined) return proveByPassword(ctx, { email: known.email, password }, caller);
  throw new AppError('unauthorized', {
    message: 'The address has an account: sign in with it, or give its password',
  });
}

async function openAccount(ctx: Context, invited: Member, input: Acceptance, caller: Caller): Promise<User> {
  if (ctx.config.signup === 'closed') throw signupClosed();
  const { userId, email } = invited;
  const password = newPassword.safeParse(input.password);
  if (!password.success) {
    throw new AppError('invalid', {
      details: { password: password.error.issues.map(({ message }) => message) },
    });
  }
  // The team knows the person by this id already. Somebody who was invited elsewhere too has another one.
  const id = (await findUser(ctx, userId)) ? {} : { id: userId };
  const account = { ...id, name: input.name ?? invited.name, email, password: password.data };
  try {
    return await createUser(ctx, account, { emailVerifiedAt: ctx.clock.now() });
  } catch (error) {
    // Opened just now, by the same person in another window or by somebody else.
    if (!(error instanceof AppError) || error.code !== 'conflict') throw error;
    return proveByPassword(ctx, { email, password: password.data }, caller);
  }
}
