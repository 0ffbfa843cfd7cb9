import type { Context } from '../../../context.ts';
import { alone } from '../../../infra/alone.ts';
import { AppError, invalid, notFound } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import type { Caller } from '../../../records/api/service.ts';
import type { TimedChange } from '../../../records/update.ts';
import { updateRecord } from '../../../records/update.ts';
import type { Job } from '../jobs/model.ts';
import { assertRoomForJob, dropJob, getJob, hastenJob, startJob } from '../jobs/service.ts';
import type { Mergeable, MergedRecord } from './mergeable.ts';

/**
 * Makes one record of two. The moment of truth is one write, in which the other record is archived and names the one
 * that it became part of. Merges of an entity's records take turns, so none becomes part of one that is gone: neither
 * two merges of one pair, nor a circle of them, leave nobody. What follows from it is a job, which is stored first; it
 * waits until the write is made or can't be made any more.
 */

/** Longer than the longest merge takes to be written, its wait for others included. */
export const graceMs = 30_000;

export const mergeJobOf = ({ entity }: Mergeable): string => `${entity.name}.merge`;

/**
 * @param keptId the record that is left
 * @param givenId of the one that becomes part of it
 * @returns the job that has all that points at the other point at this one; for a merge that was made already, its own
 * @throws AppError not_found, invalid, conflict
 */
export async function mergeRecords(
  ctx: Context,
  { actor, workspace }: Caller,
  mergeable: Mergeable,
  keptId: ObjectId,
  givenId: ObjectId | undefined,
): Promise<Job> {
  const { entity } = mergeable;
  const { _id: workspaceId } = workspace;
  const { other } = await readBoth(ctx, mergeable, workspaceId, keptId, givenId);
  const { _id: otherId } = other;
  if (keptId.equals(otherId)) throw invalid('otherId', 'Must be another record');
  if (other.mergedInto === keptId.toHexString()) return jobOf(ctx, other);
  await assertRoomForJob(ctx, workspaceId);
  const job = await startJob(ctx, actor, {
    kind: mergeJobOf(mergeable),
    subject: { type: entity.name, id: otherId },
    input: { into: keptId },
    dueAt: new Date(ctx.clock.now().getTime() + graceMs),
  });
  const name = `${mergeable.lock ?? `merge-${entity.name}`}:${workspaceId.toHexString()}`;
  try {
    await alone(ctx.db, name, `${entity.names[1]} are being merged by too many at once`, async (until) => {
      const both = await readBoth(ctx, mergeable, workspaceId, keptId, otherId);
      if (both.kept.archived) throw new AppError('conflict', { message: `${entity.label} is archived` });
      await mergeable.assertCanMerge?.(ctx, both.kept, both.other);
      const set = {
        archived: true,
        archivedAt: ctx.clock.now(),
        mergedInto: keptId.toHexString(),
        mergeJobId: job._id,
      };
      const change: TimedChange = { set, until };
      await updateRecord(ctx, entity, actor, otherId, change, { isMark: true, action: 'merged' });
    });
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error;
    await dropJob(ctx, job);
    const { other: now } = await readBoth(ctx, mergeable, workspaceId, keptId, otherId);
    // Somebody else has asked for the same.
    if (now.mergedInto === keptId.toHexString()) return jobOf(ctx, now);
    throw error;
  }
  await hastenJob(ctx, job);
  return job;
}

async function readBoth(
  ctx: Context,
  { entity }: Mergeable,
  workspaceId: ObjectId,
  keptId: ObjectId,
  otherId: ObjectId | undefined,
): Promise<{ kept: MergedRecord; other: MergedRecord }> {
  const records = entity.collection(ctx.db);
  const [kept, other] = await Promise.all([
    records.findById(workspaceId, keptId),
    otherId ? records.findById(workspaceId, otherId) : null,
  ]);
  if (!kept) throw notFound(entity.label);
  if (other) return { kept, other };
  throw invalid('otherId', `Must be the id of a ${entity.label.toLowerCase()} of this workspace`);
}

/** @throws AppError conflict when it has ended so long ago that it is forgotten */
async function jobOf(ctx: Context, { workspaceId, mergeJobId = new ObjectId() }: MergedRecord): Promise<Job> {
  try {
    const job = await getJob(ctx, workspaceId, mergeJobId);
    // Whoever asked first may have died before it could say so.
    if (job.status === 'queued') await hastenJob(ctx, job);
    return job;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError('conflict', { message: 'The two have been merged long ago' });
  }
}

/** The live record that one has become part of, over however many merges; the last one where even that is archived. */
export async function followMerges(
  ctx: Context,
  { entity }: Mergeable,
  record: MergedRecord,
): Promise<MergedRecord> {
  const records = entity.collection(ctx.db);
  let last = record;
  // Merges make no circles, and each has its references followed in its own time: the way is short.
  while (last.mergedInto !== undefined) {
    const next = await records.findById(record.workspaceId, new ObjectId(last.mergedInto));
    if (!next) break;
    last = next;
  }
  return last;
}
