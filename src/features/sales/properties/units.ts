import { z } from 'zod';
import { shortText, storable } from '../../../lib/schemas.ts';

/** Towers and units carry whatever else the client gave them. */

const towersMax = 200;
/** About as many as a body of 1 MiB holds. */
const unitsMax = 5_000;

export const unitStatuses = ['available', 'reserved', 'sold'] as const;
export type UnitStatus = (typeof unitStatuses)[number];

const tower = storable(z.looseObject({ towerId: shortText, name: shortText.optional() })).meta({
  id: 'TowerInput',
});

const unit = storable(
  z.looseObject({
    unitId: shortText,
    unitNumber: z.union([shortText, z.number()]).optional(),
    tower: shortText.optional().describe('Id or name of its tower'),
    status: z.enum(unitStatuses).default('available'),
    price: z.number().min(0).max(1e13).optional(),
  }),
).meta({ id: 'UnitInput' });

export type Tower = z.output<typeof tower>;
export type Unit = z.output<typeof unit>;

/** What the inventory tells of the units. */
export interface UnitSummary extends Record<UnitStatus, number> {
  total: number;
  priceMin?: number;
  priceMax?: number;
}

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

export const towers = withUniqueIds(z.array(tower).max(towersMax), 'towerId');
export const units = withUniqueIds(z.array(unit).max(unitsMax), 'unitId');

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
