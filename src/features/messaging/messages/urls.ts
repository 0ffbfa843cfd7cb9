import type { Context } from '../../../context.ts';
import { hmacSha256, isEqualConstantTime } from '../../../lib/crypto.ts';
import { type ObjectId, parseId } from '../../../lib/ids.ts';
import type { Message } from './model.ts';

/** Addresses that leave with a message. Without PUBLIC_URL there is none that the outside could call. */

const base = (ctx: Context): string | undefined => ctx.config.publicUrl?.replace(/\/$/, '');

/** Where Twilio reports the statuses of a message: names the message, whose SID we may never have learnt. */
export function statusCallbackUrl(ctx: Context, message: Message): string | undefined {
  const url = base(ctx);
  if (!url) return undefined;
  const id = message._id.toHexString();
  return `${url}/api/providers/twilio/${message.workspaceId.toHexString()}/status?messageId=${id}`;
}

/** Where the recipient of an email opts out. */
export function unsubscribeUrl(ctx: Context, message: Message): string | undefined {
  const url = base(ctx);
  return url && `${url}/u/${unsubscribeToken(ctx, message._id)}`;
}

const signatureOf = (ctx: Context, messageId: string): string =>
  hmacSha256(ctx.jwtSecret, `unsubscribe:${messageId}`).toString('base64url');

/** Names the email by its id, signed: the address itself stays out of logs and links. */
export const unsubscribeToken = (ctx: Context, messageId: ObjectId): string =>
  `${messageId.toHexString()}.${signatureOf(ctx, messageId.toHexString())}`;

/** The email that a token was made for; undefined when we did not make it. */
export function readUnsubscribeToken(ctx: Context, token: string): ObjectId | undefined {
  const [id = '', signature = ''] = token.split('.');
  return isEqualConstantTime(signature, signatureOf(ctx, id)) ? parseId(id) : undefined;
}
