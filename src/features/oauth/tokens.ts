import jwt from 'jsonwebtoken';
import type { Context } from '../../context.ts';

/** Lifetimes: the document's `expires_in`, and a month of not refreshing. */
export const accessTokenSeconds = 3_600;
export const refreshTokenSeconds = 30 * 24 * 3_600;

const algorithm = 'HS256';

export interface AccessClaims {
  typ: 'access';
  /** API key id. */
  sub: string;
  workspaceId: string;
  generation: number;
  family: string;
}

export interface RefreshClaims {
  typ: 'refresh';
  sub: string;
  workspaceId: string;
  family: string;
  jti: string;
}

export interface SessionClaims {
  typ: 'session';
  /** User id. */
  sub: string;
  session: string;
}

type Claims = AccessClaims | RefreshClaims | SessionClaims;

/** @param lifetimeSeconds counted by the shared clock, so that processes agree on it */
export function signToken(ctx: Context, claims: Claims, lifetimeSeconds: number): string {
  const iat = Math.floor(ctx.clock.now().getTime() / 1_000);
  return jwt.sign({ ...claims, iat, exp: iat + lifetimeSeconds }, ctx.jwtSecret, { algorithm });
}

/** The claims of a token that we signed, of the wanted kind and not expired; undefined for everything else. */
export function verifyToken<T extends Claims>(ctx: Context, token: string, typ: T['typ']): T | undefined {
  try {
    const clockTimestamp = Math.floor(ctx.clock.now().getTime() / 1_000);
    const claims = jwt.verify(token, ctx.jwtSecret, { algorithms: [algorithm], clockTimestamp }) as T;
    return claims.typ === typ ? claims : undefined;
  } catch {
    return undefined;
  }
}
