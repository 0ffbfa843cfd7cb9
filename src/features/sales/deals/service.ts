import type { Context } from '../../../context.ts';
import type { IfMatch } from '../../../lib/etag.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { recordService } from '../../../records/api/service.ts';
import { applyChange, type Change } from '../../../records/change.ts';
import { type TimedChange, updateRecord } from '../../../records/update.ts';
import type { Author } from '../../../tenancy/actor.ts';
import { type Board, boardOf } from '../boards/board.ts';
import { pathWon } from './path.ts';
import { assertCanBeOpen, entering, findWanted, havingStatus, refugeOf, type Wanted } from './place.ts';
import { type Deal, type DealStatus, dealEntity } from './record.ts';

export const dealService = recordService(dealEntity, {
  async complete(ctx, { actor, workspace }, { pipelineId, stageId, probability }) {
    const { place } = await findWanted(ctx, workspace._id, { pipelineId, stageId });
    return { ...entering(place, ctx.clock.now(), probability).set, createdBy: actor.userId };
  },
  revise:
    (ctx, change, { pipelineId, stageId, status, probability }) =>
    (current) =>
      reviseDeal(ctx, current, change, { wanted: { pipelineId, stageId }, status, probability }),
  afterCreate: settleDeal,
});

export const {
  create: createDeal,
  update: updateDeal,
  archive: archiveDeal,
  find: findDeal,
  get: getDeal,
} = dealService;

export interface Move {
  stageId: string;
  /** The stage's own, unless it is given. */
  probability?: number | undefined;
}

/**
 * Moves a deal to a stage, of whichever live pipeline; one that is there already is left alone. It is one write, so of two
 * movers one is first, and what the second leaves is what the first has made.
 * @throws AppError not_found, conflict (archived), precondition_failed, invalid
 */
export const moveDeal = (
  ctx: Context,
  author: Author,
  id: ObjectId,
  { stageId, probability }: Move,
  options: { ifMatch?: IfMatch | undefined } = {},
): Promise<Deal> =>
  updateRecord(
    ctx,
    dealEntity,
    author,
    id,
    (current) =>
      reviseDeal(ctx, current, { set: {}, merge: {}, unset: [] }, { wanted: { stageId }, probability }),
    options,
  );

interface Given {
  wanted: Wanted;
  status?: DealStatus | undefined;
  probability?: number | undefined;
}

/** What a change makes of a deal: where it goes, and what follows from that. @throws AppError invalid, conflict */
async function reviseDeal(
  ctx: Context,
  current: Deal,
  change: Required<Change>,
  { wanted, status, probability }: Given,
): Promise<TimedChange> {
  const { stageId: _stage, pipelineId: _pipeline, status: _status, ...set } = change.set;
  const now = ctx.clock.now();
  let revised: Required<Change> = { ...change, set };
  let board: Board | undefined;
  if (isElsewhere(wanted, current)) {
    const found = await findWanted(ctx, current.workspaceId, wanted);
    const { place } = found;
    if (place.stage.stageId !== current.stageId) {
      board = found.board;
      revised = join(revised, entering(place, now, probability, current));
    }
  }
  const moved = applyChange(current, revised);
  if (status !== undefined && status !== moved.status) {
    if (status === 'open') board = await assertCanBeOpen(ctx, moved);
    revised = join(revised, havingStatus(status, moved.pipelineId, now));
    if (status === 'won') revised = join(revised, { set: { path: pathWon(moved.path) } });
  }
  return { ...revised, ...(board ? { until: board.until } : {}) };
}

/** Whether it is wanted where it isn't. */
const isElsewhere = ({ stageId, pipelineId }: Wanted, current: Deal): boolean =>
  stageId === undefined
    ? pipelineId !== undefined && pipelineId.toLowerCase() !== current.pipelineId
    : stageId.toLowerCase() !== current.stageId || isElsewhere({ pipelineId }, current);

const join = (one: Required<Change>, { set, unset = [] }: Change): Required<Change> => ({
  set: Object.fromEntries(Object.entries({ ...one.set, ...set }).filter(([name]) => !unset.includes(name))),
  merge: one.merge,
  unset: [...one.unset.filter((name) => !(name in set)), ...unset],
});

/**
 * Looks once more at a new deal: while it was being made its stage may have been removed, or its pipeline archived. Then
 * it goes where the others went. A create does this before it answers; where its process died, the deal's event brings
 * it here (see settlement.ts).
 */
export async function settleDeal(ctx: Context, author: Author, deal: Deal): Promise<void> {
  if (!refugeOf(await boardOf(ctx, author.workspaceId), deal)) return;
  const revision = (current: Deal) => refuge(ctx, current, { isFresh: true });
  await updateRecord(ctx, dealEntity, author, deal._id, revision, { isArchivedToo: true });
}

/** The change that takes a deal from a stage that goes to where it belongs; none for one that may stay. */
export async function refuge(
  ctx: Context,
  deal: Deal,
  options?: Parameters<typeof boardOf>[2],
): Promise<TimedChange | undefined> {
  const board = await boardOf(ctx, deal.workspaceId, options);
  const place = refugeOf(board, deal);
  return place && { ...entering(place, ctx.clock.now(), undefined, deal), until: board.until };
}

/** How many deals a facet finds, up to a bound. @param isLiveOnly leaves archived ones out */
export const countDeals = (
  ctx: Context,
  workspaceId: ObjectId,
  facets: string,
  limit: number,
  isLiveOnly: boolean,
): Promise<number> =>
  dealEntity
    .collection(ctx.db)
    .count(
      workspaceId,
      { archived: { $in: isLiveOnly ? [false] : [false, true] }, facets },
      { hint: 'filtered_list', limit },
    );
