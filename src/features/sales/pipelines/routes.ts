import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { envelope, idParams } from '../../../lib/schemas.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { boardOf } from '../boards/board.ts';
import { pipelineEntity } from '../boards/record.ts';
import { newStage, presentStage, stageOut, stagePatch } from '../boards/stages.ts';
import { addStage, changeStageOf, pipelineService, type StagePlace } from './service.ts';

const config = { access: 'deal.write', module: 'deals', right: 'structure.change' } as const;
const tags = ['Pipelines'];
const ofStage = idParams('id', 'stageId');

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
};
