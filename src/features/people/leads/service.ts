import type { Context } from '../../../context.ts';
import { AppError, duplicate, notFound } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { toMoney } from '../../../lib/money.ts';
import { normalisePhone, requirePhone } from '../../../lib/phone.ts';
import {
  type Caller,
  createRecord,
  type RecordService,
  type UpdateRequest,
} from '../../../records/api/service.ts';
import { type Change, changeOf } from '../../../records/change.ts';
import { facet } from '../../../records/facets.ts';
import type { Created, IdempotencyRequest } from '../../../records/idempotency.ts';
import { listRecordsByOffset } from '../../../records/list.ts';
import type { OffsetPage } from '../../../records/offset.ts';
import type { Entity, Managed } from '../../../records/record.ts';
import { updateRecord } from '../../../records/update.ts';
import { assertMembers } from '../../../tenancy/members/service.ts';
import { assertCustomFields } from '../../../tenancy/workspaces/custom-fields.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { discoverMetadata } from '../../../tenancy/workspaces/service.ts';
import { type Lead, leads } from './model.ts';
import { presentLead } from './present.ts';
import type { LeadInput, LeadPatch } from './schema.ts';

export const leadEntity: Entity<Lead> = {
  label: 'Lead',
  collection: leads,
  facets: {
    name: 'words',
    mobileNumber: 'phone',
    email: 'email',
    status: 'value',
    leadStage: 'value',
    source: 'value',
    priority: 'value',
    tags: 'value',
    assignedTo: 'value',
    fields: 'map',
  },
  events: { created: 'lead.created', updated: 'lead.updated' },
  present: presentLead,
};

export const leadService: RecordService<Lead> = {
  prepare: prepareLead,
  update: updateLead,
  duplicateError: duplicateLead,
};

/** What a lead can be made of; the native contract demands a phone number, others are content with an email. */
export type LeadDraft = Partial<LeadInput> & Pick<LeadInput, 'name'>;

/** Checks a draft against the workspace and adds the defaults of a new lead. @throws AppError invalid */
export async function prepareLead(
  ctx: Context,
  caller: Caller,
  draft: LeadDraft,
): Promise<Omit<Lead, Managed>> {
  const { workspace } = caller;
  const { dealValue, ...input } = draft;
  assertCustomFields(workspace, 'lead', input.fields, 'create');
  await assertMembers(ctx, workspace._id, 'assignedTo', input.assignedTo);
  await discoverMetadata(ctx, workspace, {
    tags: input.tags,
    source: input.source,
    status: input.status,
  });
  return {
    ...input,
    mobileE164: input.mobileNumber === undefined ? undefined : phoneOf(workspace, input.mobileNumber),
    dealValue: dealValue === undefined ? undefined : toMoney(dealValue, workspace.currency),
    priority: input.priority ?? 'Medium',
    status: input.status ?? workspace.leadStatuses[0],
    leadStage: input.leadStage ?? workspace.leadStages[0]?.stageKey,
  };
}

/** Creates a lead, or answers with the one that an earlier request with the same key created. @throws AppError */
export const createLead = (
  ctx: Context,
  caller: Caller,
  input: LeadInput,
  idempotency?: IdempotencyRequest,
): Promise<Created<Lead>> =>
  createRecord(ctx, { entity: leadEntity, service: leadService }, caller, input, idempotency);

/** Changes a lead as PUT and PATCH do. @throws AppError */
export async function updateLead(
  ctx: Context,
  caller: Caller,
  id: ObjectId,
  body: Partial<LeadInput> | LeadPatch,
  request: UpdateRequest,
): Promise<Lead> {
  const { workspace } = caller;
  assertCustomFields(workspace, 'lead', body.fields, 'change');
  await assertMembers(ctx, workspace._id, 'assignedTo', body.assignedTo ?? undefined);
  await discoverMetadata(ctx, workspace, {
    tags: body.tags ?? undefined,
    source: body.source ?? undefined,
    status: body.status ?? undefined,
  });
  const change: Change = changeOf(body, request);
  if (body.mobileNumber !== undefined) change.set.mobileE164 = phoneOf(workspace, body.mobileNumber);
  if (typeof body.dealValue === 'number') change.set.dealValue = toMoney(body.dealValue, workspace.currency);
  return updateRecord(ctx, leadEntity, workspace._id, id, withClaim(change, body.email), {
    ifMatch: request.ifMatch,
    onDuplicate: () => duplicateLead(ctx, workspace._id, { mobileE164: String(change.set.mobileE164) }),
  });
}

