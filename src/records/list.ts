import type { Context } from '../context.ts';
import { withoutUndefined } from '../lib/clean.ts';
import { invalid } from '../lib/errors.ts';
import type { ObjectId } from '../lib/ids.ts';
import { facet, searchFacets } from './facets.ts';
import { type OffsetPage, type OffsetRequest, pageByOffset } from './offset.ts';
import type { Order, Orders } from './orders.ts';
import { type Page, pageByPosition } from './page.ts';
import type { Entity, RecordDocument } from './record.ts';
import { settlingMs } from './timing.ts';
import type { Listing } from './walk.ts';

/** Each further filter is looked at on every record that the index leads to. */
export const filtersMax = 10;

export interface ListQuery {
  limit: number;
  cursor?: string | undefined;
  /** The name of an order, with - before it for the greatest first. */
  sort?: string | undefined;
  archived?: boolean | undefined;
  q?: string | undefined;
  createdAfter?: Date | undefined;
  createdBefore?: Date | undefined;
  updatedAfter?: Date | undefined;
  /** Field → wanted value, or values any of which will do, for fields that the entity has facet rules for. */
  filters?: Record<string, string | string[]>;
  /** Whatever else is looked at on each record that the index leads to. */
  checks?: object[];
  /** Order → bounds of its values. Without a `sort` the list is in that order, the greatest first. */
  ranges?: Record<string, Range>;
  /** Large fields that the caller has no use for. */
  omit?: string[];
}

export type Range = { [K in '$gt' | '$gte' | '$lt' | '$lte']?: Date | number | string | undefined };

/** Names of the indexes that every entity has (see recordIndexes); each query below hints the one that serves it. */
export const indexNames = { created: 'list', facets: 'filtered_list', updated: 'changed' } as const;

/**
 * The indexes every entity's schema declares:
 * `list` serves the list and recent; `filtered_list` the list with filters or search; `changed` the sync, and lists by
 * updatedAt; `answered_requests` the idempotency keys; `owing` the sweep for events that a dead process left.
 */
export function declareRecordIndexes(schema: { index(fields: object, options: object): unknown }): void {
  schema.index({ workspaceId: 1, archived: 1, createdAt: -1, _id: -1 }, { name: indexNames.created });
  schema.index(
    { workspaceId: 1, archived: 1, facets: 1, createdAt: -1, _id: -1 },
    { name: indexNames.facets },
  );
  schema.index({ workspaceId: 1, archived: 1, updatedAt: 1, _id: 1 }, { name: indexNames.updated });
  schema.index(
    { workspaceId: 1, 'idempotency.key': 1 },
    {
      name: 'answered_requests',
      unique: true,
      partialFilterExpression: { 'idempotency.key': { $exists: true } },
    },
  );
  schema.index({ owedSince: 1 }, { name: 'owing', sparse: true });
}

/** The orders that every entity's lists have. */
const ownOrders: Orders = {
  createdAt: { path: 'createdAt', scale: 'time', isOptional: false, index: indexNames.created, within: {} },
  updatedAt: { path: 'updatedAt', scale: 'time', isOptional: false, index: indexNames.updated, within: {} },
};

/**
 * A list that checks further conditions looks at thousands of records to find a page: those that a facet leads to, or
 * all in the order of time.
 */
export const [checkedListMs, checkedScanMs] = [15, 40] as const;

/** @throws AppError rate_limited */
async function awaitTurn(ctx: Context, workspaceId: ObjectId, { others, hint }: Listing): Promise<void> {
  if (others.length === 0) return;
  const priceMs = hint === indexNames.facets ? checkedListMs : checkedScanMs;
  await ctx.share.enter(workspaceId.toHexString(), priceMs);
}

/**
 * One page of records, newest first unless `sort` says otherwise; stable while records are inserted.
 * @throws AppError invalid for an unknown order, rate_limited
 */
export async function listRecords<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  query: ListQuery,
): Promise<Page<T>> {
  const listing = listingOf(entity, query);
  await awaitTurn(ctx, workspaceId, listing);
  return pageByPosition(entity.collection(ctx.db), workspaceId, {
    ...listing,
    limit: query.limit,
    cursor: query.cursor,
    projection: without(query.omit),
  });
}

/** The list that a query asks for, as the index that serves it best has it. @throws AppError invalid for an unknown order */
export function listingOf<T extends RecordDocument>(
  entity: Entity<T>,
  query: Omit<ListQuery, 'limit' | 'cursor'>,
): Listing {
  const orders = { ...ownOrders, ...entity.orders };
  const ranges = givenRanges(query);
  const sort = query.sort ?? defaultSort(ranges);
  const name = sort.replace(/^-/, '');
  const order = Object.hasOwn(orders, name) ? orders[name] : undefined;
  if (!order) throw invalid('sort', `${entity.label}s have no such order`);
  const { [name]: range, ...otherRanges } = ranges;
  const { lookedUp, hint, others } = servedBy(entity, order, query);
  return {
    filter: { archived: query.archived ?? false, ...lookedUp, ...(range ? { [order.path]: range } : {}) },
    others: [
      ...others,
      ...Object.entries(otherRanges).map(([other, bounds]) => ({ [orders[other]?.path ?? other]: bounds })),
      ...(query.checks ?? []),
    ],
    field: order.path,
    scale: order.scale,
    isOptional: order.isOptional && !range,
    direction: sort.startsWith('-') ? -1 : 1,
    hint,
  };
}

