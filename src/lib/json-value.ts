/** Bounds of free-form JSON that is stored as it came. */
const bounds = { depth: 8, nodes: 2_000, keyLength: 128, stringLength: 20_000 };

/** A name that can be stored as a document's field: no operator, no path, nothing the database reserves. */
export const isStorableName = (name: string): boolean =>
  name.length > 0 &&
  name.length <= bounds.keyLength &&
  !name.startsWith('$') &&
  !/[.\0=]/.test(name) &&
  name !== '__proto__';

/** Why free-form JSON can't be stored, or undefined when it can. Walks without recursion, so depth can't hurt. */
export function whyNotStorable(value: unknown): string | undefined {
  const waiting: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  let nodes = 0;
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    nodes += 1;
    if (nodes > bounds.nodes) return 'Too many values';
    if (next.depth > bounds.depth) return 'Too deeply nested';
    if (typeof next.value === 'string' && next.value.length > bounds.stringLength) {
      return `Text of more than ${bounds.stringLength} characters`;
    }
    if (typeof next.value !== 'object' || next.value === null) continue;
    for (const [name, item] of Object.entries(next.value)) {
      if (!isStorableName(name)) return 'Names must not be empty or long, begin with $, or hold a dot or =';
      waiting.push({ value: item, depth: next.depth + 1 });
    }
  }
  return undefined;
}
