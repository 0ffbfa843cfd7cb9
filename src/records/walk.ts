import type { mongo } from 'mongoose';
import type { TenantCollection, TenantDocument } from '../infra/tenant-collection.ts';
import type { Position } from '../lib/cursor.ts';
import type { ObjectId } from '../lib/ids.ts';

/** A list as one index has it in order. */
export interface Listing {
  /** What the index's bounds express. */
  filter: object;
  /** What is checked on each record that the index leads to. */
  others: object[];
  /** The time by which the index has the records in order, before their ids. */
  field: string;
  direction: 1 | -1;
  hint: string;
}

/**
 * How many records a command looks at to find those that meet further conditions. However few do and however large the
 * workspace, no command costs more than this.
 */
export const examinedMax = 5_000;

/** How much of the store a page reads; it ends before its limit where the records are large. */
export const pageBytesMax = 4 * 1_024 * 1_024;

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
  { filter, others, field, direction, hint }: Listing,
): Walk<T> {
  const sort = { [field]: direction, _id: direction } as const;
  // What the index holds anyway, so that the records themselves need not be read.
  const own = { [field]: 1, _id: 1 };
  const positionOf = (record: T): Position => ({
    time: (record as Record<string, unknown>)[field] as Date,
    id: record._id,
  });
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

/**
 * Everything from the position's time on, except what is of that very time and not beyond. Said without an `$or`, which
 * the index could serve in two ways, so that the database would have to find out by trial which is better.
 */
export const beyond = ({ field, direction }: Order, { time, id }: Position): object[] => {
  const [from, notBeyond] = direction === 1 ? ['$gte', '$lte'] : ['$lte', '$gte'];
  return [{ [field]: { [from]: time } }, { $nor: [{ [field]: time, _id: { [notBeyond]: id } }] }];
};

const upTo = ({ field, direction }: Order, { time, id }: Position): object[] => {
  const [to, beyondIt] = direction === 1 ? ['$lte', '$gt'] : ['$gte', '$lt'];
  return [{ [field]: { [to]: time } }, { $nor: [{ [field]: time, _id: { [beyondIt]: id } }] }];
};
