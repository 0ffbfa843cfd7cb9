import { z } from 'zod';
import { cursor, filterText, limitOf } from '../../../lib/schemas.ts';
import { unitOut, unitStatuses } from './units.ts';

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

export type InventoryRow = z.output<typeof inventoryRow>;
export type AvailabilityRow = z.output<typeof availabilityRow>;

/** The document's inventory and availability have no parameters, so the first page is as long as a page can be. */
export const wholeListQuery = z.object({ limit: limitOf(100), cursor });

export const unitQuery = z.object({ tower: filterText, status: z.enum(unitStatuses).optional() });
