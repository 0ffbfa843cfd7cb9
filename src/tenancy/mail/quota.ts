import type { Context } from '../../context.ts';
import { sha256 } from '../../lib/crypto.ts';
import { AppError } from '../../lib/errors.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { type Allowance, nextDay, takeToday } from '../daily-use.ts';
import type { MailKind } from './model.ts';

/**
 * Mails of the system on a day (of UTC). They are what a stranger can make the operator's mail server send, so the count
 * is kept in MongoDB, where no restart of Redis forgets it.
 */
export const mailsPerDay = { workspace: 200, addressAndKind: 10 };

/** Counts a mail before it is owed. @throws AppError rate_limited */
export async function countMail(
  ctx: Context,
  { kind, to, workspaceId }: { kind: MailKind; to: string; workspaceId?: ObjectId },
): Promise<void> {
  // The address of a person doesn't belong in a key.
  await take(ctx, { name: `mails:${kind}:${sha256(to)}`, perDay: mailsPerDay.addressAndKind });
  if (workspaceId) await take(ctx, { workspaceId, name: 'mails', perDay: mailsPerDay.workspace });
}

async function take(ctx: Context, allowance: Allowance): Promise<void> {
  if (await takeToday(ctx, allowance, 1)) return;
  const now = ctx.clock.now();
  throw new AppError('rate_limited', {
    message: 'Too many mails for today',
    headers: { 'Retry-After': String(Math.ceil((nextDay(now).getTime() - now.getTime()) / 1_000)) },
  });
}
