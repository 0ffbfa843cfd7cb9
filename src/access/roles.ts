import { type Role, roles } from '../tenancy/actor.ts';
import type { ForeignGrant } from './key-kind.ts';
import { type Scope, scopes } from './scopes.ts';

/** The least role that has the scopes with this verb: viewers read, agents change single records. */
const verbs: Record<string, Role> = {
  read: 'viewer',
  write: 'agent',
  send: 'agent',
  run: 'manager',
  manage: 'admin',
};

/** What no scope stands for: people need the right besides the scope, or a route is for people alone. */
const rights = {
  'record.bulk': 'manager',
  'key.manage': 'admin',
  'member.manage': 'admin',
  'provider.manage': 'admin',
  'setting.manage': 'admin',
} as const satisfies Record<string, Role>;

export type Right = keyof typeof rights;

/** What a caller can be allowed: a key its scopes or permissions, a person what the role has. */
export type Grant = Scope | Right | ForeignGrant;

const isRight = (grant: string): grant is Right => Object.hasOwn(rights, grant);

/** The least role that may do it. */
export function leastRole(grant: Grant): Role {
  if (isRight(grant)) return rights[grant];
  return verbs[grant.split(/[.:]/).at(-1) ?? ''] ?? 'admin';
}

const rightNames = Object.keys(rights) as Right[];

/** Everything that each role may do; what one may, those above it may too. */
export const grantsOfRole: Record<Role, ReadonlySet<Grant>> = {
  admin: grantsOf('admin'),
  manager: grantsOf('manager'),
  agent: grantsOf('agent'),
  viewer: grantsOf('viewer'),
};

function grantsOf(role: Role): ReadonlySet<Grant> {
  const isReached = (grant: Grant) => roles.indexOf(leastRole(grant)) >= roles.indexOf(role);
  return new Set([...scopes, ...rightNames].filter(isReached));
}
