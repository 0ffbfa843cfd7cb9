import { z } from 'zod';
import { type DocumentOf, entity } from '../../../records/entity/entity.ts';
import {
  currencyOf,
  flag,
  internal,
  json,
  member,
  money,
  text,
  texts,
} from '../../../records/entity/kinds.ts';
import { withStorableExtra } from './extra.ts';
import { towerOut, towers, type UnitSummary, unitOut, units } from './units.ts';

const fields = {
  title: text({ required: true, search: true }),
  price: money({ required: true, min: 0, currency: 'currency' }),
  currency: currencyOf('price', { required: true }),
  propertyType: text({ required: true, filter: true }),
  salesType: texts({ required: true, filter: true }),
  subtype: text({ required: true, filter: true }),
  city: text({ required: true, filter: true }),
  state: text({ required: true, filter: true }),
  country: text({ required: true, filter: true }),
  area: text({ required: true, filter: true }),
  assignedTo: member({ filter: true }),
  towers: json({ given: towers, shown: z.array(towerOut) }),
  units: json({ given: units, shown: z.array(unitOut) }),
  /** Stands exactly while there are units; so nothing has to read thousands to count them. */
  unitSummary: internal<UnitSummary>(),
  /** Whether there is anything to sell (see availability.ts). */
  isAvailable: flag({ hidden: true, required: true, facet: true }),
  extra: internal<Record<string, unknown>>(),
};

/** What can be bought. A client's root fields of its own are kept in `extra`, so that neither can be taken for the other. */
export const propertyEntity = entity({
  name: 'property',
  path: '/properties',
  idParam: 'propertyId',
  fields,
  filters: { status: 'extra.status' },
  map: 'extra',
  // A project with thousands of units is one property; lists leave the units out.
  bytesMax: 1_024 * 1_024,
  refine: {
    input: (schema) =>
      withStorableExtra(fields, schema).describe(
        'Other root fields are stored and returned as they are, save names that begin with $ or hold a dot. ' +
          'A `status` of sold or reserved speaks for the whole property.',
      ),
    patch: (schema) => withStorableExtra(fields, schema),
    out: (schema) => schema.loose(),
  },
  // First, so that what the server knows wins.
  present: (shown, { extra }) => ({ ...extra, ...shown }),
});

export type Property = DocumentOf<typeof propertyEntity>;
