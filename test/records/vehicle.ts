import type { Feature } from '../../src/feature.ts';
import { recordRoutes } from '../../src/records/api/routes.ts';
import { recordService } from '../../src/records/api/service.ts';
import { type DocumentOf, entity, type OutOf, type PatchOf } from '../../src/records/entity/entity.ts';
import {
  choice,
  customFields,
  dateTime,
  longText,
  member,
  money,
  reference,
  tags,
  text,
} from '../../src/records/entity/kinds.ts';

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
    name: text({ search: true }),
    colour: choice(['white', 'red'], { initial: 'white', filter: true }),
    price: money({ min: 0, describe: "In the workspace's currency" }),
    boughtAt: dateTime(),
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
