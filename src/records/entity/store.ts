import { Schema } from 'mongoose';
import { tenantCollection } from '../../infra/mongo.ts';
import type { FacetRules } from '../facets.ts';
import { declareRecordIndexes } from '../list.ts';
import type { Orders } from '../orders.ts';
import type { RecordDocument } from '../record.ts';
import { recordFields } from '../schema.ts';
import { listIndexOf, type Tallies, tallyIndex, tallyKeys } from '../tally.ts';
import { type Fields, isAlwaysThere, type Unique } from './field.ts';

/** An index of the entity's own, with the query that it serves. */
export interface Index {
  name: string;
  serves: string;
  /** After the workspace, which every index begins with. */
  keys: Record<string, 1 | -1>;
  unique?: true;
  /** Only documents that have this field are in it. */
  having?: string;
}

/** Declares the entity's collection: its Mongoose schema and indexes. */
export function storeOf<T extends RecordDocument>(
  collection: string,
  fields: Fields,
  indexes: readonly Index[],
  orders: Orders,
  tallies?: Tallies<T>,
) {
  const own = Object.entries(fields)
    .filter(([, { stored }]) => stored)
    .map(([name, field]) => [name, { ...field.stored, ...(isAlwaysThere(field) ? { required: true } : {}) }]);
  const schema = new Schema({ ...recordFields, ...Object.fromEntries(own) });
  declareRecordIndexes(schema);
  for (const [name, field] of Object.entries(fields)) {
    const { unique } = field.options;
    if (!unique) continue;
    const whenGiven = isAlwaysThere(field) ? {} : { [name]: { $exists: true } };
    schema.index(
      { workspaceId: 1, [name]: 1 },
      { name: unique.index, unique: true, partialFilterExpression: { archived: false, ...whenGiven } },
    );
  }
  for (const { path, index, within } of Object.values(orders)) {
    const order = { [path]: 1, _id: 1 } as const;
    schema.index({ workspaceId: 1, archived: 1, ...order }, { name: index });
    for (const [field, { index: name }] of Object.entries(within))
      schema.index({ workspaceId: 1, archived: 1, [field]: 1, ...order }, { name });
  }
  for (const { name, keys, unique, having } of indexes) {
    const partial = having ? { partialFilterExpression: { [having]: { $exists: true } } } : {};
    schema.index({ workspaceId: 1, ...keys }, { name, ...(unique ? { unique } : {}), ...partial });
  }
  if (tallies) {
    // Counts go along it in the order of the ids, and read nothing else.
    const keys = { workspaceId: 1, archived: 1, _id: 1, ...tallyKeys(tallies) } as const;
    schema.index(keys, { name: tallyIndex });
    for (const list of Object.keys(tallies.lists ?? {})) {
      schema.index(
        { workspaceId: 1, archived: 1, _id: 1 },
        { name: listIndexOf(list), partialFilterExpression: { [`tally.${list}`]: { $exists: true } } },
      );
    }
  }
  return tenantCollection<T>(collection, schema);
}

/** Which fields lists and the search look at, and how. */
export function facetRulesOf(fields: Fields, filters: Record<string, string>): FacetRules {
  const rules: Record<string, FacetRules[string]> = {};
  for (const [name, { options, searchRule, facetRule = 'value', refersTo }] of Object.entries(fields)) {
    if (options.search && options.filter && searchRule === 'words')
      throw new Error(`${name} is kept by its words, so lists can't filter by its whole value`);
    if (options.search && searchRule) rules[name] = searchRule;
    // Of two records that are merged, one has to be found wherever it is referred to.
    else if (options.filter || options.facet || refersTo) rules[name] = facetRule;
  }
  for (const path of Object.values(filters)) rules[path] ??= 'value';
  return rules;
}

/** A field of which no two live records have the same value. */
export interface UniqueField extends Unique {
  field: string;
}

export const uniqueFieldsOf = (fields: Fields): UniqueField[] =>
  Object.entries(fields).flatMap(
    ([
      field,
      {
        options: { unique },
      },
    ]) => (unique ? [{ field, ...unique }] : []),
  );
