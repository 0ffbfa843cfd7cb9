import type { Role, Scope } from '../tenancy/actor.ts';
import type { Module } from '../tenancy/workspaces/model.ts';
import { grantOf, type KeyKind } from './key-kind.ts';
import { type Grant, grantsByRole } from './roles.ts';

/** Scopes that belong together, as the API document tells of them. */
export interface ScopeGroup {
  scopes: readonly [Scope, ...Scope[]];
  /** What they open: "leads and their comments". */
  opens: string;
}

/** What a feature says about access: that of its entities, and its own. */
interface Declaring {
  entities?: readonly {
    names: readonly [singular: string, plural: string];
    module: Module;
    scopes: { read: Scope; write: Scope };
  }[];
  /** Also where the document is to say more about an entity's scopes than the entity's name. */
  scopes?: readonly ScopeGroup[];
  modules?: readonly Module[];
}

/** What callers can be allowed and workspaces can switch off. */
export interface Declared {
  scopes: readonly Scope[];
  modules: readonly Module[];
  /** Everything that each role may do. */
  grantsOfRole: Readonly<Record<Role, ReadonlySet<Grant>>>;
}

/** Collects what the features declare, in their order; roles have the permissions of contracts' keys as well. */
export function declaredBy(features: readonly Declaring[], keyKinds: Iterable<KeyKind> = []): Declared {
  const scopes = distinct(scopeGroupsOf(features).flatMap((group) => group.scopes));
  const modules = features.flatMap(({ entities = [], modules: own = [] }) => [
    ...entities.map(({ module }) => module),
    ...own,
  ]);
  const permissions = [...keyKinds].flatMap(({ name, permissions = [] }) =>
    permissions.map((permission) => grantOf(name, permission)),
  );
  return { scopes, modules: distinct(modules), grantsOfRole: grantsByRole([...scopes, ...permissions]) };
}

/** Every scope in one group, in the order of the features. */
export function scopeGroupsOf(features: readonly Declaring[]): ScopeGroup[] {
  const told = features.flatMap(({ scopes = [] }) => scopes);
  const groups = new Map<Scope, ScopeGroup>();
  for (const { entities = [], scopes = [] } of features) {
    for (const { scopes: own, names } of entities) {
      const plural = names[1].toLowerCase();
      const before = groups.get(own.read);
      const opens = before ? `${before.opens}, ${plural}` : plural;
      const group = told.find((one) => one.scopes.includes(own.read));
      groups.set(own.read, group ?? { scopes: [own.read, own.write], opens });
    }
    for (const group of scopes) groups.set(group.scopes[0], group);
  }
  return [...groups.values()];
}

const distinct = <T>(items: readonly T[]): T[] => [...new Set(items)];