function givenRanges({ createdAfter, createdBefore, updatedAfter, ranges }: Partial<ListQuery>) {
  const all: Record<string, Range> = {
    createdAt: { $gte: createdAfter, $lt: createdBefore },
    updatedAt: { $gt: updatedAfter },
    ...ranges,
  };
  const given = Object.entries(all).map(([name, range]) => [name, withoutUndefined(range)] as const);
  return Object.fromEntries(given.filter(([, range]) => Object.keys(range).length > 0));
}

/** Asking for what changed since is asking in that order, and so it is with every other range. */
function defaultSort({ createdAt: _, ...others }: Record<string, Range>): string {
  const [first = 'createdAt'] = Object.keys(others);
  return `-${first}`;
}

/** What of the filters an index of the order looks up, and what is left to check on each record. */
function servedBy<T extends RecordDocument>(
  entity: Entity<T>,
  { path, index, within }: Order,
  { filters = {}, q }: Pick<ListQuery, 'filters' | 'q'>,
): { lookedUp: object; hint: string; others: object[] } {
  const [field = ''] = Object.keys(within).filter((name) => typeof filters[name] === 'string');
  const { [field]: value, ...rest } = filters;
  const chosen = within[field];
  if (chosen && typeof value === 'string') {
    const others = wantedFacets(entity, { filters: rest, q }).map(check);
    return { lookedUp: { [field]: chosen.storedAs(value) }, hint: chosen.index, others };
  }
  const wanted = wantedFacets(entity, { filters, q });
  // Only the order of creation has an index that begins with the facets: of several it looks up one.
  const { first, others } = path === 'createdAt' ? divided(wanted) : { first: undefined, others: wanted };
  return { lookedUp: lookUp(first), hint: first ? indexNames.facets : index, others: others.map(check) };
}

/**
 * Records in the order of their last change, archived ones included. Whoever follows the cursor from page to page sees
 * the final version of every record, however many writers run: a record that changes moves to the end, and what is
 * younger than the settling time is left for the next call.
 */
export function syncRecords<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  query: { limit: number; cursor?: string | undefined; updatedSince?: Date | undefined },
): Promise<Page<T>> {
  const settled = new Date(ctx.clock.now().getTime() - settlingMs);
  const { limit, cursor } = query;
  return pageByPosition(entity.collection(ctx.db), workspaceId, {
    filter: {
      // Either is a range of the index, and the two are merged in order.
      archived: { $in: [false, true] },
      updatedAt: withoutUndefined({ $gte: query.updatedSince, $lt: settled }),
    },
    others: [],
    field: 'updatedAt',
    direction: 1,
    hint: indexNames.updated,
    limit,
    cursor,
    projection: withoutStoreFields,
  });
}

/** Records created in the last hours, newest first. */
export function recentRecords<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  query: { hours: number; limit: number; cursor?: string | undefined },
): Promise<Page<T>> {
  const createdAfter = new Date(ctx.clock.now().getTime() - query.hours * 3_600_000);
  return listRecords(ctx, entity, workspaceId, { limit: query.limit, cursor: query.cursor, createdAfter });
}

export type OffsetListQuery = Omit<ListQuery, 'cursor'> & Pick<OffsetRequest, 'offset' | 'reader'>;

/** A list by limit and offset, newest first unless `sort` says otherwise, with a bounded total. @throws as listRecords does */
export async function listRecordsByOffset<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  { limit, offset, reader, ...query }: OffsetListQuery,
): Promise<OffsetPage<T>> {
  const listing = listingOf(entity, query);
  await awaitTurn(ctx, workspaceId, listing);
  return pageByOffset(ctx, entity.collection(ctx.db), workspaceId, {
    ...listing,
    limit,
    offset,
    reader,
    projection: without(query.omit),
  });
}

/** Of several conditions the index looks up the first that has few alternatives; more than these it would have to sort. */
function divided(wanted: string[][]): { first: string[] | undefined; others: string[][] } {
  const first = wanted.find((facets) => facets.length <= alternativesMax);
  return { first, others: wanted.filter((facets) => facets !== first) };
}

export const alternativesMax = 100;

/**
 * For each word of a search and each filter, the facets any of which will do. The words come first: what an index looks
 * up had better be rare.
 */
export function wantedFacets<T extends RecordDocument>(
  entity: Entity<T>,
  query: Pick<ListQuery, 'filters' | 'q'>,
): string[][] {
  const filters = Object.entries(query.filters ?? {}).map(([field, value]) =>
    [value].flat().map((one) => facet(field, one)),
  );
  const search = query.q === undefined ? [] : searchFacets(entity.facets, query.q);
  // A text without a single word matches nothing.
  const words = query.q !== undefined && search.length === 0 ? [[]] : search;
  return [...words, ...filters];
}

/** A condition that the index on facets serves. */
export const lookUp = (facets: string[] | undefined): object => (facets ? { facets: { $in: facets } } : {});

/**
 * The same condition for what an index has found already. An expression, because the index could serve a second `$in`
 * as well as the first, and the database would have to find out by trial which is better.
 */
export const check = (facets: string[]): object => ({
  $expr: { $gt: [{ $size: { $setIntersection: ['$facets', { $literal: facets }] } }, 0] },
});

/** What the store keeps for itself. */
export const withoutStoreFields = { facets: 0, tally: 0, owed: 0, idempotency: 0 };

const without = (names: string[] = []) => ({
  ...withoutStoreFields,
  ...Object.fromEntries(names.map((name) => [name, 0])),
});
