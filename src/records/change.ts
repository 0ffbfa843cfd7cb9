import type { Change } from './update.ts';

/**
 * The change that a body asks for: given fields are set, null clears, absent leaves. The map `fields` (or the one that
 * `map` names) is merged key by key, so that a client that knows some custom fields never wipes the others; PATCH
 * merges nested objects too, as JSON Merge Patch (RFC 7396) does.
 */
export function changeOf(
  body: Record<string, unknown>,
  options: { isMergePatch: boolean; map?: string },
): GivenChange {
  const { isMergePatch, map = 'fields' } = options;
  const change: GivenChange = { set: {}, merge: {}, unset: [] };
  for (const [name, value] of Object.entries(body)) {
    if (name === map && isObject(value)) {
      for (const [key, item] of Object.entries(value)) assign(change, `${map}.${key}`, item, isMergePatch);
    } else assign(change, name, value, isMergePatch);
  }
  return change;
}

export type GivenChange = Required<Pick<Change, 'set' | 'merge' | 'unset'>>;

function assign(change: GivenChange, path: string, value: unknown, isMergePatch: boolean): void {
  if (value === undefined) return;
  if (value === null) change.unset.push(path);
  else if (isMergePatch && isObject(value)) change.merge[path] = value;
  else change.set[path] = value;
}

/** A plain object: not an array, and no value of the database such as a date or an id. */
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
