import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../../context.ts';
import { AppError, invalid, notFound } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { facet } from '../../../records/facets.ts';
import type { RecordDocument } from '../../../records/record.ts';
import type { EventListener } from '../../../records/relay.ts';
import { updateRecord } from '../../../records/update.ts';
import { type Author, systemIn } from '../../../tenancy/actor.ts';
import type { JobKind, Slice } from '../../data/jobs/kind.ts';
import type { Job } from '../../data/jobs/model.ts';
import { type Source, throughRecords } from '../../data/jobs/records.ts';
import { assertRoomForJob, authorOf, startJob } from '../../data/jobs/service.ts';
import { boardOf, findPlace, forgetBoard, isOpenPlace, viewsEndMs } from '../boards/board.ts';
import { type Pipeline, pipelineEntity } from '../boards/record.ts';
import type { Closing, Stage } from '../boards/stages.ts';
import { type Deal, dealEntity } from '../deals/record.ts';
import { countDeals, refuge } from '../deals/service.ts';

/**
 * Removes a stage, or archives a pipeline, so that no deal is left behind. First a mark in the pipeline's document says
 * that it closes, and where its deals go: whoever sees the mark puts nothing there any more. Then its deals are moved,
 * by the request where they are few, else by a job. Once every view from before the mark has ended (see board.ts) what
 * is there is all that there will be; when that has gone too, the stage goes. The mark names a job, which the request
 * stores next, or, where that died, whoever passes on the pipeline's event: so every closing comes to an end.
 */

/** What closes: a stage of a pipeline, or without one the pipeline itself. */
interface Subject {
  pipelineId: ObjectId;
  stageId?: string | undefined;
}

export interface Closed {
  pipeline: Pipeline;
  moved: number;
  /** It goes on in this job. */
  job?: Job;
}

/** What a request moves by itself. */
const inlineMax = 300;
/** By when a request that does so has most often come to its end; a job beside it does no harm. */
const inlineMs = 3_000;
const batchSize = 200;
/** Former stages that a pipeline remembers; deals that were under way to them are long there. */
const formerStagesMax = 200;

/**
 * Closes a stage, or a pipeline.
 * @param moveTo where its deals go; without it there must be none: of a stage none at all, of a pipeline no open ones
 * @throws AppError not_found, invalid, conflict
 */
export async function close(
  ctx: Context,
  author: Author,
  subject: Subject,
  moveTo: string | undefined,
): Promise<Closed> {
  const { workspaceId } = author;
  await assertRoomForJob(ctx, workspaceId);
  const count = await countDeals(ctx, workspaceId, sourceOf(subject).facet, inlineMax + 1, isWhole(subject));
  if (count > 0 && moveTo === undefined) throw stillThere(subject, count);
  const board = await boardOf(ctx, workspaceId, { isFresh: true });
  if (!subject.stageId && moveTo !== undefined) {
    const place = findPlace(board, moveTo);
    if (!place || !isOpenPlace(place) || place.pipeline._id.equals(subject.pipelineId))
      throw invalid('moveToStageId', 'Must be a stage of another live pipeline');
  }
  const pipeline = await mark(ctx, author, subject, moveTo);
  if (!subject.stageId) await assertOthersStay(ctx, author, subject);
  const job = await startClosing(ctx, author, pipeline, subject);
  if (count > inlineMax) return { pipeline, moved: 0, job };
  let moved = await moveAll(ctx, author, subject);
  await sleep(Math.max(0, settledAt(job).getTime() - ctx.clock.now().getTime()));
  moved += await moveAll(ctx, author, subject);
  return { pipeline: await end(ctx, author, subject), moved };
}

/** Every view from before the mark has ended: the job was stored after it. */
const settledAt = ({ createdAt }: Job): Date => new Date(createdAt.getTime() + viewsEndMs);

const isWhole = ({ stageId }: Subject): boolean => stageId === undefined;

/** The deals that have to go: all that are in the stage, archived ones too; or the open ones of the pipeline. */
const sourceOf = ({ pipelineId, stageId }: Subject): Source<Deal> => ({
  name: 'deals',
  entity: dealEntity,
  facet: stageId ? facet('stageId', stageId) : facet('openIn', pipelineId.toHexString()),
});

const markIn = (pipeline: Pipeline, stageId: string | undefined): Closing | undefined =>
  stageId ? pipeline.stages.find((stage) => stage.stageId === stageId)?.closing : pipeline.closing;

