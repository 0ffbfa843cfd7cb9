import type { Context } from '../../../context.ts';
import { notFound } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { recordService } from '../../../records/api/service.ts';
import { applyChange, type Change } from '../../../records/change.ts';
import { listRecords } from '../../../records/list.ts';
import type { Page } from '../../../records/page.ts';
import { isAvailable, summariseUnits } from './availability.ts';
import { splitExtra } from './extra.ts';
import { type Property, propertyEntity } from './record.ts';
import type { Tower, Unit, UnitStatus } from './units.ts';

export const propertyService = recordService(propertyEntity, {
  unpack: (body) => {
    const { given, extra } = splitExtra(propertyEntity.fields, body);
    return { ...given, extra };
  },
  complete(_ctx, _caller, { units, extra: given = {} }) {
    const extra = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
    const unitSummary = summariseUnits(units);
    return { extra, unitSummary, isAvailable: isAvailable({ unitSummary, extra }) };
  },
  revise: (_ctx, change) => withAvailability(change),
});

export const { create: createProperty } = propertyService;

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
  const property = await propertyEntity.collection(ctx.db).findById(workspaceId, id, { projection });
  if (!property) throw notFound(propertyEntity.label);
  return property;
}
