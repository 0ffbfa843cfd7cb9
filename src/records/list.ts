import type { Context } from '../context.ts';
import type { ObjectId } from '../lib/ids.ts';
import { facet, searchFacets } from './facets.ts';
import { type OffsetPage, type OffsetRequest, pageByOffset } from './offset.ts';
import { type Page, pageByPosition } from './page.ts';
import type { Entity, RecordDocument } from './record.ts';
import { settlingMs } from './timing.ts';

export type SortOrder = 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';

/** Each further filter is looked at on every record that the index leads to. */
export const filtersMax = 10;

export interface ListQuery {
  limit: number;
  cursor?: string | undefined;
  sort?: SortOrder | undefined;
  archived?: boolean | undefined;
  q?: string | undefined;
  createdAfter?: Date | undefined;
  createdBefore?: Date | undefined;
  updatedAfter?: Date | undefined;
  /** Field → wanted value, or values any of which will do, for fields that the entity has facet rules for. */
  filters?: Record<string, string | string[]>;
  /** Large fields that the caller has no use for. */
  omit?: string[];
}

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

/** One page of records, newest first unless `sort` says otherwise; stable while records are inserted. */
export function listRecords<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  query: ListQuery,
): Promise<Page<T>> {
  // Asking for what changed since is asking in that order, unless another is named.
  const sort = query.sort ?? (query.updatedAfter ? '-updatedAt' : '-createdAt');
  const field = sort.endsWith('updatedAt') ? 'updatedAt' : 'createdAt';
  const created = timeCondition('createdAt', { $gte: query.createdAfter, $lt: query.createdBefore });
  const updated = timeCondition('updatedAt', { $gt: query.updatedAfter });
  const wanted = wantedFacets(entity, query);
  // Of several facets the index looks up the first; in the order of changes it looks up none.
  const { first, others } = field === 'createdAt' ? divided(wanted) : { first: undefined, others: wanted };
  const [inOrder, other] = field === 'createdAt' ? [created, updated] : [updated, created];
  const byTime = field === 'updatedAt' ? indexNames.updated : indexNames.created;
  return pageByPosition(entity.collection(ctx.db), workspaceId, {
    filter: { archived: query.archived ?? false, ...lookUp(first), ...inOrder },
    others: [...others.map(check), ...(Object.keys(other).length > 0 ? [other] : [])],
    field,
    direction: sort.startsWith('-') ? -1 : 1,
    hint: first ? indexNames.facets : byTime,
    limit: query.limit,
    cursor: query.cursor,
    projection: withoutFields('facets', 'owed', 'idempotency', ...(query.omit ?? [])),
  });
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
      ...timeCondition('updatedAt', { $gte: query.updatedSince, $lt: settled }),
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

export type OffsetListQuery = Pick<
  ListQuery,
  'limit' | 'filters' | 'createdAfter' | 'createdBefore' | 'omit'
> &
  Pick<OffsetRequest, 'offset' | 'reader'>;

/** A list by limit and offset, newest first, with a bounded total. */
export function listRecordsByOffset<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  { limit, offset, reader, omit = [], ...query }: OffsetListQuery,
): Promise<OffsetPage<T>> {
  const { first, others } = divided(wantedFacets(entity, query));
  return pageByOffset(ctx, entity.collection(ctx.db), workspaceId, {
    filter: {
      archived: false,
      ...lookUp(first),
      ...timeCondition('createdAt', { $gte: query.createdAfter, $lt: query.createdBefore }),
    },
    others: others.map(check),
    field: 'createdAt',
    direction: -1,
    hint: first ? indexNames.facets : indexNames.created,
    limit,
    offset,
    reader,
    projection: withoutFields('facets', 'owed', 'idempotency', ...omit),
  });
}

/** Of several conditions the index looks up the first that has few alternatives; more than these it would have to sort. */
function divided(wanted: string[][]): { first: string[] | undefined; others: string[][] } {
  const first = wanted.find((facets) => facets.length <= alternativesMax);
  return { first, others: wanted.filter((facets) => facets !== first) };
}

export const alternativesMax = 100;

function timeCondition(field: string, bounds: Record<string, Date | undefined>): Record<string, unknown> {
  const given = Object.entries(bounds).filter(([, time]) => time !== undefined);
  return given.length > 0 ? { [field]: Object.fromEntries(given) } : {};
}

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
export const withoutStoreFields = { facets: 0, owed: 0, idempotency: 0 };

const withoutFields = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 0]));
