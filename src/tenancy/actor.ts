import type { ObjectId } from '../lib/ids.ts';

/** From the one that may do everything down to the one that only looks. */
export const roles = ['admin', 'manager', 'agent', 'viewer'] as const;
export type Role = (typeof roles)[number];

/** Who makes a request. Every kind of credential becomes one of these; everything after authentication sees only it. */
export interface Actor {
  kind: 'apiKey' | 'oauth' | 'session';
  /** The key's id, or for a session the member's, by which the team knows them. */
  id: string;
  workspaceId: ObjectId;
  /** What it may do: the scopes or permissions of a key, the scopes and rights of a person's role. */
  scopes: ReadonlySet<string>;
  limits: RateLimits;
}

export interface RateLimits {
  perMinute: number;
  perHour: number;
}
