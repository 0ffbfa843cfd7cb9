import type { Context } from '../../../context.ts';
import { duplicateKeyFields } from '../../../infra/mongo-errors.ts';
import { AppError, notFound } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { type Page, pageByPosition } from '../../../records/page.ts';
import type { Actor, Author } from '../../../tenancy/actor.ts';
import type { JobKind } from './kind.ts';
import { announceJob, wakeJobs } from './lanes.ts';
import { type Job, type JobStatus, jobs } from './model.ts';

export { presentJob } from './present.ts';

/** More than a person begins, and few enough to be looked through. */
const underWayMax = 100;
/** How long one that has ended can be asked about. */
export const keptMs = 7 * 24 * 60 * 60 * 1_000;

export interface NewJob extends Pick<Job, 'kind' | 'subject'> {
  /** Fixed by a caller that refers to the job before it exists; of several with one id the first counts. */
  id?: ObjectId;
  input?: Record<string, unknown>;
  /** A second job with the key of one that is under way is that one. */
  key?: string;
  /** When it is begun at the earliest: for a job that is stored before what it follows from. */
  dueAt?: Date;
}

/**
 * Stores a job; from here on it is done, whatever dies meanwhile. Doing so again, with the same id or with the key of
 * one that is under way, gives the same job.
 */
export async function startJob(
  ctx: Context,
  { workspaceId, kind, id: authorId, contract }: Author,
  { id = new ObjectId(), input = {}, dueAt, ...given }: NewJob,
): Promise<Job> {
  const now = ctx.clock.now();
  const job: Job = {
    _id: id,
    workspaceId,
    ...given,
    input,
    author: { kind, id: authorId, contract },
    status: 'queued',
    step: 0,
    done: 0,
    failed: 0,
    attempts: 0,
    createdAt: now,
    updatedAt: now,
    dueAt: dueAt ?? now,
  };
  // Before the job: a lane that is due for nothing is looked at in vain, a job without its mark never.
  await announceJob(ctx, workspaceId);
  const stored = await insertOnce(ctx, job);
  if (stored.dueAt) await wakeJobs(ctx, workspaceId);
  return stored;
}

/** Has a job begun that was stored for later. */
export async function hastenJob(ctx: Context, { workspaceId, _id }: Job): Promise<void> {
  const isWaiting = { _id, status: 'queued' as const, dueAt: { $exists: true } };
  await jobs(ctx.db).updateOne(
    workspaceId,
    isWaiting,
    { $set: { dueAt: ctx.clock.now() } },
    { hint: '_id_' },
  );
  await wakeJobs(ctx, workspaceId);
}

/** Takes back a job that nobody has been told of. */
export async function dropJob(ctx: Context, { workspaceId, _id }: Job): Promise<void> {
  await jobs(ctx.db).deleteMany(workspaceId, { _id });
}

/** In whose name a job does what it does. */
export const authorOf = ({ author, workspaceId }: Pick<Job, 'author' | 'workspaceId'>): Author => ({
  ...author,
  workspaceId,
});

async function insertOnce(ctx: Context, job: Job): Promise<Job> {
  const { _id, workspaceId, key } = job;
  const [error] = (await jobs(ctx.db).insertMany(workspaceId, [job])).values();
  if (!error) return job;
  if (!duplicateKeyFields(error)) throw error;
  const known =
    (await jobs(ctx.db).findById(workspaceId, _id)) ??
    (key === undefined ? null : await jobs(ctx.db).findOne(workspaceId, { key }, { hint: 'under_way' }));
  // The one with the key has just ended.
  return known ?? insertOnce(ctx, job);
}

/** To be asked before the change that owes a job is made. @throws AppError conflict when so many are under way already */
export async function assertRoomForJob(ctx: Context, workspaceId: ObjectId): Promise<void> {
  const underWay = { dueAt: { $exists: true } };
  const count = await jobs(ctx.db).count(workspaceId, underWay, { hint: 'due_jobs', limit: underWayMax });
  if (count < underWayMax) return;
  throw new AppError('conflict', {
    message: `The workspace has ${underWayMax} jobs under way; try again when some have ended`,
  });
}

/** @throws AppError not_found */
export async function getJob(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Job> {
  const job = await jobs(ctx.db).findById(workspaceId, id);
  if (!job) throw notFound('Job');
  return job;
}

export interface JobQuery {
  limit: number;
  cursor?: string | undefined;
  status?: JobStatus | undefined;
  type?: string | undefined;
}

/** The workspace's jobs, newest first. */
export const listJobs = (
  ctx: Context,
  workspaceId: ObjectId,
  { limit, cursor, status, type }: JobQuery,
): Promise<Page<Job>> =>
  pageByPosition(jobs(ctx.db), workspaceId, {
    filter: {},
    others: [...(status ? [{ status }] : []), ...(type ? [{ kind: type }] : [])],
    field: 'createdAt',
    direction: -1,
    hint: 'list',
    limit,
    cursor,
  });

export const kindOf = ({ features }: Context, { kind }: Pick<Job, 'kind'>): JobKind | undefined =>
  features.flatMap(({ jobs: kinds = [] }) => kinds).find(({ name }) => name === kind);

/**
 * Ends a job before its next slice; what is done stays done. Cancelling it again changes nothing.
 * @throws AppError not_found; insufficient_scope; conflict when it can't be cancelled or has come to another end
 */
export async function cancelJob(ctx: Context, actor: Actor, id: ObjectId): Promise<Job> {
  const { workspaceId } = actor;
  const job = await getJob(ctx, workspaceId, id);
  const scope = kindOf(ctx, job)?.cancelledWith;
  if (!scope) throw new AppError('conflict', { message: 'Such a job is always done to its end' });
  if (!actor.scopes.has(scope)) {
    throw new AppError('insufficient_scope', { message: `To cancel it takes the scope ${scope}` });
  }
  const underWay = { _id: id, dueAt: { $exists: true } };
  const end = endOf(ctx, { status: 'cancelled' });
  const cancelled = await jobs(ctx.db).findOneAndUpdate(workspaceId, underWay, end, { hint: { _id: 1 } });
  const ended = cancelled ?? (await getJob(ctx, workspaceId, id));
  if (ended.status === 'cancelled') return ended;
  throw new AppError('conflict', { message: `The job has ${ended.status} already` });
}

/** The update that ends a job. */
export function endOf(ctx: Context, set: Pick<Job, 'status'> & Partial<Job>) {
  const now = ctx.clock.now();
  const expiresAt = new Date(now.getTime() + keptMs);
  return {
    $set: { ...set, finishedAt: now, updatedAt: now, expiresAt },
    $unset: { dueAt: '', key: '', cursor: '' },
  } as const;
}
