import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { envelope, idParams, pageOf, workspaceParams } from '../../../lib/schemas.ts';
import { presentJob } from './present.ts';
import { jobOut, jobsQuery } from './schema.ts';
import { cancelJob, getJob, listJobs } from './service.ts';

const tags = ['Jobs'];
const config = { access: 'metadata.read' } as const;
const params = idParams('jobId');

export const jobRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/jobs',
    {
      config,
      schema: {
        operationId: 'listJobs',
        summary: 'List jobs, those that ended in the last seven days included, newest first',
        tags,
        params: workspaceParams,
        querystring: jobsQuery,
        response: { 200: pageOf(jobOut) },
      },
    },
    async ({ workspace, query }) => {
      const { records, nextCursor } = await listJobs(ctx, workspace._id, query);
      return { success: true as const, data: records.map(presentJob), nextCursor };
    },
  );

  app.get(
    '/jobs/:jobId',
    {
      config,
      schema: {
        operationId: 'getJob',
        summary: 'How far a job has come',
        tags,
        params,
        response: { 200: envelope(jobOut) },
      },
    },
    async ({ workspace, params }) => {
      const job = await getJob(ctx, workspace._id, requireId(params.jobId, 'Job'));
      return { success: true as const, data: presentJob(job) };
    },
  );

  app.post(
    '/jobs/:jobId/cancel',
    {
      // Which scope it takes depends on the job.
      config,
      schema: {
        operationId: 'cancelJob',
        summary: 'End a job before it is done, where that makes sense; what is done stays done',
        tags,
        params,
        response: { 200: envelope(jobOut) },
      },
    },
    async ({ actor, params }) => {
      const job = await cancelJob(ctx, actor, requireId(params.jobId, 'Job'));
      return { success: true as const, data: presentJob(job) };
    },
  );
};
