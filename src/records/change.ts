import { isObject, mergePatch } from './merge-patch.ts';

/** What a change does, by path: `name`, or `fields.budget` for one custom field. Paths go no deeper. */
export interface Change {
  set: Record<string, unknown>;
  /** JSON Merge Patches of objects. */
  merge?: Record<string, Record<string, unknown>>;
  unset?: string[];
}

/**
 * The change that a body asks for: given fields are set, null clears, absent leaves. The map `fields` (or the one that
 * `map` names) is merged key by key, so that a client that knows some custom fields never wipes the others; PATCH
 * merges nested objects too, as JSON Merge Patch (RFC 7396) does.
 */
export function changeOf(
  body: Record<string, unknown>,
  options: { isMergePatch: boolean; map?: string },
): Required<Change> {
  const { isMergePatch, map = 'fields' } = options;
  const change: Required<Change> = { set: {}, merge: {}, unset: [] };
  for (const [name, value] of Object.entries(body)) {
    if (name === map && isObject(value)) {
      for (const [key, item] of Object.entries(value)) assign(change, `${map}.${key}`, item, isMergePatch);
    } else assign(change, name, value, isMergePatch);
  }
  return change;
}

function assign(change: Required<Change>, path: string, value: unknown, isMergePatch: boolean): void {
  if (value === undefined) return;
  if (value === null) change.unset.push(path);
  else if (isMergePatch && isObject(value)) change.merge[path] = value;
  else change.set[path] = value;
}

/** A copy of the record with the change made. */
export function applyChange<T extends object>(record: T, { set, merge = {}, unset = [] }: Change): T {
  const changed = { ...record } as Record<string, unknown>;
  // The maps that the change reaches into, each copied once.
  const maps = new Map<string, Record<string, unknown>>();
  const mapAt = (root: string) => {
    let map = maps.get(root);
    if (!map) {
      map = isObject(changed[root]) ? { ...changed[root] } : {};
      maps.set(root, map);
      changed[root] = map;
    }
    return map;
  };
  const changeAt = (path: string, next: (value: unknown) => unknown) => {
    const root = rootOf(path);
    const [object, name] = root === path ? [changed, path] : [mapAt(root), path.slice(root.length + 1)];
    const value = next(object[name]);
    if (value === undefined) delete object[name];
    else object[name] = value;
  };
  for (const [path, value] of Object.entries(set)) changeAt(path, () => value);
  for (const [path, patch] of Object.entries(merge)) changeAt(path, (value) => mergePatch(value, patch));
  for (const path of unset) changeAt(path, () => undefined);
  return changed as T;
}

/** The top-level fields that a change may touch. */
export const rootsOf = ({ set, merge = {}, unset = [] }: Change): string[] => [
  ...new Set([...Object.keys(set), ...Object.keys(merge), ...unset].map(rootOf)),
];

const rootOf = (path: string): string => path.split('.', 1)[0] ?? path;
