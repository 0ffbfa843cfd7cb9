import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { facet } from '../../../records/facets.ts';
import { listRecordsByOffset } from '../../../records/list.ts';
import type { OffsetPage } from '../../../records/offset.ts';
import { type Deal, dealEntity } from './record.ts';

/** Live deals by limit and offset, newest first. */
export const listDealsByOffset = (
  ctx: Context,
  workspaceId: ObjectId,
  query: Parameters<typeof listRecordsByOffset>[3],
): Promise<OffsetPage<Deal>> => listRecordsByOffset(ctx, dealEntity, workspaceId, query);

/** More than anybody wants to be told of. */
const countedMax = 1_000_000;

const countBy = (ctx: Context, workspaceId: ObjectId, facets: string): Promise<number> =>
  dealEntity
    .collection(ctx.db)
    .count(workspaceId, { archived: false, facets }, { hint: 'filtered_list', limit: countedMax });

/** How many live deals are open in a pipeline, just now. */
export const countOpenDeals = (ctx: Context, workspaceId: ObjectId, pipelineId: ObjectId): Promise<number> =>
  countBy(ctx, workspaceId, facet('openIn', pipelineId.toHexString()));

/** How many live deals are in a stage just now, closed ones too. */
export const countDealsIn = (ctx: Context, workspaceId: ObjectId, stageId: string): Promise<number> =>
  countBy(ctx, workspaceId, facet('stageId', stageId));
