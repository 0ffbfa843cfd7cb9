import type { Context } from '../../../context.ts';
import { invalid, notFound } from '../../../lib/errors.ts';
import { ObjectId, parseId } from '../../../lib/ids.ts';
import { type Caller, recordService } from '../../../records/api/service.ts';
import { entitiesOf } from '../../../records/entity/all.ts';
import { eraseHistory } from '../../../records/history.ts';
import { type Created, createOnce, type IdempotencyRequest } from '../../../records/idempotency.ts';
import { insertRecord } from '../../../records/insert.ts';
import { listRecords } from '../../../records/list.ts';
import { type OffsetPage, pageByOffset } from '../../../records/offset.ts';
import { type Page, pageByPosition } from '../../../records/page.ts';
import type { Actor } from '../../../tenancy/actor.ts';
import { getLead } from '../../people/leads/service.ts';
import {
  type Activity,
  type ActivityType,
  activityEntity,
  activityTypes,
  type Call,
  threadOf,
} from './record.ts';

/** Who did it, of which lead, and when. A record that is gone has no activities. */
export const activityService = recordService(activityEntity, {
  unpack: ({ recordId, ...body }) => ({ ...body, ...(recordId ? { recordId: recordId.toLowerCase() } : {}) }),
  async complete(ctx, { actor }, { recordType, recordId, type, occurredAt }) {
    const subject = { type: recordType, id: recordId };
    await assertSubject(ctx, actor, subject);
    return {
      userId: actor.id,
      occurredAt: occurredAt ?? ctx.clock.now(),
      ...(recordType === 'lead' ? ofLead(new ObjectId(recordId), type) : {}),
    };
  },
  async afterCreate(ctx, author, { _id, leadId }) {
    if (leadId) await assertLeadRemains(ctx, author.workspaceId, leadId, _id);
  },
});

/** @throws AppError invalid for a record that there is not, or that the caller may not see */
async function assertSubject(
  ctx: Context,
  actor: Actor,
  { type, id }: { type: string; id: string },
): Promise<void> {
  const entity = entitiesOf(ctx).find(({ name }) => name === type);
  const found =
    entity && actor.scopes.has(entity.scopes.read) && parseId(id)
      ? await entity.collection(ctx.db).findById(actor.workspaceId, new ObjectId(id))
      : undefined;
  if (!found) throw invalid('recordId', `Must be the id of a ${type} of this workspace`);
}

/** What an activity of a lead has besides: the routes of leads find it by that. */
const ofLead = (leadId: ObjectId, type: ActivityType) => ({ leadId, thread: threadOf(leadId, type) });

/**
 * A lead that is deleted meanwhile takes the activity with it: the deletion removes the lead first and its activities
 * then, and here the lead is looked for again once the activity is in place. @throws AppError not_found
 */
async function assertLeadRemains(
  ctx: Context,
  workspaceId: ObjectId,
  leadId: ObjectId,
  id: ObjectId,
): Promise<void> {
  try {
    await getLead(ctx, workspaceId, leadId);
  } catch (error) {
    await eraseActivities(ctx, workspaceId, [id]);
    throw error;
  }
}

export type NewActivity = Pick<Activity, 'type' | 'title' | 'description' | 'call'> & {
  occurredAt?: Date | undefined;
};

/** Writes down an activity of a lead, as its own routes do. @throws AppError not_found */
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
    ...ofLead(leadId, input.type),
    recordType: 'lead' as const,
    recordId: leadId.toHexString(),
    userId: caller.actor.id,
    occurredAt: input.occurredAt ?? ctx.clock.now(),
  };
  const created = await createOnce(ctx, activityEntity, workspaceId, idempotency, () =>
    insertRecord(ctx, activityEntity, caller.actor, fields, { idempotency }),
  );
  await assertLeadRemains(ctx, workspaceId, leadId, created.record._id);
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

/** What happened around a record, by the time at which it did, newest first. */
export const listActivitiesAbout = (
  ctx: Context,
  workspaceId: ObjectId,
  { type, id }: { type: string; id: ObjectId },
  page: { limit: number; cursor?: string | undefined },
): Promise<Page<Activity>> =>
  pageByPosition(activityEntity.collection(ctx.db), workspaceId, {
    ...page,
    // Each type is a range of the index, and they are merged in order.
    filter: {
      ...(type === 'lead' ? { leadId: id } : { recordId: id.toHexString() }),
      type: { $in: [...activityTypes] },
    },
    others: [],
    field: 'occurredAt',
    direction: -1,
    hint: type === 'lead' ? 'log_of_lead' : 'log_of_record',
    projection: { facets: 0, owed: 0, idempotency: 0 },
  });

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
    others: [
      ...(direction ? [{ 'call.direction': direction }] : []),
      // Calls about other records have no place here.
      ...(leadId ? [] : [{ leadId: { $exists: true } }]),
    ],
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
