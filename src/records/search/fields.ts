import type { DeclaredEntity } from '../entity/entity.ts';
import { type Field, type Fields, isShown } from '../entity/field.ts';
import type { EntityTypes } from '../entity/types.ts';
import type { FacetRule } from '../facets.ts';

/** How the values of a field compare. */
export type Comparison =
  | 'text'
  | 'number'
  | 'boolean'
  | 'date'
  /** As `2026-01-31`, in nobody's time zone. */
  | 'day'
  /** Decimal digits, as money is kept. */
  | 'decimal'
  | 'id'
  /** Whatever somebody stored there. */
  | 'any'
  /** Nothing that compares. */
  | 'nothing';

/** A field as a search looks at it. */
export interface SearchField {
  name: string;
  /** Where the store has it. */
  path: string;
  comparison: Comparison;
  /** How its values are indexed, where they are. */
  facets?: FacetRule | undefined;
  /** The values that it can have, where these are fixed. */
  values?: readonly string[] | undefined;
}

const times = ['createdAt', 'updatedAt', 'archivedAt'];

/**
 * The field of this name: one that answers show, `fields.<key>` for a custom one, `address.city` for a part, or a filter
 * of lists.
 * @returns nothing where there is no such field
 */
export function searchFieldOf<X extends EntityTypes>(
  { fields, facets, schemas }: Pick<DeclaredEntity<X>, 'fields' | 'facets' | 'schemas'>,
  name: string,
): SearchField | undefined {
  if (name === '_id') return { name, path: name, comparison: 'id' };
  if (times.includes(name)) return { name, path: name, comparison: 'date' };
  const declared = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (declared) return isShown(declared) ? declaredField(name, declared, facets[name]) : undefined;
  const [root = '', key, ...deeper] = name.split('.');
  if (key && deeper.length === 0 && hasParts(fields, root)) {
    return { name, path: name, comparison: 'any', facets: facets[root] === 'map' ? 'map' : undefined };
  }
  const path = Object.hasOwn(schemas.filters, name) ? schemas.filters[name]?.field : undefined;
  return path?.includes('.') ? { name, path, comparison: 'any', facets: facets[path] } : undefined;
}

const hasParts = (fields: Fields, name: string): boolean => {
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return field?.type === 'hierarchy' && isShown(field);
};

function declaredField(name: string, field: Field, facets: FacetRule | undefined): SearchField {
  const { stored, source } = field;
  // What is part of another field, as a currency of its amount.
  if (!stored && source) return { name, path: `${source}.${name}`, comparison: 'text' };
  const { type } = (stored ?? {}) as { type?: unknown };
  const comparison = comparisonOf(field, type);
  return { name, path: comparison === 'decimal' ? `${name}.amount` : name, comparison, facets };
}

function comparisonOf({ type: kind }: Field, stored: unknown): Comparison {
  const [item = stored] = Array.isArray(stored) ? stored : [];
  if (item === String) return kind === 'date' ? 'day' : 'text';
  if (item === Number) return 'number';
  if (item === Boolean) return 'boolean';
  if (item === Date) return 'date';
  if (kind === 'number') return 'decimal';
  if (kind === 'multiselect') return 'text';
  return kind === 'text' ? 'id' : 'nothing';
}
