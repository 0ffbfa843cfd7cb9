import type { Context } from '../../../context.ts';
import { notFound } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { toMoney } from '../../../lib/money.ts';
import {
  type Caller,
  createRecord,
  type RecordService,
  type UpdateRequest,
} from '../../../records/api/service.ts';
import { applyChange, type Change, changeOf } from '../../../records/change.ts';
import type { Created, IdempotencyRequest } from '../../../records/idempotency.ts';
import { listRecords } from '../../../records/list.ts';
import type { Page } from '../../../records/page.ts';
import type { Entity, Managed } from '../../../records/record.ts';
import { updateRecord } from '../../../records/update.ts';
import { assertMembers } from '../../../tenancy/members/service.ts';
import { isAvailable, summariseUnits } from './availability.ts';
import { splitExtra } from './extra.ts';
import { type Property, properties, type Tower, type Unit, type UnitStatus } from './model.ts';
import { presentProperty } from './present.ts';
import type { PropertyInput, PropertyPatch } from './schema.ts';

export const propertyEntity: Entity<Property> = {
  label: 'Property',
  collection: properties,
  facets: {
    title: 'words',
    propertyType: 'value',
    salesType: 'value',
    subtype: 'value',
    city: 'value',
    state: 'value',
    country: 'value',
    area: 'value',
    assignedTo: 'value',
    isAvailable: 'value',
    'extra.status': 'value',
  },
  // A project with thousands of units is one property; lists leave the units out.
  bytesMax: 1_024 * 1_024,
  events: { created: 'property.created', updated: 'property.updated' },
  present: presentProperty,
};

export const propertyService: RecordService<Property> = {
  prepare: prepareProperty,
  update: updateProperty,
};

async function prepareProperty(
  ctx: Context,
  caller: Caller,
  input: PropertyInput,
): Promise<Omit<Property, Managed>> {
  const { given, extra } = splitExtra(input);
  const { price, currency, ...fields } = given;
  await assertMembers(ctx, caller.workspace._id, 'assignedTo', fields.assignedTo);
  const own = Object.fromEntries(Object.entries(extra).filter(([, value]) => value !== null));
  const unitSummary = summariseUnits(fields.units);
  return {
    ...fields,
    price: toMoney(price, currency),
    unitSummary,
    isAvailable: isAvailable({ unitSummary, extra: own }),
    extra: own,
  };
}

/** Creates a property, or answers with the one that an earlier request with the same key created. @throws AppError */
export const createProperty = (
  ctx: Context,
  caller: Caller,
  input: PropertyInput,
  idempotency?: IdempotencyRequest,
): Promise<Created<Property>> =>
  createRecord(ctx, { entity: propertyEntity, service: propertyService }, caller, input, idempotency);

/** Changes a property as PUT and PATCH do; the client's own fields are merged like the others. @throws AppError */
export async function updateProperty(
  ctx: Context,
  caller: Caller,
  id: ObjectId,
  body: PropertyInput | PropertyPatch,
  request: UpdateRequest,
): Promise<Property> {
  const { given, extra } = splitExtra(body);
  const { price, currency, ...fields } = given;
  const { _id: workspaceId } = caller.workspace;
  await assertMembers(ctx, workspaceId, 'assignedTo', fields.assignedTo ?? undefined);
  const change: Change = changeOf({ ...fields, extra }, { ...request, map: 'extra' });
  if (price !== undefined) change.set['price.amount'] = String(price);
  if (currency !== undefined) change.set['price.currency'] = currency;
  return updateRecord(ctx, propertyEntity, workspaceId, id, withAvailability(change), {
    ifMatch: request.ifMatch,
  });
}

/** Of units and status a change may name one only; what there is to sell follows from both. */
const withAvailability =
  (change: Change) =>
  (property: Property): Change => {
    const { units, extra } = applyChange(property, change);
    const unitSummary = summariseUnits(units);
    const set = { ...change.set, unitSummary, isAvailable: isAvailable({ unitSummary, extra }) };
    return { ...change, set };
  };

/** Live properties, newest first, without what makes them large. */
export const listInventory = (
  ctx: Context,
  workspaceId: ObjectId,
  page: { limit: number; cursor?: string | undefined },
): Promise<Page<Property>> =>
  listRecords(ctx, propertyEntity, workspaceId, { ...page, omit: ['units', 'towers'] });

/** Live properties that have something to sell, newest first. */
export const listAvailable = (
  ctx: Context,
  workspaceId: ObjectId,
  page: { limit: number; cursor?: string | undefined },
): Promise<Page<Property>> =>
  listRecords(ctx, propertyEntity, workspaceId, {
    ...page,
    filters: { isAvailable: 'true' },
    omit: ['towers'],
  });

/** @throws AppError not_found */
export async function listUnits(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
  filter: { tower?: string | undefined; status?: UnitStatus | undefined },
): Promise<Unit[]> {
  const { units = [] } = await getPart(ctx, workspaceId, id, 'units');
  return units.filter(
    ({ tower, status }) =>
      (filter.tower === undefined || tower === filter.tower) &&
      (filter.status === undefined || status === filter.status),
  );
}

/** @throws AppError not_found */
export async function listTowers(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Tower[]> {
  return (await getPart(ctx, workspaceId, id, 'towers')).towers ?? [];
}

async function getPart(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
  part: 'units' | 'towers',
): Promise<Partial<Property>> {
  const projection = { workspaceId: 1, [part]: 1 };
  const property = await properties(ctx.db).findById(workspaceId, id, { projection });
  if (!property) throw notFound('Property');
  return property;
}

/** Whether the workspace has this property, archived or not. */
export async function hasProperty(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<boolean> {
  return (await properties(ctx.db).findById(workspaceId, id, { projection: { workspaceId: 1 } })) !== null;
}
