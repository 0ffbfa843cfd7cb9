import { randomToken } from '../lib/crypto.ts';
import type { RateLimits } from '../tenancy/actor.ts';

/** The API keys of one contract, as data that its folder declares; a key opens only its own contract. */
export interface KeyKind {
  /** As requests and answers call it. */
  name: string;
  /** How all of its keys begin. */
  prefix: string;
  /** A new key. */
  issue(): string;
  /** The beginning of a key by which people tell it from others, where it is to be kept besides the hash. */
  startOf?(key: string): string;
  /** Whether a text can be one of these keys: its prefix, length, checksum. What can't is never looked up. */
  isFormed(text: string): boolean;
  /** In place of scopes, for contracts that have none of ours. A route of theirs demands `<kind>:<permission>`. */
  permissions?: readonly string[];
  /** How requests and answers write permissions: in a list, or as lists of actions by resource. */
  permissionsAs?: 'list' | 'actionsByResource';
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
export const prefixed = (prefix: string): Pick<KeyKind, 'prefix' | 'issue' | 'isFormed'> => ({
  prefix,
  issue: () => `${prefix}${randomToken()}`,
  isFormed: (text) => text.length === prefix.length + tokenLength && text.startsWith(prefix),
});

/** Permissions as `resource:action` of the lists of actions by resource, and back. */
export const toPermissions = (actions: Readonly<Record<string, readonly string[]>>): string[] => [
  ...new Set(
    Object.entries(actions).flatMap(([resource, names]) => names.map((name) => `${resource}:${name}`)),
  ),
];

export function toActions(permissions: readonly string[]): Record<string, string[]> {
  const actions = new Map<string, string[]>();
  for (const permission of permissions) {
    const [resource = '', action = ''] = permission.split(':');
    actions.set(resource, [...(actions.get(resource) ?? []), action]);
  }
  return Object.fromEntries(actions);
}
