import type { Context } from '../../../context.ts';
import { AppError, invalid, notFound } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { type Caller, type RecordService, recordService } from '../../../records/api/service.ts';
import { updateRecord } from '../../../records/update.ts';
import type { Author } from '../../../tenancy/actor.ts';
import { findPipelines, forgetBoard, pipelinesMax } from '../boards/board.ts';
import { isTheDefault, type Pipeline, type PipelineTypes, pipelineEntity } from '../boards/record.ts';
import {
  assertStages,
  changeStage,
  changeStages,
  createStage,
  initialStages,
  type Stage,
  type StageInput,
} from '../boards/stages.ts';
import { close } from './closing.ts';

const plain = recordService(pipelineEntity, {
  async complete(ctx, { actor, workspace }, { stages }) {
    if ((await findPipelines(ctx, workspace._id)).length >= pipelinesMax)
      throw new AppError('conflict', { message: `A workspace has at most ${pipelinesMax} pipelines` });
    const now = ctx.clock.now();
    return {
      stages: stages
        ? assertStages(
            stages.map((stage) => createStage(stage, now)),
            'stages.',
          )
        : initialStages(now),
      createdBy: actor.userId,
    };
  },
  revise:
    (ctx, change, { stages, isDefault }) =>
    ({ isDefault: was, stages: current }) => {
      if (was && isDefault === false)
        throw invalid('isDefault', 'Make another pipeline the default; this one ceases to be it then');
      const set = { ...change.set };
      if (stages) set.stages = changeStages(current, stages, ctx.clock.now());
      if (isDefault) set.defaultKey = isTheDefault;
      return { ...change, set };
    },
});

/** Runs a change of pipelines, after which this process sees what it has made of them. */
async function changing<R>(ctx: Context, workspaceId: ObjectId, change: () => Promise<R>): Promise<R> {
  try {
    return await change();
  } finally {
    forgetBoard(ctx, workspaceId);
  }
}

export const pipelineService: RecordService<PipelineTypes> = {
  ...plain,
  create: (ctx, caller, draft, idempotency) =>
    changing(ctx, caller.workspace._id, () => plain.create(ctx, caller, draft, idempotency)),
  update: (ctx, caller, id, body, request) =>
    changing(ctx, caller.workspace._id, async () => {
      const update = () => plain.update(ctx, caller, id, body, request);
      return body.isDefault ? makeDefault(ctx, caller, id, update) : update();
    }),
  /** @throws AppError conflict while it has open deals, and for the last one */
  async archive(ctx, { actor }, id) {
    const pipeline = await plain.get(ctx, actor.workspaceId, id);
    return pipeline.archived ? pipeline : (await close(ctx, actor, { pipelineId: id }, undefined)).pipeline;
  },
};

export const {
  create: createPipeline,
  update: updatePipeline,
  archive: archivePipeline,
  find: findPipeline,
  get: getPipeline,
} = pipelineService;

/** Each attempt that fails met another pipeline that has become the default just now. */
const attemptsMax = 5;

/**
 * Takes the default from the pipeline that has it and gives it to another. A unique index keeps it from being given
 * twice; between the two writes nobody has it, and then it is the oldest's (see board.ts).
 */
async function makeDefault(
  ctx: Context,
  { actor }: Caller,
  id: ObjectId,
  update: () => Promise<Pipeline>,
): Promise<Pipeline> {
  const { archived } = await plain.get(ctx, actor.workspaceId, id);
  for (let attempt = 1; ; attempt += 1) {
    if (!archived) await releaseDefault(ctx, actor, id);
    try {
      return await update();
    } catch (error) {
      const isTaken = error instanceof AppError && error.code === 'conflict' && !archived;
      if (!isTaken || attempt >= attemptsMax) throw error;
    }
  }
}

async function releaseDefault(ctx: Context, author: Author, heirId: ObjectId): Promise<void> {
  const holder = await pipelineEntity
    .collection(ctx.db)
    .findOne(author.workspaceId, { defaultKey: isTheDefault, archived: false }, { hint: 'unique_default' });
  if (!holder || holder._id.equals(heirId)) return;
  await updateRecord(ctx, pipelineEntity, author, holder._id, ({ isDefault }) =>
    isDefault ? { set: { isDefault: false }, unset: ['defaultKey'] } : undefined,
  );
}

/** A stage with its number from 1 on. */
export interface StagePlace {
  pipeline: Pipeline;
  stage: Stage;
  index: number;
}

/** @throws AppError not_found */
export function stageOf(pipeline: Pipeline, stageId: string): StagePlace {
  const index = pipeline.stages.findIndex((stage) => stage.stageId === stageId.toLowerCase());
  const stage = pipeline.stages[index];
  if (!stage) throw notFound('Stage');
  return { pipeline, stage, index };
}

/** Adds a stage at a position, from 1 on, or at the end. @throws AppError not_found, conflict, invalid */
export async function addStage(
  ctx: Context,
  author: Author,
  pipelineId: ObjectId,
  { position, ...given }: StageInput & { position?: number | undefined },
): Promise<StagePlace> {
  const stage = { ...createStage(given, ctx.clock.now()), createdBy: author.userId };
  const pipeline = await changing(ctx, author.workspaceId, () =>
    updateRecord(ctx, pipelineEntity, author, pipelineId, ({ stages }) => ({
      set: { stages: assertStages(placed(stages, stage, position ?? stages.length + 1)) },
    })),
  );
  return stageOf(pipeline, stage.stageId);
}

/** Changes a stage, and its position where that is given. @throws AppError not_found, conflict, invalid */
export async function changeStageOf(
  ctx: Context,
  author: Author,
  pipelineId: ObjectId,
  stageId: string,
  { position, ...given }: Partial<StageInput> & { position?: number | undefined },
): Promise<StagePlace> {
  const pipeline = await changing(ctx, author.workspaceId, () =>
    updateRecord(ctx, pipelineEntity, author, pipelineId, (current) => {
      const { stage, index } = stageOf(current, stageId);
      const changed = changeStage(stage, given, ctx.clock.now());
      const others = current.stages.filter((one) => one !== stage);
      return { set: { stages: assertStages(placed(others, changed, position ?? index + 1)) } };
    }),
  );
  return stageOf(pipeline, stageId);
}

const placed = (stages: Stage[], stage: Stage, position: number): Stage[] =>
  stages.toSpliced(position - 1, 0, stage);

/** Brings an archived pipeline back, as one that is not the default; one that is live stays as it is. @throws AppError not_found */
export const revivePipeline = (ctx: Context, author: Author, id: ObjectId): Promise<Pipeline> =>
  changing(ctx, author.workspaceId, () =>
    updateRecord(
      ctx,
      pipelineEntity,
      author,
      id,
      ({ archived }) =>
        archived
          ? { set: { archived: false, isDefault: false }, unset: ['archivedAt', 'closing', 'defaultKey'] }
          : undefined,
      { isArchivedToo: true, action: 'unarchived' },
    ),
  );
