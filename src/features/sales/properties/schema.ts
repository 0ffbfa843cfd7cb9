import { z } from 'zod';
import { whyNotStorable } from '../../../lib/json-value.ts';
import {
  cursor,
  dateTimeOut,
  filterText,
  limitOf,
  nullable,
  shortText,
  storable,
} from '../../../lib/schemas.ts';
import { splitExtra } from './extra.ts';
import { unitStatuses } from './model.ts';

const towersMax = 200;
/** About as many as a body of 1 MiB holds. */
const unitsMax = 5_000;

const amount = z.number().min(0).max(1e13);

const tower = storable(z.looseObject({ towerId: shortText, name: shortText.optional() })).meta({
  id: 'TowerInput',
});

const unit = storable(
  z.looseObject({
    unitId: shortText,
    unitNumber: z.union([shortText, z.number()]).optional(),
    tower: shortText.optional().describe('Id or name of its tower'),
    status: z.enum(unitStatuses).default('available'),
    price: amount.optional(),
  }),
).meta({ id: 'UnitInput' });

/** Refuses a list in which two items bear one id. */
const withUniqueIds = <T extends z.ZodType<Record<string, unknown>[]>>(schema: T, id: string): T =>
  schema.superRefine((items, context) => {
    const seen = new Set<unknown>();
    for (const [index, item] of items.entries()) {
      if (seen.has(item[id])) {
        context.addIssue({ code: 'custom', path: [index, id], message: 'Given twice' });
        return;
      }
      seen.add(item[id]);
    }
  }) as T;

const towers = withUniqueIds(z.array(tower).max(towersMax), 'towerId');
const units = withUniqueIds(z.array(unit).max(unitsMax), 'unitId');

const required = {
  title: shortText,
  price: amount,
  currency: shortText,
  propertyType: shortText,
  salesType: z.array(shortText).max(20),
  subtype: shortText,
  city: shortText,
  state: shortText,
  country: shortText,
  area: shortText,
};

/** The client's own fields: everything at the root that has no meaning here. */
const withStorableExtra = <T extends z.ZodType<Record<string, unknown>>>(schema: T): T =>
  schema.superRefine((body, context) => {
    for (const [name, value] of Object.entries(splitExtra(body).extra)) {
      const reason = whyNotStorable({ [name]: value });
      if (reason) context.addIssue({ code: 'custom', path: [name], message: reason });
    }
  }) as T;

export const propertyInput = withStorableExtra(
  z.looseObject({
    ...required,
    assignedTo: z.string().optional().describe('User id of a team member'),
    towers: towers.optional(),
    units: units.optional(),
  }),
)
  .describe(
    'Other root fields are stored and returned as they are, save names that begin with $ or hold a dot. ' +
      'A `status` of sold or reserved speaks for the whole property.',
  )
  .meta({ id: 'PropertyInput' });

export const propertyPatch = withStorableExtra(
  z.looseObject({
    ...z.object(required).partial().shape,
    assignedTo: nullable(z.string()),
    towers: nullable(towers),
    units: nullable(units),
  }),
).meta({ id: 'PropertyPatch' });

export const towerOut = z
  .looseObject({ towerId: z.string(), name: z.string().optional() })
  .meta({ id: 'Tower' });

export const unitOut = z
  .looseObject({
    unitId: z.string(),
    unitNumber: z.union([z.string(), z.number()]).optional(),
    tower: z.string().optional(),
    status: z.enum(unitStatuses),
    price: z.number().optional(),
  })
  .meta({ id: 'Unit' });

const described = {
  _id: z.string(),
  title: z.string(),
  price: z.number(),
  currency: z.string(),
  propertyType: z.string(),
  salesType: z.array(z.string()),
  subtype: z.string(),
  city: z.string(),
  state: z.string(),
  country: z.string(),
  area: z.string(),
};

export const propertyOut = z
  .looseObject({
    ...described,
    workspaceId: z.string(),
    assignedTo: z.string().optional(),
    towers: z.array(towerOut).optional(),
    units: z.array(unitOut).optional(),
    archivedAt: dateTimeOut.optional(),
    createdAt: dateTimeOut,
    updatedAt: dateTimeOut,
  })
  .meta({ id: 'Property' });

export const inventoryRow = z
  .object({
    ...described,
    totalUnits: z.int().describe('A property without units counts as one'),
    available: z.int(),
    reserved: z.int(),
    sold: z.int(),
    priceMin: z.number().optional().describe('Lowest price of a unit'),
    priceMax: z.number().optional().describe('Highest price of a unit'),
  })
  .meta({ id: 'PropertyInventory' });

/** An answer of 100 properties stays within some megabytes. */
export const availableUnitsShownMax = 200;

export const availabilityRow = z
  .object({
    ...described,
    available: z.int().describe('Available units; a property without units counts as one'),
    units: z
      .array(unitOut)
      .describe(
        `The first ${availableUnitsShownMax} available units; …/units?status=available has all. ` +
          'Empty for a property without units',
      ),
  })
  .meta({ id: 'PropertyAvailability' });

export type PropertyInput = z.output<typeof propertyInput>;
export type PropertyPatch = z.output<typeof propertyPatch>;
export type PropertyOut = z.output<typeof propertyOut>;
export type InventoryRow = z.output<typeof inventoryRow>;
export type AvailabilityRow = z.output<typeof availabilityRow>;

/** The document's inventory and availability have no parameters, so the first page is as long as a page can be. */
export const wholeListQuery = z.object({ limit: limitOf(100), cursor });

export const unitQuery = z.object({ tower: filterText, status: z.enum(unitStatuses).optional() });

export const propertyFilters = {
  propertyType: { schema: filterText, field: 'propertyType' },
  salesType: { schema: filterText, field: 'salesType' },
  subtype: { schema: filterText, field: 'subtype' },
  city: { schema: filterText, field: 'city' },
  state: { schema: filterText, field: 'state' },
  country: { schema: filterText, field: 'country' },
  area: { schema: filterText, field: 'area' },
  assignedTo: { schema: filterText, field: 'assignedTo' },
  status: { schema: filterText, field: 'extra.status' },
};
