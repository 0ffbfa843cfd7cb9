import { z } from 'zod';
import type { Context } from '../../context.ts';
import { listDealsByOffset } from '../../features/sales/deals/queries.ts';
import type { Deal } from '../../features/sales/deals/record.ts';
import { calendarDay, filterText } from '../../lib/schemas.ts';
import { fromUuid } from '../../lib/uuid.ts';
import type { Caller } from '../../records/api/service.ts';
import type { OffsetPage } from '../../records/offset.ts';
import { badRequest } from './errors.ts';
import { nativePriorities, priorities } from './opportunity-map.ts';
import { limitGiven, optional, workspaceGiven } from './schema.ts';

/** A page further down than any workspace has records. */
const pageMax = 1_000_000_000;
const amount = optional(z.coerce.number().min(0));

export const opportunityQuery = z.object({
  workspace_id: optional(workspaceGiven),
  pipeline_id: optional(filterText),
  stage_id: optional(filterText),
  contact_id: optional(filterText),
  priority: optional(z.enum(priorities)),
  is_closed: optional(
    z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .meta({ type: 'boolean' }),
  ),
  page: z.coerce.number().int().min(1).max(pageMax).default(1),
  limit: limitGiven(50),
  offset: optional(z.coerce.number().int().min(0)).describe('In place of the page'),
  search: optional(filterText).describe('Each word begins a word of the title or description'),
  min_amount: amount,
  max_amount: amount,
  expected_close_date_from: optional(calendarDay),
  expected_close_date_to: optional(calendarDay),
});
type Query = z.output<typeof opportunityQuery>;

export interface OpportunityPage {
  deals: Deal[];
  pagination: {
    page: number;
    limit: number;
    total: number;
    totalPages: number;
    hasNext: boolean;
    hasPrev: boolean;
  };
}

/** Live opportunities, newest first. @throws AppError bad_request for a search without a word */
export async function listOpportunities(
  ctx: Context,
  caller: Caller,
  query: Query,
): Promise<OpportunityPage> {
  const { limit } = query;
  const offset = query.offset ?? (query.page - 1) * limit;
  const filters = filtersOf(query);
  const page = filters
    ? await readWhole(ctx, caller, { limit, offset, filters, checks: checksOf(query) })
    : { records: [], total: 0, hasMore: false };
  return {
    deals: page.records,
    pagination: {
      page: query.offset === undefined ? query.page : Math.floor(offset / limit) + 1,
      limit,
      total: page.total,
      totalPages: Math.ceil(page.total / limit),
      hasNext: page.hasMore,
      hasPrev: offset > 0 && page.total > 0,
    },
  };
}

/** What the index looks up; undefined for an id that is nobody's, so that nothing is found. */
function filtersOf(query: Query): Record<string, string | string[]> | undefined {
  const filters: Record<string, string | string[]> = {};
  const ids = { pipelineId: query.pipeline_id, stageId: query.stage_id, contactId: query.contact_id };
  for (const [field, uuid] of Object.entries(ids)) {
    if (uuid === undefined) continue;
    const id = fromUuid(uuid);
    if (!id) return undefined;
    filters[field] = id.toHexString();
  }
  // What is urgent is shown as high.
  if (query.priority)
    filters.priority = [nativePriorities[query.priority], ...(query.priority === 'high' ? ['Urgent'] : [])];
  if (query.is_closed !== undefined) filters.status = query.is_closed ? ['won', 'lost'] : 'open';
  return filters;
}

/** What is looked at on each of them. */
function checksOf(query: Query): object[] {
  const { min_amount: min, max_amount: max, search } = query;
  const { expected_close_date_from: from, expected_close_date_to: to } = query;
  const value = { $toDouble: '$value.amount' };
  const amounts = [
    ...(min === undefined ? [] : [{ $gte: [value, min] }]),
    ...(max === undefined ? [] : [{ $lte: [value, max] }]),
  ];
  const days = { ...(from ? { $gte: from } : {}), ...(to ? { $lte: to } : {}) };
  return [
    ...(amounts.length > 0 ? [{ $expr: { $and: amounts } }] : []),
    ...(from || to ? [{ expectedCloseDate: days }] : []),
    ...(search === undefined ? [] : wordsOf(search).map(begins)),
  ];
}

const wordsMax = 12;

/** @throws AppError bad_request */
function wordsOf(search: string): string[] {
  const words = search.match(/[\p{L}\p{N}]+/gu) ?? [];
  if (words.length === 0) throw badRequest('search must have at least one word');
  return words.slice(0, wordsMax);
}

/** The word begins one of the title or the description, in any case. */
const begins = (word: string): object => {
  const pattern = { $regex: `(?<![\\p{L}\\p{N}])${word}`, $options: 'i' };
  return { $or: [{ title: pattern }, { description: pattern }] };
};

/** As many readings as the largest records take to fill a page. */
const readingsMax = 20;

/** A page with all that it has room for: clients go on by its number, whatever it has. */
async function readWhole(
  ctx: Context,
  { actor, workspace }: Caller,
  query: { limit: number; offset: number; filters: Record<string, string | string[]>; checks: object[] },
): Promise<Pick<OffsetPage<Deal>, 'records' | 'total' | 'hasMore'>> {
  const records: Deal[] = [];
  let page: OffsetPage<Deal>;
  let readings = 0;
  do {
    page = await listDealsByOffset(ctx, workspace._id, {
      ...query,
      limit: query.limit - records.length,
      offset: query.offset + records.length,
      reader: actor.id,
      sort: '-createdAt',
      omit: ['fields'],
    });
    records.push(...page.records);
    readings += 1;
  } while (page.hasMore && page.records.length > 0 && records.length < query.limit && readings < readingsMax);
  return { records, total: page.total, hasMore: page.hasMore };
}
