import type { mongo } from 'mongoose';
import type { TenantCollection, TenantDocument } from '../infra/tenant-collection.ts';
import type { OrderValue, Position, Scale } from '../lib/cursor.ts';
import type { ObjectId } from '../lib/ids.ts';

/** A list as one index has it in order. */
export interface Listing {
  /** What the index's bounds express. */
  filter: object;
  /** What is checked on each record that the index leads to. */
  others: object[];
  /** The path by whose value the index has the records in order, before their ids. */
  field: string;
  /** What kind of value that is; a time, unless it says otherwise. */
  scale?: Scale;
  /** Records may have none; they come last, whichever way the list goes. */
  isOptional?: boolean;
  direction: 1 | -1;
  hint: string;
}

/**
 * How many records a command looks at to find those that meet further conditions. However few do and however large the
 * workspace, no command costs more than this.
 */
export const examinedMax = 5_000;

/** How much of the store a page reads; it ends before its limit where the records are large. */
export const pageBytesMax = 1_024 * 1_024;

/** The list between two of its positions; without the first it begins at its beginning, without the second it ends at its end. */
export interface Stretch {
  from: Position | undefined;
  to?: Position | undefined;
}

/** Ways along a list. */
export interface Walk<T> {
  positionOf(record: T): Position;
  /** The position `count` index entries after `from`, whether or not they meet the further conditions; undefined beyond the end. */
  ahead(from: Position | undefined, count: number): Promise<Position | undefined>;
  /** The first records of a stretch, as far as a page has room for them. */
  read(
    stretch: Stretch,
    limit: number,
    projection?: mongo.Document,
    bytesMax?: number,
  ): Promise<{ documents: T[]; bytes: number; isWhole: boolean }>;
  /** The positions of the first records of a stretch. */
  positions(stretch: Stretch, limit: number): Promise<Position[]>;
  /** How many records a stretch has, counted up to `limit`. */
  count(stretch: Stretch, limit: number): Promise<number>;
}

export function walkOf<T extends TenantDocument>(
  collection: TenantCollection<T>,
  workspaceId: ObjectId,
  listing: Listing,
): Walk<T> {
  const { filter, field, scale = 'time', isOptional } = listing;
  const walkWhere = (value: unknown) =>
    walkAlong(collection, workspaceId, { ...listing, filter: { ...filter, [field]: value } });
  if (!isOptional) return walkAlong(collection, workspaceId, listing);
  return oneAfterTheOther(walkWhere({ $gte: least[scale] }), walkWhere(null));
}

/** Below every value of its kind. */
const least = { time: new Date(-8.64e15), number: Number.NEGATIVE_INFINITY, text: '' };

function walkAlong<T extends TenantDocument>(
  collection: TenantCollection<T>,
  workspaceId: ObjectId,
  { filter, others, field, direction, hint }: Listing,
): Walk<T> {
  const sort = { [field]: direction, _id: direction } as const;
  // What the index holds anyway, so that the records themselves need not be read.
  const own = { [field]: 1, _id: 1 };
  const positionOf = (record: T): Position => ({ value: valueAt(record, field), id: record._id });
  const within = ({ from, to }: Stretch, further: object[]): mongo.Filter<T> => {
    const order = { field, direction };
    const conditions = [...(from ? beyond(order, from) : []), ...(to ? upTo(order, to) : []), ...further];
    return (conditions.length > 0 ? { ...filter, $and: conditions } : filter) as mongo.Filter<T>;
  };
  return {
    positionOf,
    async ahead(from, count) {
      const options = { sort, hint, skip: count - 1, limit: 1, projection: own };
      const [last] = await collection.findPage(workspaceId, within({ from }, []), options);
      return last && positionOf(last);
    },
    read: (stretch, limit, projection, bytesMax = pageBytesMax) =>
      collection.findWithin(
        workspaceId,
        within(stretch, others),
        { sort, hint, limit, ...(projection ? { projection } : {}) },
        bytesMax,
      ),
    async positions(stretch, limit) {
      const options = { sort, hint, limit, projection: own };
      return (await collection.findPage(workspaceId, within(stretch, others), options)).map(positionOf);
    },
    count: (stretch, limit) => collection.count(workspaceId, within(stretch, others), { hint, limit }),
  };
}

