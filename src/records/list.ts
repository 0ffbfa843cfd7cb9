import type { Context } from '../context.ts';
import { decodeCursor, encodeCursor, type Position } from '../lib/cursor.ts';
import { AppError } from '../lib/errors.ts';
import type { ObjectId } from '../lib/ids.ts';
import { facet, searchFacets } from './facets.ts';
import { type OffsetPage, pageByOffset } from './offset.ts';
import type { Entity, RecordDocument } from './record.ts';
import { settlingMs } from './timing.ts';

export interface Page<T> {
  records: T[];
  /** Where the next page begins; null on the last one. */
  nextCursor: string | null;
}

export type SortOrder = 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';

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
const indexNames = { created: 'list', facets: 'filtered_list', updated: 'sync' } as const;

/**
 * The indexes every entity's schema declares:
 * `list` serves the list and recent; `filtered_list` the list with filters or search; `sync` the sync, and lists by
 * updatedAt; `answered_requests` the idempotency keys; `owing` the sweep for events that a dead process left.
 */
export function declareRecordIndexes(schema: { index(fields: object, options: object): unknown }): void {
  schema.index({ workspaceId: 1, archived: 1, createdAt: -1, _id: -1 }, { name: indexNames.created });
  schema.index(
    { workspaceId: 1, archived: 1, facets: 1, createdAt: -1, _id: -1 },
    { name: indexNames.facets },
  );
  schema.index({ workspaceId: 1, updatedAt: 1, _id: 1 }, { name: indexNames.updated });
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
export async function listRecords<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  query: ListQuery,
): Promise<Page<T>> {
  // Asking for what changed since is asking in that order, unless another is named.
  const sort = query.sort ?? (query.updatedAfter ? '-updatedAt' : '-createdAt');
  const field = sort.endsWith('updatedAt') ? 'updatedAt' : 'createdAt';
  const direction = sort.startsWith('-') ? -1 : 1;
  const conditions = facetConditions(entity, query);
  if (field === 'createdAt' && query.updatedAfter)
    throw unsupportedSort('updatedAfter needs sort=updatedAt or -updatedAt');
  if (field === 'updatedAt' && conditions.length > 0 && !query.updatedAfter) {
    throw unsupportedSort('Sorting a filtered list by updatedAt needs updatedAfter');
  }
  const [first, ...others] = conditions;
  const filter = {
    archived: query.archived ?? false,
    ...facetFilter(first, others),
    ...timeCondition('createdAt', { $gte: query.createdAfter, $lt: query.createdBefore }),
    ...timeCondition('updatedAt', { $gt: query.updatedAfter }),
  };
  const hint = field === 'updatedAt' ? indexNames.updated : first ? indexNames.facets : indexNames.created;
  return pageBy(ctx, entity, workspaceId, {
    filter,
    field,
    direction,
    hint,
    limit: query.limit,
    cursor: query.cursor,
    omit: query.omit,
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
  const filter = timeCondition('updatedAt', { $gte: query.updatedSince, $lt: settled });
  const { limit, cursor } = query;
  return pageBy(ctx, entity, workspaceId, {
    filter,
    field: 'updatedAt',
    direction: 1,
    hint: indexNames.updated,
    limit,
    cursor,
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

/** A list by limit and offset, newest first, with a bounded total. */
export function listRecordsByOffset<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  query: Pick<ListQuery, 'limit' | 'filters' | 'createdAfter' | 'createdBefore'> & { offset: number },
): Promise<OffsetPage<T>> {
  const [first, ...others] = facetConditions(entity, query);
  const filter = {
    archived: false,
    ...facetFilter(first, others),
    ...timeCondition('createdAt', { $gte: query.createdAfter, $lt: query.createdBefore }),
  };
  return pageByOffset(entity.collection(ctx.db), workspaceId, {
    filter: filter as never,
    sort: { createdAt: -1, _id: -1 },
    hint: first ? indexNames.facets : indexNames.created,
    limit: query.limit,
    offset: query.offset,
  });
}

interface PageRequest {
  filter: Record<string, unknown>;
  field: 'createdAt' | 'updatedAt';
  direction: 1 | -1;
  hint: string;
  limit: number;
  cursor: string | undefined;
  omit?: string[] | undefined;
}

async function pageBy<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  request: PageRequest,
): Promise<Page<T>> {
  const { field, direction, limit } = request;
  const filter = request.cursor ? afterPosition(request, decodeCursor(request.cursor)) : request.filter;
  const found = await entity.collection(ctx.db).findPage(workspaceId, filter as never, {
    sort: { [field]: direction, _id: direction },
    // One more than the page shows whether there is another page.
    limit: limit + 1,
    hint: request.hint,
    projection: withoutFields('facets', 'owed', 'idempotency', ...(request.omit ?? [])),
  });
  const records = found.slice(0, limit);
  const last = records.at(-1);
  const hasMore = found.length > limit && last !== undefined;
  return { records, nextCursor: hasMore ? encodeCursor({ time: last[field], id: last._id }) : null };
}

/** Adds "after this position" so that the index's bounds begin at its time. */
function afterPosition(
  { filter, field, direction }: PageRequest,
  { time, id }: Position,
): Record<string, unknown> {
  const [beyond, from] = direction === 1 ? ['$gt', '$gte'] : ['$lt', '$lte'];
  const position = {
    [field]: { [from]: time },
    $or: [{ [field]: { [beyond]: time } }, { _id: { [beyond]: id } }],
  };
  const { $and: conditions = [], ...rest } = filter;
  return { ...rest, $and: [...(conditions as object[]), position] };
}

/** The first condition is looked up in the index, the others are checked on what it finds. */
function facetFilter(
  first: string[] | undefined,
  others: string[][],
  noneOf?: string[],
): Record<string, unknown> {
  return {
    ...(first ? { facets: { $in: first, ...(noneOf ? { $nin: noneOf } : {}) } } : {}),
    ...(others.length > 0 ? { $and: others.map((alternatives) => ({ facets: { $in: alternatives } })) } : {}),
  };
}

function timeCondition(field: string, bounds: Record<string, Date | undefined>): Record<string, unknown> {
  const given = Object.entries(bounds).filter(([, time]) => time !== undefined);
  return given.length > 0 ? { [field]: Object.fromEntries(given) } : {};
}

function facetConditions<T extends RecordDocument>(
  entity: Entity<T>,
  query: Pick<ListQuery, 'filters' | 'q'>,
): string[][] {
  const filters = Object.entries(query.filters ?? {}).map(([field, value]) =>
    [value].flat().map((one) => facet(field, one)),
  );
  if (query.q === undefined) return filters;
  const search = searchFacets(entity.facets, query.q);
  // A text without a single word matches nothing.
  return [...filters, ...(search.length > 0 ? search : [[]])];
}

const withoutFields = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 0]));

const unsupportedSort = (message: string): AppError =>
  new AppError('invalid', { details: { sort: [message] } });
