import { LRUCache } from 'lru-cache';
import type { Context } from '../../../context.ts';
import { duplicateKeyFields } from '../../../infra/mongo-errors.ts';
import { sha256 } from '../../../lib/crypto.ts';
import { AppError } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { insertRecord } from '../../../records/insert.ts';
import { updateRecord } from '../../../records/update.ts';
import { systemIn } from '../../../tenancy/actor.ts';
import { isTheDefault, type Pipeline, pipelineEntity } from './record.ts';
import { initialStages, type Stage } from './stages.ts';

/**
 * A workspace's pipelines, as those see them who put deals into stages. Each view has an end, by the database server's
 * clock: what is decided by it is written before that or not at all (`until` of a change). So whoever closes a stage or
 * a pipeline marks it, waits until every view from before the mark has ended, and from then on finds all that there is.
 */
export interface Board {
  /** The live ones: the default first, then the oldest first. */
  pipelines: Pipeline[];
  until: Date;
}

/** A stage and its pipeline. */
export interface Place {
  pipeline: Pipeline;
  stage: Stage;
}

/** How long a process goes by what it has read. */
const rememberedMs = 500;
/** How long what was decided by a view may take to be written. */
const viewMs = 1_500;
/** By when every view has ended that was read before now; the processes' clocks are that little apart. */
export const viewsEndMs = viewMs + 200;

export const pipelinesMax = 50;

interface Remembered {
  board: Promise<Board>;
  readAt: number;
}

const boards = new WeakMap<Context, LRUCache<string, Remembered>>();
const workspacesMax = 5_000;

function rememberedIn(ctx: Context): LRUCache<string, Remembered> {
  let remembered = boards.get(ctx);
  if (!remembered) {
    remembered = new LRUCache<string, Remembered>({ max: workspacesMax });
    boards.set(ctx, remembered);
  }
  return remembered;
}

/** The workspace's board; one that this process has read just now will do, unless `isFresh` asks for another. */
export function boardOf(ctx: Context, workspaceId: ObjectId, { isFresh = false } = {}): Promise<Board> {
  const remembered = rememberedIn(ctx);
  const key = workspaceId.toHexString();
  const known = remembered.get(key);
  if (known && !isFresh && performance.now() - known.readAt < rememberedMs) return known.board;
  const reading = { board: readBoard(ctx, workspaceId), readAt: performance.now() };
  remembered.set(key, reading);
  reading.board.catch(() => {
    if (remembered.get(key) === reading) remembered.delete(key);
  });
  return reading.board;
}

/** To be called after a change of a pipeline, so that this process sees it at once. */
export const forgetBoard = (ctx: Context, workspaceId: ObjectId): void => {
  rememberedIn(ctx).delete(workspaceId.toHexString());
};

async function readBoard(ctx: Context, workspaceId: ObjectId): Promise<Board> {
  const until = new Date(ctx.clock.now().getTime() + viewMs);
  let pipelines = await readPipelines(ctx, workspaceId);
  if (pipelines.length === 0) {
    await createFirstPipeline(ctx, workspaceId);
    pipelines = await readPipelines(ctx, workspaceId);
  }
  return { pipelines: await withDefault(ctx, pipelines), until };
}

const readPipelines = (ctx: Context, workspaceId: ObjectId): Promise<Pipeline[]> =>
  pipelineEntity
    .collection(ctx.db)
    .findPage(
      workspaceId,
      { archived: false },
      { limit: 2 * pipelinesMax, sort: { createdAt: 1, _id: 1 }, hint: 'list' },
    );

/** One is always the default: where the one that was is gone, the oldest takes its place. */
async function withDefault(ctx: Context, oldestFirst: Pipeline[]): Promise<Pipeline[]> {
  const [oldest] = oldestFirst;
  const known = oldestFirst.find(({ isDefault }) => isDefault);
  if (known || !oldest) return known ? [known, ...oldestFirst.filter((one) => one !== known)] : oldestFirst;
  try {
    const set = { isDefault: true, defaultKey: isTheDefault };
    const heir = await updateRecord(ctx, pipelineEntity, systemIn(oldest.workspaceId), oldest._id, { set });
    return [heir, ...oldestFirst.slice(1)];
  } catch (error) {
    // Another became it, or the oldest was archived, this very moment: until the next look the oldest stands in.
    const isRace = duplicateKeyFields(error) || (error instanceof AppError && error.code === 'conflict');
    if (isRace) return oldestFirst;
    throw error;
  }
}

/** The workspace's own id in other letters, so that of any number of attempts one makes the first pipeline. */
const firstIdOf = (workspaceId: ObjectId): ObjectId =>
  new ObjectId(
    `${workspaceId.toHexString().slice(0, 8)}${sha256(`first pipeline of ${workspaceId}`).slice(0, 16)}`,
  );

async function createFirstPipeline(ctx: Context, workspaceId: ObjectId): Promise<void> {
  const fields = {
    name: 'Sales Pipeline',
    stages: initialStages(ctx.clock.now()),
    isDefault: true,
    defaultKey: isTheDefault,
  };
  try {
    const id = firstIdOf(workspaceId);
    await insertRecord(ctx, pipelineEntity, systemIn(workspaceId), fields, { id });
  } catch (error) {
    if (!duplicateKeyFields(error)) throw error;
  }
}

export const findPlace = ({ pipelines }: Board, stageId: string): Place | undefined => {
  for (const pipeline of pipelines) {
    const stage = pipeline.stages.find((one) => one.stageId === stageId);
    if (stage) return { pipeline, stage };
  }
  return undefined;
};

/** Whether a deal can enter a stage: neither it nor its pipeline is about to go. */
export const isOpenPlace = ({ pipeline, stage }: Place): boolean => !stage.closing && !pipeline.closing;

/** The first stage of a pipeline that deals can enter. */
export const firstPlaceOf = (pipeline: Pipeline): Place | undefined =>
  pipeline.stages.map((stage) => ({ pipeline, stage })).find(isOpenPlace);

/** The workspace's live pipelines: the default first, then the oldest first. */
export const findPipelines = async (ctx: Context, workspaceId: ObjectId): Promise<Pipeline[]> =>
  (await boardOf(ctx, workspaceId)).pipelines;

/** Where deals begin that name no pipeline. */
export async function defaultPipelineOf(ctx: Context, workspaceId: ObjectId): Promise<Pipeline> {
  const [pipeline] = await findPipelines(ctx, workspaceId);
  if (!pipeline) throw new Error('A workspace has no pipeline');
  return pipeline;
}
