import type { Context } from '../context.ts';
import { hmacSha256, sha256 } from '../lib/crypto.ts';
import { invalid } from '../lib/errors.ts';
import type { ObjectId } from '../lib/ids.ts';

/**
 * Secrets that go out by mail: whoever has one receives the address's mail. A token follows from the id of its mail and
 * the server's secret, so that a mail which is sent again carries the same one, and it is stored nowhere: who expects it
 * keeps its hash, in the document that using it changes, so that it works once.
 */
export interface OneTimeSecret {
  tokenHash: string;
  expiresAt: Date;
}

export const oneTimeToken = (ctx: Context, mailId: ObjectId): string =>
  hmacSha256(ctx.jwtSecret, `one-time-token:${mailId.toHexString()}`).toString('base64url');

/** What the document that expects the token keeps of it. */
export const expectToken = (ctx: Context, mailId: ObjectId, lifetimeMs: number): OneTimeSecret => ({
  tokenHash: sha256(oneTimeToken(ctx, mailId)),
  expiresAt: new Date(ctx.clock.now().getTime() + lifetimeMs),
});

/** One answer to everything that is wrong with a token. */
export const invalidToken = () => invalid('token', 'Is unknown, used or expired');
