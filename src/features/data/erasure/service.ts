import type { Context } from '../../../context.ts';
import { AppError, notFound } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { eraseHistory, keepRow } from '../../../records/history.ts';
import type { Actor } from '../../../tenancy/actor.ts';
import { deleteActivitiesOfLead } from '../../engagement/activities/service.ts';
import { leadEntity } from '../../people/leads/record.ts';
import { getLead } from '../../people/leads/service.ts';
import { type AuditRow, auditRows } from '../../platform/audit/model.ts';

/**
 * Deletes a lead for good with its activities and the history of both, for contracts that promise that; the native one only archives. The
 * audit row comes first and stays unfinished until all is gone, so a process that dies in between leaves the rest to
 * the sweep. @throws AppError not_found
 */
export async function deleteLead(ctx: Context, actor: Actor, id: ObjectId): Promise<void> {
  await getLead(ctx, actor.workspaceId, id);
  const row: AuditRow = {
    _id: new ObjectId(),
    workspaceId: actor.workspaceId,
    action: 'lead.deleted',
    recordId: id,
    actorId: actor.id,
    author: { kind: actor.kind, ...(actor.contract ? { contract: actor.contract } : {}) },
    at: ctx.clock.now(),
    isUnfinished: true,
  };
  await auditRows(ctx.db).insertOne(actor.workspaceId, row);
  const isMine = await removeLead(ctx, actor.workspaceId, id);
  if (isMine) return finishDeletion(ctx, row);
  // Another request was quicker, and the deletion is in its row.
  await deleteActivitiesOfLead(ctx, actor.workspaceId, id);
  await auditRows(ctx.db).deleteMany(actor.workspaceId, { _id: row._id });
  throw notFound('Lead');
}

const attemptsMax = 20;

/** Removes the lead once it owes nothing any more. @returns whether it was this call that did */
async function removeLead(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<boolean> {
  const collection = leadEntity.collection(ctx.db);
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const lead = await collection.findById(workspaceId, id);
    if (!lead) return false;
    await ctx.relay.settle(collection.name, lead);
    if ((await collection.deleteMany(workspaceId, { _id: id, owed: { $exists: false } })) > 0) return true;
  }
  throw new AppError('unavailable', {
    message: 'The lead is being changed by too many at once',
    headers: { 'Retry-After': '1' },
  });
}

/** The lead goes first: an activity that is being written looks for its lead afterwards. */
async function finishDeletion(ctx: Context, row: AuditRow): Promise<void> {
  const { workspaceId, recordId } = row;
  await removeLead(ctx, workspaceId, recordId);
  await deleteActivitiesOfLead(ctx, workspaceId, recordId);
  await eraseHistory(ctx.db, workspaceId, [recordId]);
  await keepDeletion(ctx, row);
  await auditRows(ctx.db).updateOne(workspaceId, { _id: row._id }, { $unset: { isUnfinished: '' } });
}

/** That there was such a lead, and who deleted it, is all that its history tells from now on. */
const keepDeletion = (
  ctx: Context,
  { _id, workspaceId, recordId, actorId, author, at }: AuditRow,
): Promise<void> =>
  keepRow(ctx.db, {
    _id,
    workspaceId,
    record: { type: leadEntity.name, id: recordId },
    action: 'deleted',
    changes: [],
    actor: { kind: author?.kind ?? 'apiKey', id: actorId },
    contract: author?.contract,
    at,
  });

/** Longer than a deletion takes. */
const abandonedAfterMs = 10_000;

/** Finishes deletions whose process died; they are the system's to finish, so it reads across workspaces. */
export async function sweepDeletions(ctx: Context, signal: AbortSignal): Promise<void> {
  const before = new Date(ctx.clock.now().getTime() - abandonedAfterMs);
  const rows = await auditRows(ctx.db)
    .acrossTenants.find({ isUnfinished: true, at: { $lt: before } }, { limit: 100, hint: 'unfinished' })
    .toArray();
  for (const row of rows) {
    if (signal.aborted) return;
    try {
      await finishDeletion(ctx, row as AuditRow);
    } catch (error) {
      ctx.log.warn(
        { err: error, recordId: row.recordId.toHexString() },
        'deletion not finished; the sweep repeats it',
      );
    }
  }
}
