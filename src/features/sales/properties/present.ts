import { inventoryOf } from './availability.ts';
import type { Property } from './record.ts';
import { type AvailabilityRow, availableUnitsShownMax, type InventoryRow } from './schema.ts';

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