/** The claim on an address ends with it; one that is only restated keeps its claim, and is no change. */
const withClaim =
  (change: Change, email: string | null | undefined) =>
  ({ emailKey }: Lead): Change => {
    if (email === undefined || emailKey === email?.toLowerCase()) return change;
    return { ...change, unset: [...(change.unset ?? []), 'emailKey'] };
  };

const phoneOf = (workspace: Workspace, mobileNumber: string): string =>
  requirePhone('mobileNumber', mobileNumber, workspace.defaultCountry);

async function duplicateLead(
  ctx: Context,
  workspaceId: ObjectId,
  fields: Pick<Lead, 'mobileE164'>,
): Promise<Error> {
  const existing = fields.mobileE164 ? await findLiveLead(ctx, workspaceId, fields.mobileE164) : null;
  return duplicate(
    'Duplicate lead found',
    existing
      ? {
          leadId: existing._id.toHexString(),
          name: existing.name,
          createdAt: existing.createdAt.toISOString(),
        }
      : undefined,
  );
}

/** The lead with this normalised number that is not archived. */
const findLiveLead = (ctx: Context, workspaceId: ObjectId, mobileE164: string): Promise<Lead | null> =>
  leads(ctx.db).findOne(workspaceId, { mobileE164, archived: false }, { hint: 'unique_phone' });

/** The live lead with this number, written in any way. */
export async function findLeadByPhone(
  ctx: Context,
  workspace: Workspace,
  phone: string,
): Promise<Lead | null> {
  const normalised = normalisePhone(phone, workspace.defaultCountry);
  return normalised ? findLiveLead(ctx, workspace._id, normalised) : null;
}

/** Live leads by limit and offset, newest first. */
export const listLeadsByOffset = (
  ctx: Context,
  workspaceId: ObjectId,
  query: Parameters<typeof listRecordsByOffset>[3],
): Promise<OffsetPage<Lead>> => listRecordsByOffset(ctx, leadEntity, workspaceId, query);

/** The oldest live lead with this address. */
export const findLeadByEmail = (ctx: Context, workspaceId: ObjectId, email: string): Promise<Lead | null> =>
  leads(ctx.db).findOne(
    workspaceId,
    { archived: false, facets: facet('email', email) },
    { hint: 'filtered_list', sort: { createdAt: 1, _id: 1 } },
  );

export const findLead = (ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Lead | null> =>
  leads(ctx.db).findById(workspaceId, id);

/** @throws AppError not_found */
export async function getLead(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Lead> {
  const lead = await findLead(ctx, workspaceId, id);
  if (!lead) throw notFound('Lead');
  return lead;
}

/**
 * Marks a lead as having become a customer. Once it has, doing so again changes nothing, so that a repetition never
 * undoes what people did to the lead since.
 */
export async function convertLead(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
  customerId: ObjectId,
): Promise<void> {
  const set = { status: 'converted', customerId: customerId.toHexString() };
  try {
    const revision = (lead: Lead) => (lead.customerId === set.customerId ? undefined : { set });
    await updateRecord(ctx, leadEntity, workspaceId, id, revision, { isMark: true });
  } catch (error) {
    // Archived or deleted meanwhile: there is nothing left to convert.
    const isGone = error instanceof AppError && (error.code === 'conflict' || error.code === 'not_found');
    if (!isGone) throw error;
  }
}
