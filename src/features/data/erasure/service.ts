import type { Context } from '../../../context.ts';
import { ObjectId } from '../../../lib/ids.ts';
import type { Actor } from '../../../tenancy/actor.ts';
import { deleteActivitiesOfLead } from '../../engagement/activities/service.ts';
import { leads } from '../../people/leads/model.ts';
import { getLead } from '../../people/leads/service.ts';
import { type AuditRow, auditRows } from '../../platform/audit/model.ts';

/**
 * Deletes a lead for good with its activities, for contracts that promise that; the native one only archives. The
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
    at: ctx.clock.now(),
    isUnfinished: true,
  };
  await auditRows(ctx.db).insertOne(actor.workspaceId, row);
  await finishDeletion(ctx, row);
}

/** The lead goes first: an activity that is being written looks for its lead afterwards. */
async function finishDeletion(ctx: Context, row: AuditRow): Promise<void> {
  const { workspaceId, recordId } = row;
  await leads(ctx.db).deleteMany(workspaceId, { _id: recordId });
  await deleteActivitiesOfLead(ctx, workspaceId, recordId);
  await auditRows(ctx.db).updateOne(workspaceId, { _id: row._id }, { $unset: { isUnfinished: '' } });
}

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
    await finishDeletion(ctx, row as AuditRow);
  }
}
