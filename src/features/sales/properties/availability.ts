import type { Property } from './record.ts';
import type { Unit, UnitStatus, UnitSummary } from './units.ts';

/**
 * What there is to sell. A property with units has as many as are available; one without counts as a single unit of
 * its own. The client's own root field `status` speaks for the whole: a property marked sold or reserved (in any case)
 * has nothing available, whatever its units say.
 */
const unavailableStatuses = ['sold', 'reserved'] as const;

/** Counts and prices of the units; nothing without units. */
export function summariseUnits(units: readonly Unit[] | undefined): UnitSummary | undefined {
  if (!units?.length) return undefined;
  const summary: UnitSummary = { total: units.length, available: 0, reserved: 0, sold: 0 };
  for (const { status, price } of units) {
    summary[status] += 1;
    if (price === undefined) continue;
    summary.priceMin = Math.min(summary.priceMin ?? price, price);
    summary.priceMax = Math.max(summary.priceMax ?? price, price);
  }
  return summary;
}

/** The property's counts as the inventory shows them. */
export function inventoryOf(property: Pick<Property, 'unitSummary' | 'extra'>): UnitSummary {
  const whole = unavailableStatusOf(property.extra?.status);
  const units: UnitSummary = property.unitSummary ?? { total: 1, available: 1, reserved: 0, sold: 0 };
  if (!whole) return units;
  return { ...units, available: 0, reserved: 0, sold: 0, [whole]: units.total };
}

export const isAvailable = (property: Pick<Property, 'unitSummary' | 'extra'>): boolean =>
  inventoryOf(property).available > 0;

function unavailableStatusOf(status: unknown): UnitStatus | undefined {
  const text = typeof status === 'string' ? status.toLowerCase() : undefined;
  return unavailableStatuses.find((unavailable) => unavailable === text);
}
