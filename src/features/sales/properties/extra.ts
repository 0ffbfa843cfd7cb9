/** Root fields that have a meaning of their own. */
const known = [
  'title',
  'price',
  'currency',
  'propertyType',
  'salesType',
  'subtype',
  'city',
  'state',
  'country',
  'area',
  'assignedTo',
  'towers',
  'units',
] as const;

/** Root fields that an answer shows and the server alone decides; a client that sends an answer back changes nothing. */
const serverSide = ['_id', 'workspaceId', 'archivedAt', 'createdAt', 'updatedAt'];

type Known = (typeof known)[number];

const isKnown = (name: string): name is Known => (known as readonly string[]).includes(name);

/** Names that begin with $ or hold a dot would be operators and paths to the database; they are dropped. */
const isDropped = (name: string): boolean =>
  name.startsWith('$') || name.includes('.') || serverSide.includes(name);

/** Splits a body into the fields that have a meaning and the client's own. */
export function splitExtra<T extends Record<string, unknown>>(
  body: T,
): { given: Pick<T, Known & keyof T>; extra: Record<string, unknown> } {
  const entries = Object.entries(body);
  return {
    given: Object.fromEntries(entries.filter(([name]) => isKnown(name))) as Pick<T, Known & keyof T>,
    extra: Object.fromEntries(entries.filter(([name]) => !isKnown(name) && !isDropped(name))),
  };
}
