import type { Context } from '../../../context.ts';
import { isMongoUnavailable } from '../../../infra/mongo-errors.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Lane, Visit, Work } from '../../../work/work.ts';
import type { Slice } from './kind.ts';
import { jobLanes } from './lanes.ts';
import { type Job, jobs } from './model.ts';
import { endOf, kindOf } from './service.ts';

/** Jobs of one workspace that have a slice under way; the others take turns with them. */
const parallel = 3;
/** A slice that goes wrong is tried again after as many times this as it has gone wrong, and then no more. */
const retryMs = 2_000;
const attemptsMax = 8;

/** Does the slices of jobs, the job that has waited longest first. */
export const jobWork: Work<Lane, Job, void> = {
  ...jobLanes,
  open: async (ctx, lane) => visitOf(ctx, lane),
};

function visitOf(ctx: Context, { workspaceId }: Lane): Visit<Lane, Job, void> {
  const options = { sort: { dueAt: 1 }, hint: 'due_jobs' } as const;
  return {
    due: () =>
      jobs(ctx.db).find(
        workspaceId,
        { dueAt: { $lte: ctx.clock.now() } },
        { ...options, limit: 2 * parallel },
      ),
    process: (job) => doSlice(ctx, job),
    limit: () => parallel,
    nextDueAt: async () =>
      (await jobs(ctx.db).findOne(workspaceId, { dueAt: { $exists: true } }, options))?.dueAt,
  };
}

/** One slice, and what becomes of the job by it; undone when another process has done the same one meanwhile. */
async function doSlice(ctx: Context, job: Job): Promise<void> {
  const update = (change: object) => updateStep(ctx, job, change);
  if (job.status === 'queued') await update({ $set: { status: 'running', updatedAt: ctx.clock.now() } });
  let slice: Slice;
  try {
    const kind = kindOf(ctx, job);
    if (!kind) throw new Error(`No feature does ${job.kind}`);
    slice = await kind.slice(ctx, job);
  } catch (error) {
    if (isMongoUnavailable(error)) throw error;
    await update(afterFault(ctx, job, error));
    return;
  }
  await update(afterSlice(ctx, job, slice));
}

const updateStep = (ctx: Context, { _id, workspaceId, step }: Job, change: object): Promise<boolean> =>
  jobs(ctx.db).updateOne(workspaceId, { _id, step, dueAt: { $exists: true } }, change, { hint: '_id_' });

function afterSlice(
  ctx: Context,
  job: Job,
  { cursor, done = 0, failed = 0, total, resumeAt }: Slice,
): object {
  const counts = { step: job.step + 1, done: job.done + done, failed: job.failed + failed, attempts: 0 };
  if (!cursor) {
    // What came or went meanwhile makes the estimate wrong; the end knows.
    const isCounted = total !== undefined || job.total !== undefined;
    const last = { ...counts, ...(isCounted ? { total: counts.done + counts.failed } : {}) };
    return endOf(ctx, { status: 'completed', ...last });
  }
  const now = ctx.clock.now();
  const known = total === undefined ? {} : { total };
  return { $set: { ...counts, ...known, cursor, updatedAt: now, dueAt: resumeAt ?? now } };
}

function afterFault(ctx: Context, job: Job, error: unknown): object {
  const attempts = job.attempts + 1;
  const isDecided = error instanceof AppError && error.status < 500;
  if (!isDecided)
    ctx.log.error({ err: error, jobId: job._id.toHexString(), kind: job.kind }, 'a job goes wrong');
  if (isDecided || attempts >= attemptsMax) {
    const reason = isDecided ? error.message : 'It went wrong again and again';
    return endOf(ctx, { status: 'failed', error: reason, attempts });
  }
  const now = ctx.clock.now();
  return { $set: { attempts, updatedAt: now, dueAt: new Date(now.getTime() + attempts * retryMs) } };
}
