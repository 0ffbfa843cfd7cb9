/**
 * JSON Merge Patch (RFC 7396) as a database expression, so that a patch of a nested object needs no read first and two
 * patches of different members never undo each other. What is no object becomes one, null takes a member out, arrays
 * are replaced. A client's values enter as literals only; its names have passed `isStorableName`.
 */
export function mergePatch(target: unknown, patch: Record<string, unknown>): unknown {
  const base = { $cond: [{ $eq: [{ $type: target }, 'object'] }, target, { $literal: {} }] };
  const members = Object.entries(patch);
  const removed = members.filter(([, value]) => value === null).map(([name]) => name);
  const given = members
    .filter(([, value]) => value !== null)
    .map(([name, value]) => {
      if (!isObject(value)) return [name, { $literal: value }];
      return [name, mergePatch({ $getField: { field: name, input: '$$base' } }, value)];
    });
  const merged = { $mergeObjects: ['$$base', Object.fromEntries(given)] };
  // Bound to a name: written out at every level, the expression would double with each.
  return { $let: { vars: { base }, in: removed.length > 0 ? without(removed, merged) : merged } };
}

const without = (names: string[], object: unknown): unknown => ({
  $arrayToObject: {
    $filter: {
      input: { $objectToArray: object },
      as: 'member',
      cond: { $not: [{ $in: ['$$member.k', { $literal: names }] }] },
    },
  },
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
