import type { Change } from './update.ts';

/**
 * The change that a body asks for: given fields are set, null clears, absent leaves. The map `fields` is merged key by
 * key, so that a client that knows some custom fields never wipes the others; PATCH merges nested objects too, as JSON
 * Merge Patch (RFC 7396) does.
 */
export function changeOf(body: Record<string, unknown>, options: { isMergePatch: boolean }): Change {
  const change: Required<Pick<Change, 'set' | 'unset'>> = { set: {}, unset: [] };
  for (const [name, value] of Object.entries(body)) {
    if (name === 'fields' && isObject(value)) {
      for (const [key, item] of Object.entries(value))
        assign(change, `fields.${key}`, item, options.isMergePatch);
    } else assign(change, name, value, false);
  }
  return change;
}

function assign(
  change: Required<Pick<Change, 'set' | 'unset'>>,
  path: string,
  value: unknown,
  isMerged: boolean,
): void {
  if (value === undefined) return;
  if (value === null) change.unset.push(path);
  else if (isMerged && isObject(value)) {
    for (const [key, item] of Object.entries(value)) assign(change, `${path}.${key}`, item, true);
  } else change.set[path] = value;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
