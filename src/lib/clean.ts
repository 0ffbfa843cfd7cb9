/** A copy without the entries whose value is undefined: absent and undefined are one in a document. */
export function withoutUndefined<T extends object>(value: T): T {
  const kept: Partial<T> = {};
  for (const name of Object.keys(value) as (keyof T)[]) {
    if (value[name] !== undefined) kept[name] = value[name];
  }
  return kept as T;
}
