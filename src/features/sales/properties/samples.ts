import type { Context } from '../../../context.ts';
import type { Samples, SampleWorld } from '../../../feature.ts';
import { createProperty } from './service.ts';

export async function sampleProperties(ctx: Context, { caller }: SampleWorld): Promise<Samples> {
  const { record } = await createProperty(ctx, caller, {
    title: 'Ocean Breeze Apartments',
    price: 12_500_000,
    currency: 'INR',
    propertyType: 'Apartment',
    salesType: ['sale'],
    subtype: '3BHK',
    city: 'Mumbai',
    state: 'Maharashtra',
    country: 'India',
    area: 'Worli',
    towers: [{ towerId: 'A', name: 'Tower A' }],
    units: [
      { unitId: 'A-402', unitNumber: '402', tower: 'A', status: 'available', price: 12_500_000 },
      { unitId: 'A-403', unitNumber: '403', tower: 'A', status: 'sold', price: 12_900_000 },
    ],
  });
  return { properties: [record._id] };
}
