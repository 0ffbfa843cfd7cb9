import { z } from 'zod';
import { findPipelines } from '../../features/sales/boards/board.ts';
import { pipelineEntity } from '../../features/sales/boards/record.ts';
import { countOpenDeals } from '../../features/sales/deals/queries.ts';
import {
  archivePipeline,
  createPipeline,
  getPipeline,
  revivePipeline,
  updatePipeline,
} from '../../features/sales/pipelines/service.ts';
import type { Routes } from '../../http.ts';
import { notFound } from '../../lib/errors.ts';
import type { ObjectId } from '../../lib/ids.ts';
import type { Caller } from '../../records/api/service.ts';
import { conflict } from './errors.ts';
import {
  changeRequest,
  dataOf,
  done,
  errorOut,
  failures,
  found,
  idParams,
  listOf,
  liveIn,
  messageOut,
  optional,
  requireUuid,
  workspaceGiven,
} from './schema.ts';
import { pipelineChanges, pipelineInput, pipelineOut, toPipeline } from './stage-map.ts';
import { stageTotals } from './totals.ts';

const tags = ['Pipelines'];
const what = pipelineEntity.label;
const module = 'deals';
const right = 'structure.change';

export const blockedOut = errorOut.extend({ opportunity_count: z.int().optional() }).meta({ id: 'Blocked' });

export const pipelineRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/api/pipeline/pipelines',
    {
      config: { access: 'automate8:pipelines:read', module },
      schema: {
        operationId: 'listPipelines',
        summary: 'List active pipelines: the default first, then the oldest',
        tags,
        querystring: z.object({ workspace_id: optional(workspaceGiven) }),
        response: { 200: listOf(pipelineOut), ...failures },
      },
    },
    async ({ workspace }) => {
      const pipelines = await findPipelines(ctx, workspace._id);
      const totals = await stageTotals(ctx, workspace);
      return found(pipelines.map((pipeline, index) => toPipeline(pipeline, totals, index === 0)));
    },
  );

  app.post(
    '/api/pipeline/pipelines',
    {
      config: { access: 'automate8:pipelines:write', right, module, idempotent: true },
      schema: {
        operationId: 'createPipeline',
        summary: 'Create a pipeline with the stages New, Pending and Done',
        tags,
        body: pipelineInput,
        response: { 201: dataOf(pipelineOut), ...failures, 409: errorOut },
      },
    },
    async ({ actor, workspace, body, idempotency }, reply) => {
      const draft = { name: body.name, description: body.description };
      const { record } = await createPipeline(ctx, { actor, workspace }, draft, idempotency);
      reply.code(201);
      return found(toPipeline(record, await stageTotals(ctx, workspace)));
    },
  );

  app.put(
    '/api/pipeline/pipelines/:id',
    {
      config: { access: 'automate8:pipelines:write', right, module },
      schema: {
        operationId: 'updatePipeline',
        summary: 'Change a pipeline, or revive one that was deleted',
        tags,
        params: idParams,
        body: pipelineChanges,
        response: { 200: dataOf(pipelineOut), ...failures, 404: errorOut, 409: blockedOut },
      },
    },
    async ({ actor, workspace, params, body }) => {
      const caller = { actor, workspace };
      const { _id, archived } = await getPipeline(ctx, workspace._id, requireUuid(params.id, what));
      if (archived && !body.is_active) throw notFound(what);
      if (archived) await revivePipeline(ctx, actor, _id);
      const given = { name: body.name, description: body.description };
      const changed = await updatePipeline(ctx, caller, _id, given, changeRequest);
      const pipeline = body.is_active === false ? await deactivate(caller, _id) : changed;
      return found(toPipeline(pipeline, await stageTotals(ctx, workspace)));
    },
  );

  app.delete(
    '/api/pipeline/pipelines/:id',
    {
      config: { access: 'automate8:pipelines:delete', right, module },
      schema: {
        operationId: 'deletePipeline',
        summary: 'Deactivate a pipeline that has no open opportunities',
        tags,
        params: idParams,
        response: { 200: messageOut, ...failures, 404: errorOut, 409: blockedOut },
      },
    },
    async ({ actor, workspace, params }) => {
      const pipeline = await liveIn(ctx, workspace._id, params.id, getPipeline, what);
      await deactivate({ actor, workspace }, pipeline._id);
      return done(`Pipeline '${pipeline.name}' has been deactivated successfully`);
    },
  );

  /** @throws AppError conflict with the number of open opportunities, or for the last active pipeline */
  async function deactivate(caller: Caller, id: ObjectId) {
    const count = await countOpenDeals(ctx, caller.workspace._id, id);
    if (count > 0) throw stillOpen(count);
    return archivePipeline(ctx, caller, id);
  }
};

const stillOpen = (count: number) =>
  conflict(`Cannot delete pipeline with active opportunities. Move or delete ${count} opportunities first.`, {
    opportunity_count: count,
  });
