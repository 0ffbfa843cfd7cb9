import type { ObjectId } from '../lib/ids.ts';

/** From the one that may do everything down to the one that only looks. */
export const roles = ['admin', 'manager', 'agent', 'viewer'] as const;
export type Role = (typeof roles)[number];

/**
 * Something that a key can be allowed, such as `lead.read`: entities and features declare theirs. It ends in a verb, and
 * the verb tells which role has it.
 */
export type Scope = `${string}.${string}`;

/** What people need besides a scope, or where no scope stands for it; access/roles.ts lists them. */
export type Right = `${string}.${string}`;

/** Who writes, in which workspace: what the history keeps of them. */
export interface Author {
  /** `system`: nobody's request, but what follows from an earlier one. */
  kind: 'apiKey' | 'oauth' | 'session' | 'system';
  /** The key's id, or for a session the member's, by which the team knows them. */
  id: string;
  workspaceId: ObjectId;
  /** The API by which they came. */
  contract?: string;
  /** The person behind it: who signed in, or made the key. */
  userId?: string | undefined;
}

/** Who makes a request. Every kind of credential becomes one of these; everything after authentication sees only it. */
export interface Actor extends Author {
  kind: 'apiKey' | 'oauth' | 'session';
  /** What it may do: the scopes or permissions of a key, the scopes and rights of a person's role. */
  scopes: ReadonlySet<string>;
  limits: RateLimits;
}

/** The server itself, in a workspace. */
export const systemIn = (workspaceId: ObjectId): Author => ({ kind: 'system', id: 'system', workspaceId });

export interface RateLimits {
  perMinute: number;
  perHour: number;
}
