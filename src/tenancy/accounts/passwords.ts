import type { Context } from '../../context.ts';
import { sha256 } from '../../lib/crypto.ts';
import { AppError, invalid } from '../../lib/errors.ts';
import { oweMail } from '../mail/service.ts';
import { expectToken, invalidToken } from '../one-time-token.ts';
import { users } from '../users/model.ts';
import { hashPassword, replacePassword } from '../users/service.ts';
import type { Caller } from './caller.ts';
import { limitByPlace } from './limit.ts';
import { proveByPassword } from './login.ts';
import type { Session } from './model.ts';
import { getUser, verificationMs } from './service.ts';
import { endOtherSessions } from './sessions.ts';

const resetMs = 3_600_000;

/**
 * Promises a mail with which the owner of the address sets a new password. Whether there is such an account shows neither
 * in the answer nor in its time: the mail is promised to any address, and whoever sends it finds that nobody waits for it.
 * @returns where no mail is sent, the token that it would carry
 * @throws AppError rate_limited; unavailable when there is no mail server
 */
export async function requestReset(ctx: Context, email: string, caller: Caller): Promise<string | undefined> {
  await limitByPlace(ctx, 'forgot', caller.address);
  const { mailId, token } = await oweMail(ctx, { kind: 'reset', to: email });
  await users(ctx.db).updateOne({ email }, { $set: { reset: expectToken(ctx, mailId, resetMs) } });
  return token;
}

/** Sets a new password, by the token of a mail, and ends every session. @throws AppError invalid */
export async function resetPassword(ctx: Context, token: string, password: string): Promise<void> {
  const secret = sha256(token);
  const user = await users(ctx.db).findOne({ 'reset.tokenHash': secret }, { hint: 'reset' });
  if (!user?.reset || user.reset.expiresAt <= ctx.clock.now()) throw invalidToken();
  const changed = await replacePassword(ctx, user, await hashPassword(password), { secret });
  if (!changed) throw invalidToken();
  await endOtherSessions(ctx, changed);
}

/** Sets a new password and ends every session but this one. @throws AppError invalid for a wrong current password */
export async function changePassword(
  ctx: Context,
  session: Session,
  { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
  caller: Caller,
): Promise<void> {
  const { email } = await getUser(ctx, session.userId);
  const user = await proveByPassword(ctx, { email, password: currentPassword }, caller).catch(
    (error: unknown) => {
      throw error instanceof AppError && error.code === 'unauthorized' ? wrongPassword() : error;
    },
  );
  const changed = await replacePassword(ctx, user, await hashPassword(newPassword));
  // Another request has just replaced it.
  if (!changed) throw wrongPassword();
  await endOtherSessions(ctx, changed, session);
}

const wrongPassword = () => invalid('currentPassword', 'Is wrong');

/**
 * Promises the mail once more with which the owner of the address shows that it is theirs; the one before is worth nothing
 * then. Neither the answer nor its time shows whether there is such an account, and whether it waits for that.
 * @returns where no mail is sent, the token that it would carry
 * @throws AppError rate_limited; unavailable when there is no mail server
 */
export async function requestVerification(
  ctx: Context,
  email: string,
  caller: Caller,
): Promise<string | undefined> {
  await limitByPlace(ctx, 'verification', caller.address);
  const { mailId, token } = await oweMail(ctx, { kind: 'verification', to: email });
  await users(ctx.db).updateOne(
    { email, emailVerifiedAt: { $exists: false } },
    { $set: { verification: expectToken(ctx, mailId, verificationMs) } },
  );
  return token;
}

/** Notes that the address is theirs, by the token of a mail. @throws AppError invalid */
export async function verifyEmail(ctx: Context, token: string): Promise<void> {
  const now = ctx.clock.now();
  const verified = await users(ctx.db).findOneAndUpdate(
    { 'verification.tokenHash': sha256(token), 'verification.expiresAt': { $gt: now } },
    { $set: { emailVerifiedAt: now }, $unset: { verification: true } },
    { hint: { 'verification.tokenHash': 1 } },
  );
  if (!verified) throw invalidToken();
}