async function mark(
  ctx: Context,
  author: Author,
  { pipelineId, stageId }: Subject,
  moveTo: string | undefined,
): Promise<Pipeline> {
  const marked = await updateRecord(ctx, pipelineEntity, author, pipelineId, (current) => {
    const known = markIn(current, stageId);
    if (known && known.moveTo !== moveTo)
      throw new AppError('conflict', { message: 'It is being removed already, and its deals go elsewhere' });
    if (known) return undefined;
    const closing: Closing = { moveTo, at: ctx.clock.now(), jobId: new ObjectId() };
    return { set: stageId ? { stages: withMark(current.stages, stageId, closing) } : { closing } };
  });
  forgetBoard(ctx, author.workspaceId);
  return marked;
}

function withMark(stages: Stage[], stageId: string, closing: Closing): Stage[] {
  if (!stages.some((stage) => stage.stageId === stageId)) throw notFound('Stage');
  const staying = stages.filter((stage) => stage.stageId !== stageId && !stage.closing);
  if (staying.length === 0) throw new AppError('conflict', { message: 'A pipeline keeps its last stage' });
  if (closing.moveTo !== undefined && !staying.some((stage) => stage.stageId === closing.moveTo))
    throw invalid('moveToStageId', 'Must be another stage of the pipeline');
  return stages.map((stage) => (stage.stageId === stageId ? { ...stage, closing } : stage));
}

/** Two that close the last two pipelines at once see each other's marks, and neither goes on. @throws AppError conflict */
async function assertOthersStay(ctx: Context, author: Author, subject: Subject): Promise<void> {
  const { pipelines } = await boardOf(ctx, author.workspaceId, { isFresh: true });
  if (pipelines.some(({ _id, closing }) => !_id.equals(subject.pipelineId) && !closing)) return;
  await unmark(ctx, author, subject);
  throw new AppError('conflict', { message: 'A workspace keeps its last pipeline' });
}

async function unmark(ctx: Context, author: Author, { pipelineId, stageId }: Subject): Promise<void> {
  await updateRecord(ctx, pipelineEntity, author, pipelineId, ({ stages }) =>
    stageId
      ? { set: { stages: stages.map((stage) => (stage.stageId === stageId ? opened(stage) : stage)) } }
      : { set: {}, unset: ['closing'] },
  );
  forgetBoard(ctx, author.workspaceId);
}

const opened = ({ closing: _, ...stage }: Stage): Stage => stage;

function startClosing(ctx: Context, author: Author, pipeline: Pipeline, subject: Subject): Promise<Job> {
  const { stageId } = subject;
  return startJob(ctx, author, {
    id: markIn(pipeline, stageId)?.jobId,
    kind: stageId ? 'stage.remove' : 'pipeline.archive',
    subject: { type: pipelineEntity.name, id: pipeline._id },
    input: stageId ? { stageId } : {},
  });
}

/** Hears of every change of a pipeline: what its request could not begin is begun here. */
export const pipelineCloser = (ctx: Context): EventListener => ({
  name: 'pipelines',
  isListening: async (_workspaceId, type) => type === 'pipeline.updated',
  async accept(events) {
    for (const { type, workspaceId, record } of events) {
      if (type !== 'pipeline.updated') continue;
      const { _id: id } = record as unknown as RecordDocument;
      const pipeline = await pipelineEntity.collection(ctx.db).findById(workspaceId, id);
      if (!pipeline || pipeline.archived) continue;
      const closing = pipeline.stages.filter((stage) => stage.closing).map(({ stageId }) => stageId);
      for (const stageId of [...closing, ...(pipeline.closing ? [undefined] : [])])
        await startClosing(ctx, systemIn(workspaceId), pipeline, { pipelineId: id, stageId });
    }
  },
});

/** Moves what is there, as long as there is something. */
async function moveAll(ctx: Context, author: Author, subject: Subject): Promise<number> {
  for (let moved = 0; ; ) {
    const batch = await moveBatch(ctx, author, subject);
    moved += batch;
    if (batch === 0) return moved;
  }
}

/** @returns how many were moved; none where there are none, or none may be moved */
async function moveBatch(ctx: Context, author: Author, subject: Subject): Promise<number> {
  const { facet: facets } = sourceOf(subject);
  const archived = isWhole(subject) ? [false] : [false, true];
  const deals = await dealEntity
    .collection(ctx.db)
    .findPage(
      author.workspaceId,
      { archived: { $in: archived }, facets },
      { limit: batchSize, hint: 'filtered_list' },
    );
  const moved = await Promise.all(deals.map((deal) => moveAway(ctx, author, deal)));
  return moved.filter((deal, index) => deal.version !== deals[index]?.version).length;
}

