import { randomToken } from '../lib/crypto.ts';
import type { RateLimits } from '../tenancy/actor.ts';

/** The API keys of one contract, as data that its folder declares; a key opens only its own contract. */
export interface KeyKind {
  /** As requests and answers call it. */
  name: string;
  /** A new key. */
  issue(): string;
  /** Whether a text can be one of these keys: its prefix, length, checksum. What can't is never looked up. */
  isFormed(text: string): boolean;
  /** In place of scopes, for contracts that have none of ours. A route of theirs demands `<kind>:<permission>`. */
  permissions?: readonly string[];
  /** What the contract documents, where it differs from the server's limits. */
  limits?: Partial<RateLimits>;
  /** Whether a client secret comes with the key, and tokens for both. */
  hasClientSecret: boolean;
}

/** What a key with the permission may do, as a route declares it. */
export const grantOf = (kind: string, permission: string): ForeignGrant => `${kind}:${permission}`;
export type ForeignGrant = `${string}:${string}`;

/** Base64url of 256 bits. */
const tokenLength = 43;

/** Keys that are a prefix and 256 random bits. */
export const prefixed = (prefix: string): Pick<KeyKind, 'issue' | 'isFormed'> => ({
  issue: () => `${prefix}${randomToken()}`,
  isFormed: (text) => text.length === prefix.length + tokenLength && text.startsWith(prefix),
});
