import type { Context } from '../../context.ts';
import { AppError, duplicate, invalid, notFound } from '../../lib/errors.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { normalisePhone } from '../../lib/phone.ts';
import { changeOf } from '../../records/change.ts';
import type { Created, IdempotencyRequest } from '../../records/idempotency.ts';
import type { Entity, Managed } from '../../records/record.ts';
import { type Caller, createRecord, type RecordService, type UpdateRequest } from '../../records/routes.ts';
import { updateRecord } from '../../records/update.ts';
import { assertMembers } from '../members/service.ts';
import { assertCustomFields } from '../workspaces/custom-fields.ts';
import type { Workspace } from '../workspaces/model.ts';
import { discoverMetadata } from '../workspaces/service.ts';
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

async function prepareLead(ctx: Context, caller: Caller, input: LeadInput): Promise<Omit<Lead, Managed>> {
  const { workspace } = caller;
  assertCustomFields(workspace, 'lead', input.fields, 'create');
  await assertMembers(ctx, workspace._id, 'assignedTo', input.assignedTo);
  await discoverMetadata(ctx, workspace, {
    tags: input.tags,
    sources: input.source ? [input.source] : undefined,
  });
  return {
    ...input,
    mobileE164: phoneOf(workspace, input.mobileNumber),
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

async function updateLead(
  ctx: Context,
  caller: Caller,
  id: ObjectId,
  body: LeadInput | LeadPatch,
  request: UpdateRequest,
): Promise<Lead> {
  const { workspace } = caller;
  assertCustomFields(workspace, 'lead', body.fields, 'change');
  await assertMembers(ctx, workspace._id, 'assignedTo', body.assignedTo ?? undefined);
  await discoverMetadata(ctx, workspace, {
    tags: body.tags ?? undefined,
    sources: body.source ? [body.source] : undefined,
  });
  const change = changeOf(body, request);
  if (body.mobileNumber !== undefined) change.set.mobileE164 = phoneOf(workspace, body.mobileNumber);
  return updateRecord(ctx, leadEntity, workspace._id, id, change, {
    ifMatch: request.ifMatch,
    onDuplicate: () => duplicateLead(ctx, workspace._id, { mobileE164: String(change.set.mobileE164) }),
  });
}

function phoneOf(workspace: Workspace, mobileNumber: string): string {
  const normalised = normalisePhone(mobileNumber, workspace.defaultCountry);
  if (!normalised) throw invalid('mobileNumber', 'Must be a phone number');
  return normalised;
}

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

/** @throws AppError not_found */
export async function getLead(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Lead> {
  const lead = await leads(ctx.db).findById(workspaceId, id);
  if (!lead) throw notFound('Lead');
  return lead;
}

/** Marks a lead as having become a customer; doing so again changes nothing. */
export async function convertLead(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
  customerId: ObjectId,
): Promise<void> {
  const change = { set: { status: 'converted', customerId: customerId.toHexString() } };
  try {
    await updateRecord(ctx, leadEntity, workspaceId, id, change);
  } catch (error) {
    // Archived meanwhile: there is nothing left to convert.
    if (!(error instanceof AppError && error.code === 'conflict')) throw error;
  }
}
