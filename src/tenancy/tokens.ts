import { createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { LRUCache } from 'lru-cache';
import type { Context } from '../context.ts';

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

export interface DeviceClaims {
  typ: 'device';
  /** Hash of the address of the account that has signed in on it. */
  sub: string;
  device: string;
}

type Claims = AccessClaims | RefreshClaims | SessionClaims | DeviceClaims;

/** Enough for every client that is active at the same time; a token that is pushed out is verified once more. */
const verifiedMax = 10_000;

interface Signer {
  key: KeyObject;
  /** Claims by token: what its signature proves never changes, so only the expiry is looked at again. */
  verified: LRUCache<string, Claims & { exp: number }>;
}

const signers = new WeakMap<Context, Signer>();

/** The key is made once: from a text, the library would first try to read a public key at every token. */
function signerOf(ctx: Context): Signer {
  let signer = signers.get(ctx);
  if (!signer) {
    signer = { key: createSecretKey(ctx.jwtSecret, 'utf8'), verified: new LRUCache({ max: verifiedMax }) };
    signers.set(ctx, signer);
  }
  return signer;
}

/** @param lifetimeSeconds counted by the shared clock, so that processes agree on it */
export function signToken(ctx: Context, claims: Claims, lifetimeSeconds: number): string {
  const iat = Math.floor(ctx.clock.now().getTime() / 1_000);
  return jwt.sign({ ...claims, iat, exp: iat + lifetimeSeconds }, signerOf(ctx).key, { algorithm });
}

/** The claims of a token that we signed, of the wanted kind and not expired; undefined for everything else. */
export function verifyToken<T extends Claims>(ctx: Context, token: string, typ: T['typ']): T | undefined {
  const clockTimestamp = Math.floor(ctx.clock.now().getTime() / 1_000);
  const { key, verified } = signerOf(ctx);
  let claims = verified.get(token);
  if (!claims) {
    try {
      claims = jwt.verify(token, key, { algorithms: [algorithm], clockTimestamp }) as Claims & {
        exp: number;
      };
    } catch {
      return undefined;
    }
    verified.set(token, claims);
  }
  return claims.typ === typ && clockTimestamp < claims.exp ? (claims as unknown as T) : undefined;
}
