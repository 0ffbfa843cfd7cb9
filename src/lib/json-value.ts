/** Bounds of free-form JSON that is stored as it came. */
const bounds = { depth: 8, nodes: 2_000, keyLength: 128, stringLength: 20_000 };

/** A name that can be stored as a document's field: no operator, no path, nothing the database or its driver reserves. */
export const isStorableName = (name: string): boolean =>
  name.length > 0 &&
  name.length <= bounds.keyLength &&
  !name.startsWith('$') &&
  !/[.\0]/.test(name) &&
  name !== '__proto__' &&
  name !== '_bsontype';

/** Why free-form JSON can't be stored, or undefined when it can. Walks without recursion, so depth can't hurt. */
export function whyNotStorable(value: unknown): string | undefined {
  const waiting: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  let nodes = 1;
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (next.depth > bounds.depth) return 'Too deeply nested';
    if (typeof next.value === 'string' && next.value.length > bounds.stringLength) {
      return `Text of more than ${bounds.stringLength} characters`;
    }
    // A number like 1e999 parses as infinite, which JSON can't say back.
    if (typeof next.value === 'number' && !Number.isFinite(next.value)) return 'Number out of range';
    if (typeof next.value !== 'object' || next.value === null) continue;
    const entries = Object.entries(next.value);
    nodes += entries.length;
    if (nodes > bounds.nodes) return 'Too many values';
    for (const [name, item] of entries) {
      if (!isStorableName(name))
        return 'Names must not be empty, long or reserved, begin with $, or hold a dot';
      waiting.push({ value: item, depth: next.depth + 1 });
    }
  }
  return undefined;
}
