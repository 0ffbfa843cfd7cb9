import { type Right, type Role, roles, type Scope } from '../tenancy/actor.ts';
import type { ForeignGrant } from './key-kind.ts';

/** The least role that has the scopes with this verb: viewers read, agents change single records. */
const verbs: Record<string, Role> = {
  read: 'viewer',
  write: 'agent',
  send: 'agent',
  delete: 'agent',
  execute: 'agent',
  export: 'manager',
  run: 'manager',
  manage: 'admin',
};

/** What no scope stands for: people need the right besides the scope, or a route is for people alone. */
const rights: Readonly<Record<Right, Role>> = {
  'record.bulk': 'manager',
  'record.merge': 'manager',
  'record.assign': 'manager',
  // Pipelines, stages, rules, tags, territories: what everybody's records hang on.
  'structure.change': 'manager',
  'key.manage': 'admin',
  'member.manage': 'admin',
  'provider.manage': 'admin',
  'setting.manage': 'admin',
};

/** What a caller can be allowed: a key its scopes or permissions, a person what the role has. */
export type Grant = Scope | Right | ForeignGrant;

export const isRight = (grant: string): grant is Right => Object.hasOwn(rights, grant);

/** The least role that may do it. */
export const leastRole = (grant: Grant): Role =>
  (isRight(grant) ? rights[grant] : verbs[grant.split(/[.:]/).at(-1) ?? '']) ?? 'admin';

/** Everything that each role may do; what one may, those above it may too. */
export function grantsByRole(declared: readonly Grant[]): Record<Role, ReadonlySet<Grant>> {
  const grants: Grant[] = [...declared, ...(Object.keys(rights) as Right[])];
  const grantsOf = (role: Role) =>
    new Set(grants.filter((grant) => roles.indexOf(leastRole(grant)) >= roles.indexOf(role)));
  return {
    admin: grantsOf('admin'),
    manager: grantsOf('manager'),
    agent: grantsOf('agent'),
    viewer: grantsOf('viewer'),
  };
}
