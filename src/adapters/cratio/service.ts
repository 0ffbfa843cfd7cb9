import type { z } from 'zod';
import type { Context } from '../../context.ts';
import { deleteLead } from '../../features/data/erasure/service.ts';
import { createActivity, deleteActivity, listCalls } from '../../features/engagement/activities/service.ts';
import { createOrMergeLead } from '../../features/people/leads/merge.ts';
import type { Lead } from '../../features/people/leads/record.ts';
import { listLeadsByOffset } from '../../features/people/leads/service.ts';
import { AppError, invalid, notFound } from '../../lib/errors.ts';
import { type ObjectId, parseId } from '../../lib/ids.ts';
import { fromUuid, toUuid } from '../../lib/uuid.ts';
import type { Caller } from '../../records/api/service.ts';
import type { OffsetPage } from '../../records/offset.ts';
import { findMember, findMemberByEmail } from '../../tenancy/members/service.ts';
import {
  leadDefaults,
  nativeStatusesOf,
  spanOf,
  toCratioCall,
  toCratioLead,
  toNativeCall,
  toNativeDirection,
  toNativeLead,
  withoutRestatedStatus,
} from './map.ts';
import type { CallLogInput, CallLogOut, callLogQuery, LeadInput, LeadOut, leadQuery } from './schema.ts';

/** The contract's operations over the native services. */

const nothing = { total: 0, hasMore: false };

type Paging = { limit: number; offset: number };

export async function listLeads(
  ctx: Context,
  { actor, workspace }: Caller,
  query: z.output<typeof leadQuery>,
) {
  const span = requireSpan(query, ctx.clock.now());
  const assignee = query.assigned_to
    ? await findMemberByEmail(ctx, workspace._id, query.assigned_to)
    : undefined;
  if (assignee === null) return toList<LeadOut>(query, nothing, []);
  const known = [...workspace.leadStatuses, ...workspace.otherLeadStatuses];
  const filters = {
    ...(assignee ? { assignedTo: assignee.userId.toHexString() } : {}),
    ...(query.source ? { source: query.source } : {}),
    ...(query.status ? { status: nativeStatusesOf(query.status, known) } : {}),
    ...(query.priority ? { priority: query.priority } : {}),
  };
  const { limit, offset } = query;
  const page = await listLeadsByOffset(ctx, workspace._id, {
    limit,
    offset,
    reader: actor.id,
    filters,
    // Custom fields have no place in this contract.
    omit: ['fields'],
    createdAfter: span.from,
    createdBefore: span.before,
  });
  return toList(query, page, await Promise.all(page.records.map((lead) => present(ctx, lead))));
}

export async function createLead(ctx: Context, caller: Caller, input: LeadInput) {
  const assignedTo = await userIdOf(ctx, caller.workspace._id, input.assigned_to);
  const { lead, isNew } = await createOrMergeLead(ctx, caller, {
    given: toNativeLead(input, assignedTo),
    defaults: leadDefaults,
    withoutRestated: withoutRestatedStatus,
  });
  return { data: await present(ctx, lead), isNew };
}

export async function removeLead(ctx: Context, { actor }: Caller, uuid: string): Promise<void> {
  await deleteLead(ctx, actor, requireUuid(uuid, 'Lead'));
}

export async function listCallLogs(
  ctx: Context,
  { actor, workspace }: Caller,
  query: z.output<typeof callLogQuery>,
) {
  const span = requireSpan(query, ctx.clock.now());
  const leadId = query.lead_id === undefined ? undefined : fromUuid(query.lead_id);
  // A UUID that we never made is no lead's.
  if (query.lead_id !== undefined && !leadId) return toList<CallLogOut>(query, nothing, []);
  const { limit, offset, call_type: type } = query;
  const direction = type && toNativeDirection(type);
  const page = await listCalls(ctx, workspace._id, {
    limit,
    offset,
    reader: actor.id,
    ...span,
    leadId,
    direction,
  });
  return toList(query, page, page.records.map(toCratioCall));
}

export async function createCallLog(ctx: Context, caller: Caller, input: CallLogInput) {
  const leadId = fromUuid(input.lead_id);
  const unknownLead = () => invalid('lead_id', 'No such lead');
  if (!leadId) throw unknownLead();
  try {
    const { record } = await createActivity(ctx, caller, leadId, toNativeCall(input));
    return toCratioCall(record);
  } catch (error) {
    // The contract has no 404 here.
    throw error instanceof AppError && error.code === 'not_found' ? unknownLead() : error;
  }
}

export async function removeCallLog(ctx: Context, { workspace }: Caller, uuid: string): Promise<void> {
  await deleteActivity(ctx, workspace._id, requireUuid(uuid, 'Call log'), 'call');
}

async function present(ctx: Context, lead: Lead) {
  const userId = parseId(lead.assignedTo);
  const member = userId && (await findMember(ctx, lead.workspaceId, userId));
  return toCratioLead(lead, member?.email);
}

async function userIdOf(
  ctx: Context,
  workspaceId: ObjectId,
  email: string | undefined,
): Promise<string | undefined> {
  if (email === undefined) return undefined;
  const member = await findMemberByEmail(ctx, workspaceId, email);
  if (!member) throw invalid('assigned_to', "Must be a team member's email");
  return member.userId.toHexString();
}

function requireSpan(query: { from_date?: string | undefined; to_date?: string | undefined }, now: Date) {
  const span = spanOf(query, now);
  if (span.from >= span.before) throw invalid('from_date', 'Must not be after to_date');
  return span;
}

function requireUuid(uuid: string, what: string): ObjectId {
  const id = fromUuid(uuid);
  if (!id) throw notFound(what);
  return id;
}

const toList = <T>(
  { limit, offset }: Paging,
  page: Partial<OffsetPage<unknown>> & Pick<OffsetPage<unknown>, 'total' | 'hasMore'>,
  data: T[],
) => ({
  data,
  pagination: { limit: page.limit ?? limit, offset, total: page.total, has_more: page.hasMore },
});

/** The id as the caller wrote it, in the contract's spelling. */
export const canonicalUuid = (uuid: string): string => {
  const id = fromUuid(uuid);
  return id ? toUuid(id) : uuid;
};
