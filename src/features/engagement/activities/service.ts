import type { Context } from '../../../context.ts';
import { notFound } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Caller } from '../../../records/api/service.ts';
import { eraseHistory } from '../../../records/history.ts';
import { type Created, createOnce, type IdempotencyRequest } from '../../../records/idempotency.ts';
import { insertRecord } from '../../../records/insert.ts';
import { listRecords } from '../../../records/list.ts';
import { type OffsetPage, pageByOffset } from '../../../records/offset.ts';
import type { Page } from '../../../records/page.ts';
import type { Managed } from '../../../records/record.ts';
import { getLead } from '../../people/leads/service.ts';
import { type Activity, type ActivityType, activityEntity, type Call, threadOf } from './record.ts';

export type NewActivity = Omit<Activity, Managed | 'leadId' | 'thread' | 'userId' | 'occurredAt'> & {
  occurredAt?: Date | undefined;
};

/**
 * Writes down an activity of a lead. A lead that is deleted meanwhile takes the activity with it: the deletion removes
 * the lead first and its activities then, and here the lead is looked for again once the activity is in place.
 * @throws AppError not_found
 */
export async function createActivity(
  ctx: Context,
  caller: Caller,
  leadId: ObjectId,
  input: NewActivity,
  idempotency?: IdempotencyRequest,
): Promise<Created<Activity>> {
  const workspaceId = caller.workspace._id;
  await getLead(ctx, workspaceId, leadId);
  const fields = {
    ...input,
    leadId,
    thread: threadOf(leadId, input.type),
    userId: caller.actor.id,
    occurredAt: input.occurredAt ?? ctx.clock.now(),
  };
  const created = await createOnce(ctx, activityEntity, workspaceId, idempotency, () =>
    insertRecord(ctx, activityEntity, caller.actor, fields, { idempotency }),
  );
  try {
    await getLead(ctx, workspaceId, leadId);
  } catch (error) {
    await eraseActivities(ctx, workspaceId, [created.record._id]);
    throw error;
  }
  return created;
}

/** A lead's activities, of one type or of all, newest first. @throws AppError not_found */
export async function listActivities(
  ctx: Context,
  workspaceId: ObjectId,
  leadId: ObjectId,
  query: { limit: number; cursor?: string | undefined; type?: ActivityType | undefined },
): Promise<Page<Activity>> {
  await getLead(ctx, workspaceId, leadId);
  const { limit, cursor, type } = query;
  const filters: Record<string, string> = type
    ? { thread: threadOf(leadId, type) }
    : { leadId: leadId.toHexString() };
  return listRecords(ctx, activityEntity, workspaceId, { limit, cursor, filters });
}

export interface CallQuery {
  limit: number;
  offset: number;
  /** Whose reading it is: the id of the actor. */
  reader: string;
  from: Date;
  before: Date;
  leadId?: ObjectId | undefined;
  direction?: Call['direction'] | undefined;
}

/** Calls of a span of time, of one lead or all, newest first. */
export function listCalls(
  ctx: Context,
  workspaceId: ObjectId,
  query: CallQuery,
): Promise<OffsetPage<Activity>> {
  const { limit, offset, reader, from, before, leadId, direction } = query;
  return pageByOffset(ctx, activityEntity.collection(ctx.db), workspaceId, {
    filter: {
      type: 'call',
      occurredAt: { $gte: from, $lt: before },
      ...(leadId ? { leadId } : {}),
    },
    others: direction ? [{ 'call.direction': direction }] : [],
    field: 'occurredAt',
    direction: -1,
    hint: leadId ? 'log_of_lead' : 'log',
    limit,
    offset,
    reader,
  });
}

const deletedTogether = 500;

/** Removes all of a lead's activities for good, as part of deleting the lead. */
export async function deleteActivitiesOfLead(
  ctx: Context,
  workspaceId: ObjectId,
  leadId: ObjectId,
): Promise<void> {
  const options = { limit: deletedTogether, hint: 'log_of_lead', projection: { workspaceId: 1 } };
  let ids: ObjectId[];
  do {
    const found = await activityEntity.collection(ctx.db).findPage(workspaceId, { leadId }, options);
    ids = found.map(({ _id }) => _id);
    await eraseActivities(ctx, workspaceId, ids);
  } while (ids.length === deletedTogether);
}

/**
 * Removes activities and their history, which goes first: a process that dies in between leaves activities that a
 * repetition finds. And again afterwards, for a row that was stored meanwhile.
 */
async function eraseActivities(ctx: Context, workspaceId: ObjectId, ids: ObjectId[]): Promise<number> {
  if (ids.length === 0) return 0;
  await eraseHistory(ctx.db, workspaceId, ids);
  const count = await activityEntity.collection(ctx.db).deleteMany(workspaceId, { _id: { $in: ids } });
  await eraseHistory(ctx.db, workspaceId, ids);
  return count;
}

/** @throws AppError not_found */
export async function deleteActivity(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
  type: ActivityType,
): Promise<void> {
  const activity = await activityEntity.collection(ctx.db).findById(workspaceId, id);
  if (activity?.type !== type || (await eraseActivities(ctx, workspaceId, [id])) === 0)
    throw notFound('Activity');
}