type Order = Pick<Listing, 'field' | 'direction'>;

function valueAt(record: object, path: string): OrderValue {
  const [root = '', key] = path.split('.', 2);
  const value = (record as Record<string, unknown>)[root];
  const found = key === undefined ? value : (value as Record<string, unknown> | undefined)?.[key];
  return (found ?? null) as OrderValue;
}

/** A list of the records that have the value, and then of those that have none, as one. */
function oneAfterTheOther<T>(having: Walk<T>, lacking: Walk<T>): Walk<T> {
  const isBeyond = (position: Position | undefined) => position?.value === null;
  /** The parts of a stretch that lie in the one and in the other. */
  const divide = ({ from, to }: Stretch): [Stretch | undefined, Stretch | undefined] => {
    if (isBeyond(from)) return [undefined, { from, to }];
    return to && !isBeyond(to) ? [{ from, to }, undefined] : [{ from }, { from: undefined, to }];
  };
  return {
    positionOf: having.positionOf,
    async ahead(from, count) {
      if (isBeyond(from)) return lacking.ahead(from, count);
      const there = await having.ahead(from, count);
      if (there) return there;
      const passed = await having.count({ from }, count);
      return lacking.ahead(undefined, Math.max(1, count - passed));
    },
    async read(stretch, limit, projection, bytesMax = pageBytesMax) {
      const [first, second] = divide(stretch);
      const begun = first && (await having.read(first, limit, projection, bytesMax));
      if (!second) return begun ?? { documents: [], bytes: 0, isWhole: true };
      if (!begun) return lacking.read(second, limit, projection, bytesMax);
      const wanted = limit - begun.documents.length;
      if (!begun.isWhole || wanted === 0) return begun;
      const rest = await lacking.read(second, wanted, projection, bytesMax - begun.bytes);
      return {
        documents: [...begun.documents, ...rest.documents],
        bytes: begun.bytes + rest.bytes,
        isWhole: rest.isWhole,
      };
    },
    async positions(stretch, limit) {
      const [first, second] = divide(stretch);
      const begun = first ? await having.positions(first, limit) : [];
      if (!second || begun.length === limit) return begun;
      return [...begun, ...(await lacking.positions(second, limit - begun.length))];
    },
    async count(stretch, limit) {
      const [first, second] = divide(stretch);
      const begun = first ? await having.count(first, limit) : 0;
      return !second || begun === limit ? begun : begun + (await lacking.count(second, limit - begun));
    },
  };
}

/**
 * Everything from the position's value on, except what is of that very value and not beyond. Said without an `$or`, which
 * the index could serve in two ways, so that the database would have to find out by trial which is better.
 */
export const beyond = ({ field, direction }: Order, { value, id }: Position): object[] => {
  // Those without a value stand in the order of their ids.
  if (value === null) return [{ _id: { [direction === 1 ? '$gt' : '$lt']: id } }];
  const [from, notBeyond] = direction === 1 ? ['$gte', '$lte'] : ['$lte', '$gte'];
  return [{ [field]: { [from]: value } }, { $nor: [{ [field]: value, _id: { [notBeyond]: id } }] }];
};

const upTo = ({ field, direction }: Order, { value, id }: Position): object[] => {
  if (value === null) return [{ _id: { [direction === 1 ? '$lte' : '$gte']: id } }];
  const [to, beyondIt] = direction === 1 ? ['$lte', '$gt'] : ['$gte', '$lt'];
  return [{ [field]: { [to]: value } }, { $nor: [{ [field]: value, _id: { [beyondIt]: id } }] }];
};
