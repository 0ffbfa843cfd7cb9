import type { ObjectId } from '../lib/ids.ts';

/** The scopes of the native document's table. */
export const scopes = [
  'lead.read',
  'lead.write',
  'property.read',
  'property.write',
  'contact.read',
  'contact.write',
  'customer.read',
  'customer.write',
  'task.read',
  'task.write',
  'webhook.manage',
  'metadata.read',
  'team.read',
] as const;
export type Scope = (typeof scopes)[number];

export const roles = ['admin', 'manager', 'agent', 'viewer'] as const;
export type Role = (typeof roles)[number];

/** Who makes a request. Every kind of credential becomes one of these; everything after authentication sees only it. */
export interface Actor {
  kind: 'apiKey' | 'oauth' | 'session';
  /** The key's id, or the user's for a session. */
  id: string;
  workspaceId: ObjectId;
  scopes: ReadonlySet<string>;
  limits: RateLimits;
}

export interface RateLimits {
  perMinute: number;
  perHour: number;
}
