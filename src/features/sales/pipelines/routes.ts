import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { envelope, idParams } from '../../../lib/schemas.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { boardOf } from '../boards/board.ts';
import { pipelineEntity } from '../boards/record.ts';
import { newStage, presentStage, stageOut, stagePatch } from '../boards/stages.ts';
import { type Closed, close } from './closing.ts';
import {
  addStage,
  changeStageOf,
  getPipeline,
  pipelineService,
  type StagePlace,
  stageOf,
} from './service.ts';

const config = { access: 'deal.write', module: 'deals', right: 'structure.change' } as const;
const tags = ['Pipelines'];
const ofStage = idParams('id', 'stageId');

const moveTo = z
  .object({
    moveToStageId: z.string().optional().describe('Where its deals go; without it there must be none'),
  })
  .optional();

/** What became of a removal: done, or under way in a job. */
const closed = z.object({
  success: z.literal(true).meta({ type: 'boolean' }),
  data: pipelineEntity.schemas.out,
  moved: z.int().describe('Deals that were moved by this request'),
});
const closing = z.object({ ...closed.shape, jobId: z.string().describe('The job that moves the deals') });

function answerClosed(reply: FastifyReply, { pipeline, moved, job }: Closed) {
  const answer = { success: true as const, data: pipelineEntity.present(pipeline), moved };
  if (!job) return answer;
  reply.code(202);
  return { ...answer, jobId: job._id.toHexString() };
}

const presentPlace = ({ stage, index }: StagePlace) => ({
  success: true as const,
  data: presentStage(stage, index),
});

export const pipelineRoutes: Routes = async (app, { ctx }) => {
  // A workspace begins with a pipeline, whoever asks first.
  app.addHook('preHandler', async ({ workspace }) => {
    await boardOf(ctx, workspace._id);
  });
  registerRecordRoutes(app, ctx, pipelineService);

  app.post(
    '/pipelines/:id/stages',
    {
      config,
      schema: {
        operationId: 'createStage',
        summary: 'Add a stage to a pipeline',
        tags,
        params: idParams('id'),
        body: newStage,
        response: { 201: envelope(stageOut) },
      },
    },
    async ({ actor, params, body }, reply) => {
      const id = requireId(params.id, pipelineEntity.label);
      reply.code(201);
      return presentPlace(await addStage(ctx, actor, id, body));
    },
  );

  app.patch(
    '/pipelines/:id/stages/:stageId',
    {
      config,
      schema: {
        operationId: 'patchStage',
        summary: 'Change a stage, or its position; deals that are in it stay as they are',
        tags,
        params: ofStage,
        body: stagePatch,
        response: { 200: envelope(stageOut) },
      },
    },
    async ({ actor, params, body }) => {
      const id = requireId(params.id, pipelineEntity.label);
      return presentPlace(await changeStageOf(ctx, actor, id, params.stageId, body));
    },
  );

  app.post(
    '/pipelines/:id/stages/:stageId/remove',
    {
      config,
      schema: {
        operationId: 'removeStage',
        summary: 'Remove a stage; its deals go to another of the pipeline, many of them in a job',
        tags,
        params: ofStage,
        body: moveTo,
        response: { 200: closed, 202: closing },
      },
    },
    async ({ actor, params, body }, reply) => {
      const pipelineId = requireId(params.id, pipelineEntity.label);
      const { stage } = stageOf(await getPipeline(ctx, actor.workspaceId, pipelineId), params.stageId);
      const subject = { pipelineId, stageId: stage.stageId };
      return answerClosed(reply, await close(ctx, actor, subject, body?.moveToStageId?.toLowerCase()));
    },
  );

  app.post(
    '/pipelines/:id/close',
    {
      config,
      schema: {
        operationId: 'closePipeline',
        summary: 'Archive a pipeline; its open deals go to a stage of another, many of them in a job',
        tags,
        params: idParams('id'),
        body: moveTo,
        response: { 200: closed, 202: closing },
      },
    },
    async ({ actor, params, body }, reply) => {
      const pipelineId = requireId(params.id, pipelineEntity.label);
      const pipeline = await getPipeline(ctx, actor.workspaceId, pipelineId);
      if (pipeline.archived) return answerClosed(reply, { pipeline, moved: 0 });
      return answerClosed(reply, await close(ctx, actor, { pipelineId }, body?.moveToStageId?.toLowerCase()));
    },
  );
};
