import type { Context } from '../../context.ts';
import { AppError } from '../../lib/errors.ts';
import { ObjectId } from '../../lib/ids.ts';
import { oneTimeToken } from '../one-time-token.ts';
import { type MailKind, owedMails } from './model.ts';
import { countMail } from './quota.ts';

export interface MailPromise {
  mailId: ObjectId;
  /** Where no mail is sent: the token that it would carry. */
  token: string | undefined;
}

/**
 * Promises a mail, which a worker sends: no request waits for a mail server. Without one, outside production, the caller
 * hands the token out in its answer instead.
 * @throws AppError rate_limited; unavailable in production without a mail server
 */
export async function oweMail(
  ctx: Context,
  mail: { kind: MailKind; to: string; workspaceId?: ObjectId },
): Promise<MailPromise> {
  const mailId = new ObjectId();
  const { kind } = mail;
  if (!ctx.config.smtpUrl) {
    if (ctx.config.isProduction) {
      throw new AppError('unavailable', { message: 'This needs a mail server, and none is set up' });
    }
    ctx.log.info({ kind }, 'no SMTP_URL: the answer carries the token of the mail');
    return { mailId, token: oneTimeToken(ctx, mailId) };
  }
  await countMail(ctx, mail);
  const now = ctx.clock.now();
  const to = mail.to.toLowerCase();
  await owedMails(ctx.db).insertOne({ _id: mailId, kind, to, dueAt: now, attempts: 0, createdAt: now });
  return { mailId, token: undefined };
}
