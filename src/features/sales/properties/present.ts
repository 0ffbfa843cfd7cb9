import { inventoryOf } from './availability.ts';
import type { Property } from './model.ts';
import {
  type AvailabilityRow,
  availableUnitsShownMax,
  type InventoryRow,
  type PropertyOut,
} from './schema.ts';

/** What leaves the server as a property: in answers, in events, and as what adapters translate. */
export function presentProperty(property: Property): PropertyOut {
  return {
    // First, so that what the server knows wins.
    ...property.extra,
    ...describe(property),
    workspaceId: property.workspaceId.toHexString(),
    assignedTo: property.assignedTo,
    towers: property.towers,
    units: property.units,
    archivedAt: property.archivedAt?.toISOString(),
    createdAt: property.createdAt.toISOString(),
    updatedAt: property.updatedAt.toISOString(),
  };
}

export function presentInventory(property: Property): InventoryRow {
  const { total, ...counts } = inventoryOf(property);
  return { ...describe(property), totalUnits: total, ...counts };
}

export function presentAvailability(property: Property): AvailabilityRow {
  const units = property.units?.filter((unit) => unit.status === 'available') ?? [];
  return {
    ...describe(property),
    available: inventoryOf(property).available,
    units: units.slice(0, availableUnitsShownMax),
  };
}

const describe = (property: Property) => ({
  _id: property._id.toHexString(),
  title: property.title,
  price: Number(property.price.amount),
  currency: property.price.currency,
  propertyType: property.propertyType,
  salesType: property.salesType,
  subtype: property.subtype,
  city: property.city,
  state: property.state,
  country: property.country,
  area: property.area,
});
