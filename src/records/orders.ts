import type { Scale } from '../lib/cursor.ts';

/** An order that lists can be in, with the index that has it. */
export interface Order {
  /** Where the index finds the value: the field itself, or its key among the record's `sortKeys`. */
  path: string;
  scale: Scale;
  /** Whether records may have no value; these come last, whichever way the list goes. */
  isOptional: boolean;
  index: string;
  /** Fields that lists filter by, of which a further index has the records of each value in this order. */
  within: Readonly<Record<string, Within>>;
  /** Of values that don't sort as they are stored. */
  sortKey?: { field: string; of(stored: unknown): SortKey | undefined };
}

export interface Within {
  index: string;
  /** What is stored of a value that somebody filters by. */
  storedAs(wanted: string): string;
}

export type Orders = Readonly<Record<string, Order>>;

/** What stands for a value in an order. */
export type SortKey = string | number;

/** The sort keys of a record; undefined for one of an entity that needs none. */
export function sortKeysOf(orders: Orders | undefined, record: object): Record<string, SortKey> | undefined {
  const keyed = Object.entries(orders ?? {}).filter(([, { sortKey }]) => sortKey);
  if (keyed.length === 0) return undefined;
  const keys: Record<string, SortKey> = {};
  for (const [name, { sortKey }] of keyed) {
    const stored = sortKey && (record as Record<string, unknown>)[sortKey.field];
    const key = stored == null ? undefined : sortKey?.of(stored);
    if (key !== undefined) keys[name] = key;
  }
  return keys;
}
