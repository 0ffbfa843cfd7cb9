import type { Context } from '../../context.ts';
import { AppError } from '../../lib/errors.ts';
import { ObjectId } from '../../lib/ids.ts';
import { oweMail } from '../mail/service.ts';
import { addMember, membershipsOf } from '../members/service.ts';
import { expectToken } from '../one-time-token.ts';
import type { User } from '../users/model.ts';
import { createUser, emailTaken, findUser, findUserByEmail } from '../users/service.ts';
import { createWorkspace, findWorkspace } from '../workspaces/service.ts';
import type { Caller } from './caller.ts';
import { limitByPlace } from './limit.ts';
import { proveByPassword } from './login.ts';
import { openSession } from './sessions.ts';

export const verificationMs = 7 * 24 * 3_600_000;

export interface SignedIn {
  user: User;
  token: string;
}

export interface WorkspaceSummary {
  workspaceId: string;
  workspaceName: string;
  role: string;
}

export interface Registered extends SignedIn {
  workspace: WorkspaceSummary;
  /** Where no mail is sent: the token that shows that the address is theirs. */
  verificationToken: string | undefined;
}

/**
 * Opens an account with a workspace of its own, as its admin; into another one only an invitation leads. The account
 * comes last: a process that dies before leaves a workspace that nobody can enter, and an address that is still free for
 * the next attempt.
 * @throws AppError forbidden, conflict, rate_limited
 */
export async function register(
  ctx: Context,
  input: { workspaceName: string; name: string; email: string; password: string },
  caller: Caller,
): Promise<Registered> {
  if (ctx.config.signup === 'closed') throw signupClosed();
  if (ctx.config.signup === 'invited') {
    throw new AppError('forbidden', { message: 'Sign-up is by invitation only' });
  }
  await limitByPlace(ctx, 'register', caller.address);
  const { name, email, password } = input;
  if (await findUserByEmail(ctx, email)) throw emailTaken();
  const mail = await oweVerification(ctx, email);
  const id = new ObjectId();
  const workspace = await createWorkspace(ctx, input.workspaceName);
  const { role } = await addMember(ctx, workspace._id, { _id: id, name, email }, 'admin');
  const verification = mail && expectToken(ctx, mail.mailId, verificationMs);
  const user = await createUser(ctx, { id, name, email, password }, verification ? { verification } : {});
  const token = await openSession(ctx, user, caller);
  const summary = { workspaceId: workspace._id.toHexString(), workspaceName: workspace.name, role };
  return { user, token, workspace: summary, verificationToken: mail?.token };
}

export const signupClosed = () => new AppError('forbidden', { message: 'Sign-up is closed' });

/** An account without that mail is one that has not been verified, and not a failure. */
async function oweVerification(ctx: Context, email: string) {
  try {
    return await oweMail(ctx, { kind: 'verification', to: email });
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/** @throws AppError unauthorized, rate_limited */
export async function login(
  ctx: Context,
  credentials: { email: string; password: string },
  caller: Caller,
): Promise<SignedIn> {
  const user = await proveByPassword(ctx, credentials, caller);
  return { user, token: await openSession(ctx, user, caller) };
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
