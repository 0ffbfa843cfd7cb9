import { isDeepStrictEqual } from 'node:util';
import { isObject } from './merge-patch.ts';

/** A field, or an entry of one that is a map (`fields.budget`), before and after; null where it had no value. */
export type FieldChange = [field: string, before: unknown, after: unknown];

type Shown = Record<string, unknown>;

/** What every record shows and no history has to: they are the row's own or never change. */
const ownFields = new Set(['_id', 'workspaceId', 'createdAt', 'updatedAt']);

/** A longer text, or value as JSON, is cut here and marked as cut. */
const valueCharactersMax = 500;
/** All values of a row together, so that it stays small whatever the record holds. */
const rowCharactersMax = 8_000;
const cutMark = '…';

/**
 * What differs between two versions of a record as they leave the server: so nothing that a client can't see is in it.
 * Of a new record, all that it has.
 */
export function changesBetween(before: Shown | undefined, after: Shown): FieldChange[] {
  const changes: FieldChange[] = [];
  compare('', before ?? {}, after, changes);
  let left = rowCharactersMax;
  const bounded = (value: unknown) => {
    const [kept, length] = boundedTo(Math.min(left, valueCharactersMax), value);
    left -= length;
    return kept;
  };
  return changes.map(([field, one, other]) => [field, bounded(one), bounded(other)]);
}

function compare(prefix: string, before: Shown, after: Shown, changes: FieldChange[]): void {
  for (const name of Object.keys(after)) compareField(prefix, name, before[name], after[name], changes);
  for (const name of Object.keys(before)) {
    if (!(name in after)) compareField(prefix, name, before[name], undefined, changes);
  }
}

function compareField(
  prefix: string,
  name: string,
  one: unknown,
  other: unknown,
  changes: FieldChange[],
): void {
  if (one === other || (prefix === '' && ownFields.has(name))) return;
  // Maps are told entry by entry, and no deeper.
  if (prefix === '' && isMapOrAbsent(one) && isMapOrAbsent(other)) {
    compare(`${name}.`, one ?? {}, other ?? {}, changes);
  } else if (!isDeepStrictEqual(one, other)) {
    changes.push([`${prefix}${name}`, one ?? null, other ?? null]);
  }
}

const isMapOrAbsent = (value: unknown): value is Shown | undefined => value === undefined || isObject(value);

/** The value as far as it has room, and how much of the room it takes. */
function boundedTo(charactersMax: number, value: unknown): [value: unknown, characters: number] {
  if (typeof value === 'string') return cutTo(charactersMax, value, value);
  if (typeof value !== 'object' || value === null) return [value, 0];
  // So many items are too long in any case, and thousands take a while to write out.
  const told = Array.isArray(value) ? value.slice(0, valueCharactersMax / 2) : value;
  return cutTo(charactersMax, JSON.stringify(told), value);
}

const cutTo = (charactersMax: number, text: string, whole: unknown): [value: unknown, characters: number] =>
  text.length <= charactersMax
    ? [whole, text.length]
    : [`${text.slice(0, Math.max(0, charactersMax))}${cutMark}`, charactersMax];
