import type { Context } from '../../context.ts';
import { duplicateKeyFields } from '../../infra/mongo-errors.ts';
import { sha256 } from '../../lib/crypto.ts';
import { AppError } from '../../lib/errors.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { type MailKind, mailCounts } from './model.ts';

/**
 * Mails of the system on a day (of UTC). They are what a stranger can make the operator's mail server send, so the count
 * is kept in MongoDB, where no restart of Redis forgets it.
 */
export const mailsPerDay = { workspace: 200, addressAndKind: 10 };

const dayMs = 24 * 3_600_000;

/** Counts a mail before it is owed. @throws AppError rate_limited */
export async function countMail(
  ctx: Context,
  mail: { kind: MailKind; to: string; workspaceId?: ObjectId },
): Promise<void> {
  // The address of a person doesn't belong in a key.
  await take(ctx, `${mail.kind}:${sha256(mail.to)}`, mailsPerDay.addressAndKind);
  if (mail.workspaceId) await take(ctx, `workspace:${mail.workspaceId.toHexString()}`, mailsPerDay.workspace);
}

async function take(ctx: Context, subject: string, max: number): Promise<void> {
  const now = ctx.clock.now().getTime();
  const dayEndsAt = (Math.floor(now / dayMs) + 1) * dayMs;
  const key = `${subject}:${new Date(now).toISOString().slice(0, 10)}`;
  const once = () =>
    mailCounts(ctx.db).updateOne(
      { key, count: { $lt: max } },
      { $inc: { count: 1 }, $setOnInsert: { expiresAt: new Date(dayEndsAt + dayMs) } },
      { upsert: true },
    );
  try {
    // The second of two that begin a day finds what the first one made.
    await once().catch((error: unknown) => (duplicateKeyFields(error) ? once() : Promise.reject(error)));
  } catch (error) {
    if (!duplicateKeyFields(error)) throw error;
    throw new AppError('rate_limited', {
      message: 'Too many mails for today',
      headers: { 'Retry-After': String(Math.ceil((dayEndsAt - now) / 1_000)) },
    });
  }
}
