import type { Feature } from '../../src/feature.ts';
import { recordRoutes } from '../../src/records/api/routes.ts';
import { recordService } from '../../src/records/api/service.ts';
import { type DocumentOf, entity, type OutOf, type PatchOf } from '../../src/records/entity/entity.ts';
import {
  choice,
  currencyOf,
  customFields,
  dateTime,
  longText,
  member,
  money,
  reference,
  tags,
  text,
} from '../../src/records/entity/kinds.ts';
import { address, day, number } from '../../src/records/entity/structured-kinds.ts';

/** An entity that the server does not have: all that a plain one takes. */
export const vehicleEntity = entity({
  name: 'vehicle',
  path: '/vehicles',
  bulk: true,
  fields: {
    plate: text({
      required: true,
      filter: true,
      unique: { index: 'unique_plate', reason: 'Duplicate plate' },
    }),
    name: text({ search: true, order: true }),
    colour: choice(['white', 'red'], { initial: 'white', filter: true }),
    price: money({
      min: 0,
      describe: "In the workspace's currency",
      order: { within: ['colour', 'leadId'] },
    }),
    tax: money({ initial: 0, min: 0, currency: 'taxCurrency' }),
    taxCurrency: currencyOf('tax'),
    boughtAt: dateTime({ order: true }),
    inspectionDate: day({ order: true }),
    kilometres: number({ min: 0, max: 10_000_000, step: 1 }, { order: true }),
    garage: address(),
    driverId: member({ title: 'Driver', filter: true }),
    leadId: reference('lead', { live: true, filter: true }),
    tags: tags({ filter: true }),
    notes: longText(),
    fields: customFields(),
    scrappedAt: dateTime({ managed: true }),
  },
});

export type Vehicle = DocumentOf<typeof vehicleEntity>;
export type VehiclePatch = PatchOf<typeof vehicleEntity>;
export type VehicleOut = OutOf<typeof vehicleEntity>;

export const vehicles: Feature = {
  name: 'vehicles',
  tags: [{ name: 'Vehicles', description: 'What the team drives' }],
  entities: [vehicleEntity],
  workspaceRoutes: [recordRoutes(recordService(vehicleEntity))],
};