const moveAway = (ctx: Context, author: Author, deal: Deal): Promise<Deal> =>
  updateRecord(ctx, dealEntity, author, deal._id, (current) => refuge(ctx, current), {
    known: deal,
    isArchivedToo: true,
    isMark: true,
  });

/** Ends the closing: what was to go goes, unless a deal stands in it after all. @throws AppError conflict */
async function end(ctx: Context, author: Author, subject: Subject): Promise<Pipeline> {
  const { pipelineId, stageId } = subject;
  const left = await countDeals(
    ctx,
    author.workspaceId,
    sourceOf(subject).facet,
    inlineMax,
    isWhole(subject),
  );
  if (left > 0) {
    await unmark(ctx, author, subject);
    throw stillThere(subject, left);
  }
  const revision = (current: Pipeline) =>
    stageId
      ? withoutStage(current, stageId)
      : current.archived
        ? undefined
        : {
            set: { archived: true, archivedAt: ctx.clock.now(), isDefault: false },
            unset: ['closing', 'defaultKey'],
          };
  const options = { isArchivedToo: true, isMark: true, ...(stageId ? {} : { action: 'archived' as const }) };
  const pipeline = await updateRecord(ctx, pipelineEntity, author, pipelineId, revision, options);
  forgetBoard(ctx, author.workspaceId);
  return pipeline;
}

function withoutStage({ stages, formerStages = {} }: Pipeline, stageId: string) {
  const index = stages.findIndex((stage) => stage.stageId === stageId);
  const stage = stages[index];
  if (!stage) return undefined;
  const staying = stages.toSpliced(index, 1);
  const heir = stage.closing?.moveTo ?? staying[Math.max(0, index - 1)]?.stageId;
  const former = [...Object.entries(formerStages), [stageId, heir]].slice(-formerStagesMax);
  return { set: { stages: staying, formerStages: Object.fromEntries(former) } };
}

const stillThere = ({ stageId }: Subject, count: number) =>
  new AppError('conflict', {
    message: `The ${stageId ? 'stage has deals' : 'pipeline has open deals'}; say where they go, or move them first`,
    extra: { deals: Math.min(count, inlineMax), isMore: count > inlineMax },
  });

/** First the deals that are there, then once more what came meanwhile. */
interface Round {
  isLast: boolean;
  through?: object | undefined;
}

async function slice(ctx: Context, job: Job): Promise<Slice> {
  const author = authorOf(job);
  const subject: Subject = { pipelineId: job.subject.id, stageId: job.input.stageId as string | undefined };
  const pipeline = await pipelineEntity.collection(ctx.db).findById(job.workspaceId, subject.pipelineId);
  // It has ended, or a later closing has taken its place.
  if (!pipeline || !markIn(pipeline, subject.stageId)?.jobId.equals(job._id) || pipeline.archived) return {};
  if (!job.cursor) return begin(ctx, job, subject);
  const { isLast, through } = job.cursor as Round;
  if (isLast) {
    const done = await moveBatch(ctx, author, subject);
    if (done > 0) return { cursor: { isLast }, done };
    await end(ctx, author, subject);
    return {};
  }
  const { cursor, total, ...counts } = await throughRecords(
    ctx,
    { ...job, cursor: through as object },
    [sourceOf(subject) as unknown as Source],
    (record) => moveAway(ctx, author, record as Deal),
  );
  if (cursor) return { ...counts, total, cursor: { isLast, through: cursor } };
  return { ...counts, total, cursor: { isLast: true }, resumeAt: settledAt(job) };
}

/** What a request does by itself is left to it for a while; should it die, it is done here. */
async function begin(ctx: Context, job: Job, subject: Subject): Promise<Slice> {
  const count = await countDeals(
    ctx,
    job.workspaceId,
    sourceOf(subject).facet,
    inlineMax + 1,
    isWhole(subject),
  );
  const resumeAt = count > inlineMax ? undefined : new Date(job.createdAt.getTime() + inlineMs);
  return { cursor: { isLast: false }, resumeAt };
}

export const closingJobs: readonly JobKind[] = [
  { name: 'stage.remove', slice },
  { name: 'pipeline.archive', slice },
];
