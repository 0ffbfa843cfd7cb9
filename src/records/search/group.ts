import type { mongo } from 'mongoose';
import type { TenantCollection } from '../../infra/tenant-collection.ts';
import { encodeCursor, type Position } from '../../lib/cursor.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { alternativesMax, indexNames, withoutStoreFields } from '../list.ts';
import type { Page } from '../page.ts';
import type { RecordDocument } from '../record.ts';
import { beyond, examinedMax, type Listing, pageBytesMax, walkOf } from '../walk.ts';
import type { Condition, Range } from './conditions.ts';

/** How a search finds the records of one group of filters. */

export interface Order {
  field: 'createdAt' | 'updatedAt';
  direction: 1 | -1;
}

export interface GroupRequest {
  conditions: Condition[];
  archived: boolean;
  order: Order;
  from: Position | undefined;
  limit: number;
}

export interface Found<T> {
  /** In order; one more than the limit shows that there are more. */
  records: T[];
  /** Up to where there are no others; undefined for the end of the list. */
  end: Position | undefined;
}

/** A part of an index in which all records of the group are, and what is to be checked on each of them. */
interface Way extends Listing {
  /** Whether the index has them in the order of the search. */
  isInOrder: boolean;
}

/** Of common records a page is found among so many times its own number, in one command. */
const glanceFactor = 8;
/** A way with no more records than this is as good as any. */
const fewMax = 500;

/**
 * The first records of a group after `from`. Filters that many records meet are met by some of the next ones. Where they are not,
 * the group is looked up by the filter that the fewest records meet, if these are few enough to look at each; and where no index
 * knows that, the next `examinedMax` records are looked at, and no more.
 */
export async function readGroup<T extends RecordDocument>(
  collection: TenantCollection<T>,
  workspaceId: ObjectId,
  request: GroupRequest,
): Promise<Found<T>> {
  const { order, from, limit } = request;
  const search: Search<T> = { collection, workspaceId, ...request };
  const base = baseOf(request);
  const ways = waysOf(request, base);
  const first = ways.find(({ isInOrder }) => isInOrder) ?? base;
  if (first.others.length === 0) return readOn(search, first);
  const glance = await collection.findAmong(
    workspaceId,
    filterOf(first, from),
    { $and: first.others } as mongo.Filter<T>,
    {
      sort: { [order.field]: order.direction, _id: order.direction },
      hint: first.hint,
      examined: glanceFactor * (limit + 1),
      limit: limit + 1,
      projection: withoutStoreFields,
    },
    pageBytesMax,
  );
  if (glance.documents.length > limit || !glance.isWhole) return upToLast(glance.documents, order);
  const rarest = ways.length > 1 || !ways.includes(first) ? await rarestOf(search, ways) : undefined;
  if (!rarest) return readOn(search, first, examinedMax);
  return rarest.isInOrder ? readOn(search, rarest) : readFew(search, rarest);
}

interface Search<T extends RecordDocument> extends GroupRequest {
  collection: TenantCollection<T>;
  workspaceId: ObjectId;
}

/** All of the list, in order. */
function baseOf({ conditions, archived, order }: GroupRequest): Way {
  const inBounds = conditions.filter(({ bounds }) => bounds?.field === order.field);
  return {
    filter: { archived, ...boundsOf(inBounds) },
    others: conditions.filter((condition) => !inBounds.includes(condition)).map(({ check }) => check),
    field: order.field,
    direction: order.direction,
    hint: order.field === 'createdAt' ? indexNames.created : indexNames.updated,
    isInOrder: true,
  };
}

/** By each filter that an index serves. */
function waysOf({ conditions, archived, order }: GroupRequest, base: Way): Way[] {
  return conditions.flatMap((condition): Way[] => {
    const { check, facets, bounds, isDecided } = condition;
    if (bounds && bounds.field !== order.field) {
      const hint = bounds.field === 'createdAt' ? indexNames.created : indexNames.updated;
      return [{ ...base, filter: { archived, ...boundsOf([condition]) }, hint, isInOrder: false }];
    }
    if (!facets || facets.length > alternativesMax) return [];
    // Patterns lead to many places of the index, each of them in order by itself.
    const isInOrder = order.field === 'createdAt' && !facets.some((one) => one instanceof RegExp);
    const filter = { ...(isInOrder ? base.filter : { archived }), facets: { $in: facets } };
    const others = isDecided ? base.others.filter((other) => other !== check) : base.others;
    return [{ ...base, filter, others, hint: indexNames.facets, isInOrder }];
  });
}

/** The bounds of several conditions on one field, as one. */
function boundsOf(conditions: Condition[]): Record<string, Range> {
  const range: Record<string, Date> = {};
  for (const { bounds } of conditions) {
    for (const [operator, value] of Object.entries(bounds?.range ?? {}) as [string, Date][]) {
      const before = range[operator] ?? value;
      range[operator] = before > value === operator.startsWith('$g') ? before : value;
    }
  }
  const field = conditions[0]?.bounds?.field;
  return field ? { [field]: range } : {};
}

