import type { Database } from '../../infra/mongo.ts';
import type { Tallies } from '../tally.ts';

/** Numbers over all records of an entity, by one of the groups that the entity says its records count in. */
export interface Aggregate {
  /** "deal.created": of its entity and group. */
  name: string;
  entity: Counted;
  group: string;
  sums: string[];
  /** A record counts in several of its groups. */
  isList: boolean;
}

interface Counted {
  name: string;
  collection(db: Database): { readonly name: string };
  tallies?: Tallies<never>;
}

/** Declares an aggregate. @param listSums the amounts of a list's entries; those of a group are the entity's */
export function aggregateOf(entity: Counted, group: string, listSums: string[] = []): Aggregate {
  const { groups = {}, sums = {}, lists = {} } = entity.tallies ?? {};
  const isList = Object.hasOwn(lists, group);
  if (!isList && !Object.hasOwn(groups, group)) throw new Error(`${entity.name} has no group ${group}`);
  const names = isList ? listSums : Object.keys(sums);
  return { name: `${entity.name}.${group}`, entity, group, sums: names, isList };
}
