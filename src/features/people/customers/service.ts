import type { Context } from '../../../context.ts';
import { isDocumentTooLarge } from '../../../infra/mongo-errors.ts';
import { AppError, duplicate, invalid, notFound } from '../../../lib/errors.ts';
import { ObjectId, parseId } from '../../../lib/ids.ts';
import { toMoney } from '../../../lib/money.ts';
import { requirePhone } from '../../../lib/phone.ts';
import {
  type Caller,
  createRecord,
  type RecordService,
  type UpdateRequest,
} from '../../../records/api/service.ts';
import { changeOf } from '../../../records/change.ts';
import type { Created, IdempotencyRequest } from '../../../records/idempotency.ts';
import type { Entity, Managed } from '../../../records/record.ts';
import { updateRecord } from '../../../records/update.ts';
import { assertMembers } from '../../../tenancy/members/service.ts';
import { assertCustomFields } from '../../../tenancy/workspaces/custom-fields.ts';
import { hasProperty } from '../../sales/properties/service.ts';
import { convertLead, findLead } from '../leads/service.ts';
import { type Customer, customers } from './model.ts';
import { presentCustomer } from './present.ts';
import type { CustomerInput, CustomerPatch, CustomerUpdate } from './schema.ts';

export const customerEntity: Entity<Customer> = {
  label: 'Customer',
  collection: customers,
  facets: {
    name: 'words',
    email: 'email',
    phone: 'phone',
    mobileNumber: 'phone',
    assignedTo: 'value',
    leadId: 'value',
    selectedPropertyId: 'value',
    fields: 'map',
  },
  events: { created: 'customer.created', updated: 'customer.updated' },
  present: presentCustomer,
};

export const customerService: RecordService<Customer> = {
  prepare: prepareCustomer,
  update: updateCustomer,
  duplicateError: duplicateCustomer,
  afterCreate: async (ctx, workspaceId, customer) => {
    try {
      await convertLeadOf(ctx, workspaceId, customer._id);
    } catch (error) {
      const isRefused = error instanceof AppError && error.status < 500;
      if (!isRefused && !isDocumentTooLarge(error)) throw error;
      // The customer is there, whatever its lead has no room for; its event is parked, for a person to see.
      ctx.log.warn({ err: error, leadId: customer.leadId }, 'lead can not be converted');
    }
  },
};

async function prepareCustomer(
  ctx: Context,
  caller: Caller,
  input: CustomerInput,
): Promise<Omit<Customer, Managed>> {
  const { _id: workspaceId, currency } = caller.workspace;
  const { dealAmount, commissionAmount, ...rest } = input;
  assertCustomFields(caller.workspace, 'customer', input.fields, 'create');
  const lead = await requireLead(ctx, workspaceId, input.leadId);
  await assertMembers(ctx, workspaceId, 'assignedTo', input.assignedTo);
  return {
    ...rest,
    leadId: lead.toHexString(),
    selectedPropertyId: await propertyIdOf(ctx, workspaceId, input.selectedPropertyId),
    dealAmount: dealAmount === undefined ? undefined : toMoney(dealAmount, currency),
    commissionAmount: commissionAmount === undefined ? undefined : toMoney(commissionAmount, currency),
  };
}

/** Makes a lead a customer, or answers with what an earlier request with the same key made. @throws AppError */
export const createCustomer = (
  ctx: Context,
  caller: Caller,
  input: CustomerInput,
  idempotency?: IdempotencyRequest,
): Promise<Created<Customer>> =>
  createRecord(ctx, { entity: customerEntity, service: customerService }, caller, input, idempotency);

/** Changes a customer as PUT and PATCH do. @throws AppError */
export async function updateCustomer(
  ctx: Context,
  caller: Caller,
  id: ObjectId,
  body: CustomerUpdate | CustomerPatch,
  request: UpdateRequest,
): Promise<Customer> {
  const { _id: workspaceId, currency, defaultCountry } = caller.workspace;
  const { leadId, ...given } = body;
  if (leadId !== undefined) await assertSameLead(ctx, workspaceId, id, leadId);
  assertCustomFields(caller.workspace, 'customer', given.fields, 'change');
  await assertMembers(ctx, workspaceId, 'assignedTo', given.assignedTo ?? undefined);
  if (given.mobileNumber) requirePhone('mobileNumber', given.mobileNumber, defaultCountry);
  const change = changeOf(given, request);
  if (given.selectedPropertyId) {
    change.set.selectedPropertyId = await propertyIdOf(ctx, workspaceId, given.selectedPropertyId);
  }
  for (const name of ['dealAmount', 'commissionAmount'] as const) {
    const amount = given[name];
    if (typeof amount === 'number') change.set[name] = toMoney(amount, currency);
  }
  return updateRecord(ctx, customerEntity, workspaceId, id, change, { ifMatch: request.ifMatch });
}

/**
 * Makes the customer's lead converted; doing so again changes nothing. The process may die between the customer's
 * insert and this: the customer then still owes its `customer.created`, by which the sweep comes here (see
 * conversion.ts). A customer that was archived meanwhile converts nothing, as its lead may belong to another by now.
 */
export async function convertLeadOf(
  ctx: Context,
  workspaceId: ObjectId,
  customerId: ObjectId,
): Promise<void> {
  const customer = await customers(ctx.db).findById(workspaceId, customerId);
  if (!customer || customer.archived) return;
  await convertLead(ctx, workspaceId, new ObjectId(customer.leadId), customerId);
}

async function requireLead(ctx: Context, workspaceId: ObjectId, leadId: string): Promise<ObjectId> {
  const id = parseId(leadId);
  const lead = id && (await findLead(ctx, workspaceId, id));
  if (!lead || lead.archived) throw invalid('leadId', 'Must be the id of a live lead of this workspace');
  return lead._id;
}

/** @throws AppError not_found, or invalid when the customer belongs to another lead */
async function assertSameLead(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
  leadId: string,
): Promise<void> {
  const customer = await getCustomer(ctx, workspaceId, id);
  if (leadId.toLowerCase() !== customer.leadId) throw invalid('leadId', 'A customer stays with its lead');
}

async function propertyIdOf(
  ctx: Context,
  workspaceId: ObjectId,
  text: string | undefined,
): Promise<string | undefined> {
  if (text === undefined) return undefined;
  const id = parseId(text);
  if (!id || !(await hasProperty(ctx, workspaceId, id))) {
    throw invalid('selectedPropertyId', 'Must be the id of a property of this workspace');
  }
  return id.toHexString();
}

async function duplicateCustomer(
  ctx: Context,
  workspaceId: ObjectId,
  { leadId }: Pick<Customer, 'leadId'>,
): Promise<Error> {
  const existing = await customers(ctx.db).findOne(
    workspaceId,
    { leadId, archived: false },
    { hint: 'unique_lead' },
  );
  return duplicate(
    'The lead is a customer already',
    existing
      ? {
          customerId: existing._id.toHexString(),
          leadId: existing.leadId,
          name: existing.name,
          createdAt: existing.createdAt.toISOString(),
        }
      : undefined,
  );
}

/** @throws AppError not_found */
export async function getCustomer(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Customer> {
  const customer = await customers(ctx.db).findById(workspaceId, id);
  if (!customer) throw notFound('Customer');
  return customer;
}