/** A way's part of the index from a position on. */
const filterOf = <T>({ filter, field, direction }: Way, from: Position | undefined): mongo.Filter<T> =>
  (from ? { ...filter, $and: beyond({ field, direction }, from) } : filter) as mongo.Filter<T>;

const positionIn =
  ({ field }: Order) =>
  (record: RecordDocument): Position => ({ value: record[field], id: record._id });

function upToLast<T extends RecordDocument>(records: T[], order: Order): Found<T> {
  const last = records.at(-1);
  return { records, end: last && positionIn(order)(last) };
}

/** In the order of the index, as far as `examined` records on. */
async function readOn<T extends RecordDocument>(
  { collection, workspaceId, order, from, limit }: Search<T>,
  way: Way,
  examined?: number,
): Promise<Found<T>> {
  const walk = walkOf(collection, workspaceId, way);
  const to = examined ? await walk.ahead(from, examined) : undefined;
  const { documents, isWhole } = await walk.read({ from, to }, limit + 1, withoutStoreFields);
  if (documents.length > limit || !isWhole) return upToLast(documents, order);
  return { records: documents, end: to };
}

/** The way with the fewest records, if they are few enough to look at each of them. */
async function rarestOf<T extends RecordDocument>(
  { collection, workspaceId }: Search<T>,
  ways: Way[],
): Promise<Way | undefined> {
  for (const limit of [fewMax, examinedMax]) {
    const counts = await Promise.all(
      ways.map(({ filter, hint }) =>
        collection.count(workspaceId, filter as mongo.Filter<T>, { hint, limit }),
      ),
    );
    const fewest = Math.min(...counts);
    if (fewest < limit) return ways[counts.indexOf(fewest)];
  }
  return undefined;
}

/** Of a few records that no index has in order. */
async function readFew<T extends RecordDocument>(
  { collection, workspaceId, conditions, order, from, limit }: Search<T>,
  { filter, hint }: Way,
): Promise<Found<T>> {
  const checks = [...conditions.map(({ check }) => check), ...(from ? beyond(order, from) : [])];
  const sort = { [order.field]: order.direction, _id: order.direction };
  const found = await collection
    .aggregate<Pick<T, '_id'>>(
      workspaceId,
      filter as mongo.Filter<T>,
      [
        { $limit: examinedMax },
        { $match: { $and: checks } },
        { $project: { [order.field]: 1 } },
        { $sort: sort },
        { $limit: limit + 1 },
      ],
      { hint },
    )
    .toArray();
  for (let ids = found.map(({ _id }) => _id); ; ids = ids.slice(0, Math.ceil(ids.length / 2))) {
    const { documents, isWhole } = await collection.findWithin(
      workspaceId,
      { _id: { $in: ids } } as mongo.Filter<T>,
      { hint: '_id_', limit: Math.max(1, ids.length), projection: withoutStoreFields },
      pageBytesMax,
    );
    // Fewer fit into a page where they are large: these have to be the first ones.
    if (!isWhole && ids.length > 1) continue;
    const records = inOrder(documents, order);
    const isCut = ids.length < found.length || ids.length > limit;
    return isCut ? upToLast(records, order) : { records, end: undefined };
  }
}

const inOrder = <T extends RecordDocument>(records: T[], order: Order): T[] =>
  records.toSorted((one, other) => compare(positionIn(order)(one), positionIn(order)(other), order));

function compare(one: Position, other: Position, { direction }: Order): number {
  const byTime = Number(one.value) - Number(other.value);
  return direction * (byTime || (one.id.toHexString() < other.id.toHexString() ? -1 : 1));
}

/** What several groups found, as one: each record once, up to where all of them looked. */
export function merged<T extends RecordDocument>(found: Found<T>[], order: Order): Found<T> {
  const ends = found.flatMap(({ end }) => end ?? []).toSorted((one, other) => compare(one, other, order));
  const [end] = ends;
  const byId = new Map(
    found.flatMap(({ records }) => records).map((record) => [record._id.toHexString(), record]),
  );
  const isBefore = (record: T) => {
    const position = positionIn(order)(record);
    return !end || position.id.equals(end.id) || compare(position, end, order) < 0;
  };
  return { records: inOrder([...byId.values()].filter(isBefore), order), end };
}

/** A page of what was found. */
export function pageOf<T extends RecordDocument>(
  { records, end }: Found<T>,
  order: Order,
  limit: number,
): Page<T> {
  const last = records[limit - 1];
  const next = records.length > limit && last ? positionIn(order)(last) : end;
  return { records: records.slice(0, limit), nextCursor: next ? encodeCursor(next) : null };
}
