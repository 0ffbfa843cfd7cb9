import type { Context } from '../../../context.ts';
import { AppError, invalid } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Change } from '../../../records/change.ts';
import { type Board, boardOf, findPlace, firstPlaceOf, isOpenPlace, type Place } from '../boards/board.ts';
import { pathInto } from './path.ts';
import type { Deal, DealStatus } from './record.ts';

/** Where a request wants a deal: a stage, or a pipeline to begin in. */
export interface Wanted {
  stageId?: string | undefined;
  pipelineId?: string | undefined;
}

/** A place that deals can enter, and the view of the pipelines that says so. */
interface Found {
  place: Place;
  board: Board;
}

/** Where a deal goes that is wanted there; by a view of just now when an earlier one doesn't know. @throws AppError invalid */
export async function findWanted(ctx: Context, workspaceId: ObjectId, wanted: Wanted): Promise<Found> {
  const board = await boardOf(ctx, workspaceId);
  const place = placeIn(board, wanted);
  if ('stage' in place) return { place, board };
  const fresh = await boardOf(ctx, workspaceId, { isFresh: true });
  const found = placeIn(fresh, wanted);
  if ('stage' in found) return { place: found, board: fresh };
  throw invalid(found.field, found.reason);
}

/** Why a deal can't be where it is wanted. */
interface Refusal {
  field: keyof Wanted;
  reason: string;
}

function placeIn(board: Board, { stageId, pipelineId }: Wanted): Place | Refusal {
  const id = pipelineId?.toLowerCase();
  const pipeline = id ? board.pipelines.find(({ _id }) => _id.toHexString() === id) : board.pipelines[0];
  if (!pipeline)
    return { field: 'pipelineId', reason: 'Must be the id of a live pipeline of this workspace' };
  if (stageId === undefined) {
    const first = follow(board, firstPlaceOf(pipeline) ?? pipeline.closing?.moveTo);
    return first ?? { field: 'pipelineId', reason: 'The pipeline is being archived' };
  }
  const refusal = (reason: string): Refusal => ({ field: 'stageId', reason });
  const place = findPlace(board, stageId.toLowerCase());
  if (!place) return refusal('Must be a stage of a live pipeline of this workspace');
  if (id && place.pipeline !== pipeline) return refusal('Must be a stage of the pipeline that is given');
  return successorOf(board, place) ?? refusal('The stage is being removed');
}

/** The place itself; of one that is about to go, the one that takes its deals. */
export const successorOf = (board: Board, place: Place): Place | undefined =>
  isOpenPlace(place) ? place : follow(board, place.pipeline.closing?.moveTo ?? place.stage.closing?.moveTo);

/** Stages that go one after another lead to one that stays. */
function follow(board: Board, next: Place | string | undefined): Place | undefined {
  const seen = new Set<string>();
  let place = typeof next === 'string' ? findPlace(board, next) : next;
  while (place && !isOpenPlace(place)) {
    if (seen.has(place.stage.stageId)) return undefined;
    seen.add(place.stage.stageId);
    const moveTo: string | undefined = place.pipeline.closing?.moveTo ?? place.stage.closing?.moveTo;
    place = moveTo === undefined ? undefined : findPlace(board, moveTo);
  }
  return place;
}

/**
 * Where a deal belongs whose stage has gone, or whose pipeline: where the stage's deals went, else where its pipeline
 * begins, else where deals begin. Undefined for a deal that is where it may be.
 */
export function refugeOf(board: Board, { pipelineId, stageId, status }: Deal): Place | undefined {
  const place = findPlace(board, stageId);
  if (place && isOpenPlace(place)) return undefined;
  const pipeline = board.pipelines.find(({ _id }) => _id.toHexString() === pipelineId);
  // What is closed stays in a pipeline that is no more, or soon will be.
  if (status !== 'open' && (!pipeline || (pipeline.closing && place && !place.stage.closing)))
    return undefined;
  // A stage that closes without a place for its deals keeps them: then it is not to go.
  if (place) return successorOf(board, place);
  return (
    follow(board, heirOf(pipeline?.formerStages, stageId)) ??
    (pipeline && firstPlaceOf(pipeline)) ??
    board.pipelines.map(firstPlaceOf).find((first) => first !== undefined)
  );
}

/** The stage that took the deals of one that is gone, or the one that took them from that. */
function heirOf(former: Record<string, string> = {}, stageId: string): string | undefined {
  let heir = former[stageId];
  // Each is younger than the one before it, so they end.
  while (heir !== undefined && former[heir] !== undefined) heir = former[heir];
  return heir;
}

const statusIn = ({ stage: { isWon, isLost } }: Place): DealStatus =>
  isWon ? 'won' : isLost ? 'lost' : 'open';

/** What becomes of a deal that enters a stage, with its own probability unless another is given. */
export function entering(
  place: Place,
  now: Date,
  probability = place.stage.probability,
  before?: Deal,
): Change {
  const { pipeline, stage } = place;
  const moved = {
    pipelineId: pipeline._id.toHexString(),
    stageId: stage.stageId,
    stageEnteredAt: now,
    path: pathInto(place, now, before),
    probability,
  };
  const closed = havingStatus(statusIn(place), moved.pipelineId, now);
  return { ...closed, set: { ...moved, ...closed.set } };
}

/** What goes with a status: the time at which it closed, or the pipeline in which it is open. */
export const havingStatus = (status: DealStatus, pipelineId: string, now: Date) =>
  status === 'open'
    ? { set: { status, openIn: pipelineId }, unset: ['closedAt'] }
    : { set: { status, closedAt: now }, unset: ['openIn'] };

/** Asserts that a deal can be open where it is. @throws AppError conflict */
export async function assertCanBeOpen(ctx: Context, { workspaceId, pipelineId }: Deal): Promise<Board> {
  const board = await boardOf(ctx, workspaceId);
  const pipeline = board.pipelines.find(({ _id }) => _id.toHexString() === pipelineId);
  if (pipeline && !pipeline.closing) return board;
  throw new AppError('conflict', {
    message: 'The pipeline is archived; move the deal to a stage of another',
  });
}
