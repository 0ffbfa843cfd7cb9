import type { Context } from '../../context.ts';
import { randomToken, sha256 } from '../../lib/crypto.ts';
import { type DeviceClaims, signToken, verifyToken } from '../tokens.ts';

export const deviceCookie = 'device';
export const deviceSeconds = 90 * 24 * 3_600;

/** The address of a person doesn't belong in a key or a cookie. */
export const accountKeyOf = (email: string): string => sha256(email.toLowerCase());

/**
 * What a browser keeps once somebody has signed in with it. It opens nothing: it only keeps the owner of an account from
 * being locked out by a stranger's wrong guesses, for it is counted by itself.
 */
export const deviceToken = (ctx: Context, email: string): string => {
  const claims: DeviceClaims = { typ: 'device', sub: accountKeyOf(email), device: randomToken(12) };
  return signToken(ctx, claims, deviceSeconds);
};

/** The device, when somebody has signed in with it as this account. */
export function knownDevice(ctx: Context, token: string | undefined, email: string): string | undefined {
  const claims = token === undefined ? undefined : verifyToken<DeviceClaims>(ctx, token, 'device');
  return claims?.sub === accountKeyOf(email) ? claims.device : undefined;
}
