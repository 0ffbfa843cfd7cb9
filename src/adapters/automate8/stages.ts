import { z } from 'zod';
import type { Context } from '../../context.ts';
import { boardOf, findPlace, type Place } from '../../features/sales/boards/board.ts';
import { countDealsIn } from '../../features/sales/deals/queries.ts';
import { close } from '../../features/sales/pipelines/closing.ts';
import { addStage, changeStageOf } from '../../features/sales/pipelines/service.ts';
import type { Routes } from '../../http.ts';
import { invalid, notFound } from '../../lib/errors.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { filterText } from '../../lib/schemas.ts';
import { fromUuid } from '../../lib/uuid.ts';
import { conflict } from './errors.ts';
import { blockedOut } from './pipelines.ts';
import {
  dataOf,
  done,
  errorOut,
  failures,
  found,
  idParams,
  listOf,
  messageOut,
  optional,
  requireUuid,
  workspaceGiven,
} from './schema.ts';
import {
  stageChanges,
  stageInput,
  stageOut,
  toNativeStage,
  toNativeStageChanges,
  toStage,
} from './stage-map.ts';
import { stageTotals } from './totals.ts';

const tags = ['Stages'];
const module = 'deals';
const right = 'structure.change';

const stageQuery = z.object({
  pipeline_id: optional(filterText),
  workspace_id: optional(workspaceGiven),
});

const removal = z.object({
  moveToStageId: optional(z.string().max(100)).describe(
    'Another stage of the pipeline, for its opportunities',
  ),
  workspace_id: optional(workspaceGiven),
});

const removed = messageOut
  .extend({ opportunities_moved: z.int().optional(), target_stage: z.string().optional() })
  .meta({ id: 'StageRemoved' });

export const stageRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/api/pipeline/stages',
    {
      config: { access: 'automate8:stages:read', module },
      schema: {
        operationId: 'listStages',
        summary: 'List the stages of all active pipelines, or of one, in their order',
        tags,
        querystring: stageQuery,
        response: { 200: listOf(stageOut), ...failures },
      },
    },
    async ({ workspace, query }) => {
      const { pipelines } = await boardOf(ctx, workspace._id);
      const totals = await stageTotals(ctx, workspace);
      const wanted = query.pipeline_id === undefined ? undefined : fromUuid(query.pipeline_id);
      const chosen = pipelines.filter(({ _id }) => query.pipeline_id === undefined || wanted?.equals(_id));
      return found(
        chosen.flatMap((pipeline) => pipeline.stages.map((stage) => toStage(stage, pipeline, totals))),
      );
    },
  );

  app.post(
    '/api/pipeline/stages',
    {
      config: { access: 'automate8:stages:write', right, module },
      schema: {
        operationId: 'createStage',
        summary: 'Add a stage to a pipeline',
        tags,
        body: stageInput,
        response: { 201: dataOf(stageOut), ...failures, 409: errorOut },
      },
    },
    async ({ actor, workspace, body }, reply) => {
      const { pipelines } = await boardOf(ctx, workspace._id, { isFresh: true });
      const id = fromUuid(body.pipeline_id);
      const pipeline = pipelines.find(({ _id }) => id?.equals(_id));
      if (!pipeline) throw invalid('pipeline_id', 'There is no active pipeline with this id');
      assertNameFree(pipeline.stages, body.name);
      const added = await addStage(ctx, actor, pipeline._id, toNativeStage(body));
      reply.code(201);
      return found(toStage(added.stage, added.pipeline, await stageTotals(ctx, workspace)));
    },
  );

  app.put(
    '/api/pipeline/stages/:id',
    {
      config: { access: 'automate8:stages:write', right, module },
      schema: {
        operationId: 'updateStage',
        summary: 'Change a stage; another position shifts the others',
        tags,
        params: idParams,
        body: stageChanges,
        response: { 200: dataOf(stageOut), ...failures, 404: errorOut, 409: errorOut },
      },
    },
    async ({ actor, workspace, params, body }) => {
      const { pipeline, stage } = await requireStage(ctx, workspace._id, params.id);
      if (body.name !== undefined) {
        assertNameFree(
          pipeline.stages.filter((one) => one !== stage),
          body.name,
        );
      }
      const changes = toNativeStageChanges(body);
      const changed = await changeStageOf(ctx, actor, pipeline._id, stage.stageId, changes);
      return found(toStage(changed.stage, changed.pipeline, await stageTotals(ctx, workspace)));
    },
  );

  app.delete(
    '/api/pipeline/stages/:id',
    {
      config: { access: 'automate8:stages:delete', right, module },
      schema: {
        operationId: 'deleteStage',
        summary: 'Delete a stage; its opportunities move to another of the pipeline',
        tags,
        params: idParams,
        querystring: removal,
        response: { 200: removed, ...failures, 404: errorOut, 409: blockedOut },
      },
    },
    async ({ actor, workspace, params, query }) => {
      const { pipeline, stage } = await requireStage(ctx, workspace._id, params.id);
      const others = pipeline.stages.filter((one) => one !== stage && !one.closing);
      const target = query.moveToStageId === undefined ? undefined : targetIn(others, query.moveToStageId);
      const count = await countDealsIn(ctx, workspace._id, stage.stageId);
      if (others.length === 0) throw conflict('Cannot delete the last stage of a pipeline');
      if (count > 0 && !target) throw stillThere(count);
      const subject = { pipelineId: pipeline._id, stageId: stage.stageId };
      // What was deleted earlier is in no client's way, and goes on with its neighbours.
      await close(ctx, actor, subject, (target ?? others[0])?.stageId);
      const message = `Pipeline stage '${stage.name}' deleted successfully`;
      if (!target || count === 0) return done(message);
      return {
        ...done(`${message}. ${count} opportunities moved to '${target.name}'`),
        opportunities_moved: count,
        target_stage: target.name,
      };
    },
  );
};

type Stages = Place['pipeline']['stages'];

/** @throws AppError not_found */
async function requireStage(ctx: Context, workspaceId: ObjectId, uuid: string): Promise<Place> {
  const stageId = requireUuid(uuid, 'Stage').toHexString();
  const place = findPlace(await boardOf(ctx, workspaceId, { isFresh: true }), stageId);
  if (!place || place.stage.closing) throw notFound('Stage');
  return place;
}

/** @throws AppError conflict */
function assertNameFree(others: Stages, name: string): void {
  if (others.some((stage) => stage.name.toLowerCase() === name.toLowerCase()))
    throw conflict('A stage with this name already exists in this pipeline');
}

/** @throws AppError invalid */
function targetIn(others: Stages, uuid: string): Stages[number] {
  const id = fromUuid(uuid)?.toHexString();
  const target = others.find(({ stageId }) => stageId === id);
  if (!target) throw invalid('moveToStageId', 'Must be another stage of the pipeline');
  return target;
}

const stillThere = (count: number) =>
  conflict(
    'Cannot delete stage with active opportunities. Specify moveToStageId parameter or move opportunities first.',
    { opportunity_count: count },
  );
