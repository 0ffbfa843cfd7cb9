import type { Context } from '../../context.ts';
import { type Mail, sendMail } from '../../infra/mail.ts';
import { deliveryTimeoutMs, SmtpFailure } from '../../infra/smtp.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { type OwedMail, owedMails } from './model.ts';

/** The text of a mail; undefined while, or once, nobody expects its token. */
export type Compose = (ctx: Context, mail: OwedMail) => Promise<Omit<Mail, 'to'> | undefined>;

/** However long the mail server takes, a mail is tried by one process at a time. */
const leaseMs = 2 * deliveryTimeoutMs;
/** A mail server that drags its feet holds up this many mails, and no sweep. */
const atOnceMax = 10;
/** How long somebody may take to expect a mail that was promised before. */
const patienceMs = 60_000;
const retryDelaysMs = [5_000, 30_000, 120_000, 600_000, 3_600_000];
/** From here on a reply is about the mail and final; below, about the server or our login to it. */
const refusedReply = 550;

const underWay = new WeakMap<Context, Set<Promise<void>>>();

/**
 * Begins to send what is due and waits for none of it. A mail is struck off when it has left, so one whose process died
 * in between is sent twice, with the same token.
 */
export async function sweepMails(ctx: Context, compose: Compose, signal: AbortSignal): Promise<void> {
  if (!ctx.config.smtpUrl) return;
  const sending = underWay.get(ctx) ?? new Set();
  underWay.set(ctx, sending);
  while (sending.size < atOnceMax && !signal.aborted) {
    const mail = await claim(ctx);
    if (!mail) return;
    const one = send(ctx, mail, compose).finally(() => sending.delete(one));
    sending.add(one);
  }
}

async function claim(ctx: Context): Promise<OwedMail | null> {
  const now = ctx.clock.now();
  return owedMails(ctx.db).findOneAndUpdate(
    { dueAt: { $lte: now } },
    { $set: { dueAt: new Date(now.getTime() + leaseMs) }, $inc: { attempts: 1 } },
    { sort: { dueAt: 1 }, returnDocument: 'after', hint: { dueAt: 1 } },
  );
}

async function send(ctx: Context, mail: OwedMail, compose: Compose): Promise<void> {
  const { _id, kind, to, attempts, createdAt } = mail;
  try {
    const letter = await compose(ctx, mail);
    if (letter)
      await sendMail(ctx.config.smtpUrl ?? '', { ...letter, to: [to], messageId: messageIdOf(ctx, _id) });
    else if (ctx.clock.now().getTime() - createdAt.getTime() < patienceMs) return await postpone(ctx, mail);
    await strikeOff(ctx, _id);
  } catch (error) {
    const isRefused = error instanceof SmtpFailure && (error.replyCode ?? 0) >= refusedReply;
    ctx.log.warn({ err: error, kind, attempts, isRefused }, 'a mail of the system could not be sent');
    // What can't be written down is due again when its lease is over.
    await (isRefused ? strikeOff(ctx, _id) : postpone(ctx, mail)).catch(() => undefined);
  }
}

const strikeOff = (ctx: Context, mailId: ObjectId) => owedMails(ctx.db).deleteOne({ _id: mailId });

async function postpone(ctx: Context, { _id, attempts }: OwedMail): Promise<void> {
  const delayMs = retryDelaysMs[Math.min(attempts, retryDelaysMs.length) - 1] ?? 0;
  const dueAt = new Date(ctx.clock.now().getTime() + delayMs);
  await owedMails(ctx.db).updateOne({ _id }, { $set: { dueAt } });
}

const messageIdOf = ({ config }: Context, mailId: ObjectId): string =>
  `<${mailId.toHexString()}@${new URL(config.publicUrl ?? 'http://localhost').hostname}>`;
