import type { mongo } from 'mongoose';
import type { TenantCollection, TenantDocument } from '../infra/tenant-collection.ts';
import { decodeCursor, encodeCursor, type Position } from '../lib/cursor.ts';
import type { ObjectId } from '../lib/ids.ts';

export interface Page<T> {
  records: T[];
  /** Where the next page begins; null on the last one. */
  nextCursor: string | null;
}

export interface PageRequest {
  /** What the index's bounds express. */
  filter: object;
  /** What is checked on each record that the index leads to. */
  others: object[];
  /** The time by which the index has the records in order, before their ids. */
  field: string;
  direction: 1 | -1;
  hint: string;
  limit: number;
  cursor?: string | undefined;
  projection?: mongo.Document;
}

/**
 * How far a page looks along its index. Where hardly any record meets the further conditions, a page ends there with
 * fewer records than asked for, or none, and a cursor to go on with: no request costs more than this, however large the
 * workspace.
 */
export const examinedMax = 5_000;

/** How much of the store a page reads; it ends before `limit` where the records are large. */
export const pageBytesMax = 4 * 1_024 * 1_024;

/** One page in the order of an index; stable while records are inserted. @throws AppError invalid for a broken cursor */
export async function pageByPosition<T extends TenantDocument>(
  collection: TenantCollection<T>,
  workspaceId: ObjectId,
  request: PageRequest,
): Promise<Page<T>> {
  const { filter, others, field, direction, hint, limit, projection } = request;
  const sort = { [field]: direction, _id: direction } as const;
  const after = request.cursor ? beyond(request, decodeCursor(request.cursor)) : [];
  const positionOf = (record: T): Position => ({
    time: (record as Record<string, unknown>)[field] as Date,
    id: record._id,
  });
  const filterOf = (conditions: object[]) => withConditions(filter, conditions) as mongo.Filter<T>;

  const lookNoFurther = async (): Promise<Position | undefined> => {
    const options = { sort, hint, skip: examinedMax - 1, limit: 1, projection: { [field]: 1 } };
    const [last] = await collection.findPage(workspaceId, filterOf(after), options);
    return last && positionOf(last);
  };
  const end = others.length > 0 ? await lookNoFurther() : undefined;
  const { documents, isWhole } = await collection.findWithin(
    workspaceId,
    filterOf([...after, ...(end ? upTo(request, end) : []), ...others]),
    // One more than the page shows whether there is another page.
    { sort, hint, limit: limit + 1, ...(projection ? { projection } : {}) },
    pageBytesMax,
  );
  const records = documents.slice(0, limit);
  const last = records.at(-1);
  const hasMore = documents.length > limit || !isWhole;
  const next = hasMore && last ? positionOf(last) : end;
  return { records, nextCursor: next ? encodeCursor(next) : null };
}

const withConditions = (filter: object, conditions: object[]): object =>
  conditions.length > 0 ? { ...filter, $and: conditions } : filter;

type Order = Pick<PageRequest, 'field' | 'direction'>;

/**
 * Everything from the position's time on, except what is of that very time and not beyond. Said without an `$or`, which
 * the index could serve in two ways, so that the database would have to find out by trial which is better.
 */
const beyond = ({ field, direction }: Order, { time, id }: Position): object[] => {
  const [from, notBeyond] = direction === 1 ? ['$gte', '$lte'] : ['$lte', '$gte'];
  return [{ [field]: { [from]: time } }, { $nor: [{ [field]: time, _id: { [notBeyond]: id } }] }];
};

const upTo = ({ field, direction }: Order, { time, id }: Position): object[] => {
  const [to, beyondIt] = direction === 1 ? ['$lte', '$gt'] : ['$gte', '$lt'];
  return [{ [field]: { [to]: time } }, { $nor: [{ [field]: time, _id: { [beyondIt]: id } }] }];
};
