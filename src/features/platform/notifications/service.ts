import type { Context } from '../../../context.ts';
import { sendMail } from '../../../infra/mail.ts';
import { duplicateKeyFields } from '../../../infra/mongo-errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { isAdmin } from '../../../tenancy/members/admins.ts';
import { listMembers } from '../../../tenancy/members/service.ts';
import { type Notification, notifications } from './model.ts';

/**
 * Tells the workspace's admins something: keeps it, logs it, and mails it when the server has a mail server. Mail that
 * can't be sent is logged and does not fail the caller.
 * @param id makes a repetition harmless: what was kept and mailed under it is not repeated
 */
export async function notifyAdmins(
  ctx: Context,
  workspaceId: ObjectId,
  subject: string,
  text: string,
  id: ObjectId = new ObjectId(),
): Promise<void> {
  const kept = await keep(ctx, { _id: id, workspaceId, subject, text, createdAt: ctx.clock.now() });
  const { smtpUrl } = ctx.config;
  if (kept.mailedAt || !smtpUrl) return;
  try {
    if (!(await mail(ctx, smtpUrl, kept))) return;
    const sent = { $set: { mailedAt: ctx.clock.now() } };
    await notifications(ctx.db).updateOne(workspaceId, { _id: id }, sent, { hint: { _id: 1 } });
  } catch (error) {
    ctx.log.warn(
      { err: error, workspaceId: workspaceId.toHexString(), subject },
      'admins could not be mailed',
    );
  }
}

async function keep(ctx: Context, notification: Notification): Promise<Notification> {
  const { _id, workspaceId, subject } = notification;
  try {
    await notifications(ctx.db).insertOne(workspaceId, notification);
    ctx.log.warn({ workspaceId: workspaceId.toHexString(), subject }, 'admins notified');
    return notification;
  } catch (error) {
    const earlier = duplicateKeyFields(error) && (await notifications(ctx.db).findById(workspaceId, _id));
    if (!earlier) throw error;
    return earlier;
  }
}

/** @returns whether there was anybody to mail to */
async function mail(
  ctx: Context,
  smtpUrl: string,
  { _id, workspaceId, subject, text }: Notification,
): Promise<boolean> {
  const members = await listMembers(ctx, workspaceId);
  const to = members.filter(isAdmin).map(({ email }) => email);
  if (to.length === 0) return false;
  const host = new URL(ctx.config.publicUrl ?? 'http://localhost').hostname;
  const messageId = `<${_id.toHexString()}@${host}>`;
  await sendMail(smtpUrl, { from: `no-reply@${host}`, to, subject, text, messageId });
  return true;
}
