import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, expectTypeOf, inject, it } from 'vitest';
import type { z } from 'zod';
import { features } from '../../src/features.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { entity } from '../../src/records/entity/entity.ts';
import type { Field } from '../../src/records/entity/field.ts';
import { flag, money, text } from '../../src/records/entity/kinds.ts';
import { eventTypes } from '../../src/records/entity/names.ts';
import { listRecordsByOffset } from '../../src/records/list.ts';
import { buildTenant, startServer, type TestServer } from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import { createLead, createRecord } from '../helpers/factories.ts';
import { recordCommands, withMonitoring } from '../helpers/queries.ts';
import { describeRecord } from '../helpers/record-suite.ts';
import { type Vehicle, type VehicleOut, type VehiclePatch, vehicleEntity, vehicles } from './vehicle.ts';

const server = {} as TestServer;
let commands: ReturnType<typeof recordCommands>;
beforeAll(async () => {
  const mongoUrl = withMonitoring(inject('mongoUrl'));
  Object.assign(server, await startServer({}, { features: [...features, vehicles], mongoUrl }));
  commands = recordCommands(server);
});
afterAll(() => server.close());
const events = useEvents(server);

const buildVehicle = (overrides: object = {}) => ({
  plate: `MH ${randomBytes(6).toString('hex')}`,
  ...overrides,
});

/** All that its file says gets it all that records have. */
describeRecord(server, {
  path: '/vehicles',
  label: 'Vehicle',
  read: 'vehicle.read',
  write: 'vehicle.write',
  build: () => buildVehicle({ name: 'The van' }),
  change: (n) => ({ name: `Version ${n}` }),
  required: ['plate'],
  invalid: [
    ['plate', ''],
    ['colour', 'blue'],
    ['price', -1],
    ['boughtAt', 'yesterday'],
    ['inspectionDate', '0001-01-01'],
    ['inspectionDate', '2026-02-30'],
    ['kilometres', -1],
    ['kilometres', 0.5],
    ['garage', { street: 'x'.repeat(301) }],
    ['driverId', '65b8c47f4e2cfc1df3a75111'],
    ['leadId', '65b8c47f4e2cfc1df3a75111'],
  ],
  operations: [{ method: 'post', path: '/vehicles/bulk', scope: 'vehicle.write' }],
});

describe('a declared entity', () => {
  it('has what its fields begin with, and shows what they hold', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant);
    const given = {
      price: 1_250_000.5,
      boughtAt: '2026-02-01T10:00:00.000Z',
      driverId: tenant.memberId,
      leadId: lead._id,
      tags: ['van'],
      fields: { axles: 2 },
    };
    const vehicle = await createRecord(tenant, '/vehicles', buildVehicle(given));
    expect(vehicle).toMatchObject({ ...given, colour: 'white' });
    expect(vehicle).not.toHaveProperty('scrappedAt');
    const stored = await vehicleEntity
      .collection(server.ctx.db)
      .findById(new ObjectId(tenant.workspaceId), new ObjectId(vehicle._id));
    expect(stored).toMatchObject({ price: { amount: '1250000.5', currency: 'INR' } });
    expect((await tenant.api.get('/metadata/tags')).body.data).toContain('van');
  });

  it('keeps an amount and its currency together', async () => {
    const tenant = await buildTenant(server);
    const { _id, ...created } = await createRecord(tenant, '/vehicles', buildVehicle());
    expect(created).toMatchObject({ tax: 0, taxCurrency: 'INR' });
    const patch = async (body: object) => (await tenant.api.patch(`/vehicles/${_id}`).send(body)).body.data;
    expect(await patch({ tax: 12.5 })).toMatchObject({ tax: 12.5, taxCurrency: 'INR' });
    expect(await patch({ taxCurrency: 'USD' })).toMatchObject({ tax: 12.5, taxCurrency: 'USD' });
    expect(await patch({ tax: 3 })).toMatchObject({ tax: 3, taxCurrency: 'USD' });
    const other = await createRecord(tenant, '/vehicles', buildVehicle({ tax: 7, taxCurrency: 'EUR' }));
    expect(other).toMatchObject({ tax: 7, taxCurrency: 'EUR' });
    expect(() => money({ currency: 'taxCurrency' })).toThrow(/required or have an initial value/);
  });

  it('changes parts of an object one by one', async () => {
    const tenant = await buildTenant(server);
    const garage = { street: '4 Hill Road', city: 'Mumbai' };
    const { _id } = await createRecord(tenant, '/vehicles', buildVehicle({ garage }));
    const send = async (method: 'patch' | 'put', body: object) =>
      (await tenant.api[method](`/vehicles/${_id}`).send(body)).body.data.garage;
    expect(await send('patch', { garage: { city: null, zip: '400050' } })).toEqual({
      street: '4 Hill Road',
      zip: '400050',
    });
    expect(await send('put', { plate: `MH ${_id}`, garage: { city: 'Pune' } })).toEqual({ city: 'Pune' });
    expect(await send('patch', { garage: null })).toBeUndefined();
  });

  it('finds its records by the fields that say so', async () => {
    const tenant = await buildTenant(server);
    const red = await createRecord(
      tenant,
      '/vehicles',
      buildVehicle({ colour: 'red', tags: ['van'], name: 'The van' }),
    );
    await createRecord(tenant, '/vehicles', buildVehicle({ fields: { axles: 3 } }));
    const find = async (query: string) => (await tenant.api.get(`/vehicles?${query}`)).body.data;
    for (const query of [
      'colour=red',
      'tag=van',
      'q=van',
      `plate=${encodeURIComponent(String(red.plate))}`,
    ]) {
      expect(await find(query)).toEqual([red]);
    }
    expect(await find('fields.axles=3')).toHaveLength(1);
    expect((await tenant.api.get('/vehicles?colour=blue')).status).toBe(422);
  });

  it('names the record that has its unique value, among those that are not archived', async () => {
    const tenant = await buildTenant(server);
    const first = await createRecord(tenant, '/vehicles', buildVehicle({ name: 'The van' }));
    const taken = { plate: first.plate };
    const answer = await tenant.api.post('/vehicles').send(taken);
    expect(answer.status).toBe(409);
    const { _id: vehicleId, plate, name, createdAt } = first;
    const duplicate = { vehicleId, plate, name, createdAt };
    expect(answer.body).toEqual({ success: false, error: 'Duplicate vehicle found', duplicate });
    const other = await createRecord(tenant, '/vehicles', buildVehicle());
    expect((await tenant.api.patch(`/vehicles/${other._id}`).send(taken)).body).toEqual(answer.body);
    const bulk = await tenant.api.post('/vehicles/bulk').send({ vehicles: [taken, buildVehicle(), {}] });
    expect(bulk.body.results).toMatchObject([
      { status: 'skipped', error: 'Duplicate plate' },
      { status: 'created' },
      { status: 'error' },
    ]);
    await tenant.api.post(`/vehicles/${first._id}/archive`);
    await createRecord(tenant, '/vehicles', taken);
  });

  it('clears what can be cleared', async () => {
    const tenant = await buildTenant(server);
    const { _id } = await createRecord(
      tenant,
      '/vehicles',
      buildVehicle({ price: 5, notes: 'x', name: 'y' }),
    );
    const patch = (body: object) => tenant.api.patch(`/vehicles/${_id}`).send(body);
    const { body } = await patch({ price: null, notes: null, name: null });
    for (const name of ['price', 'notes', 'name']) expect(body.data).not.toHaveProperty(name);
    for (const name of ['plate', 'colour']) expect((await patch({ [name]: null })).status).toBe(422);
  });

  it('owes the events that are called after it', async () => {
    const tenant = await buildTenant(server);
    const { _id } = await createRecord(tenant, '/vehicles', buildVehicle());
    await tenant.api.patch(`/vehicles/${_id}`).send({ colour: 'red' });
    expect(await events.of(_id)).toEqual(['vehicle.created', 'vehicle.updated']);
  });

  it('is in schema discovery, and takes fields of the workspace', async () => {
    const tenant = await buildTenant(server);
    const { vehicleFields } = (await tenant.api.get('/schema')).body.data;
    expect(vehicleFields.map(({ fieldKey }: { fieldKey: string }) => fieldKey)).toEqual([
      'plate',
      'name',
      'colour',
      'price',
      'tax',
      'taxCurrency',
      'boughtAt',
      'inspectionDate',
      'kilometres',
      'garage',
      'driverId',
      'leadId',
      'tags',
      'notes',
    ]);
    expect(vehicleFields).toContainEqual({
      fieldKey: 'driverId',
      displayName: 'Driver',
      type: 'text',
      required: false,
      isCustom: false,
    });
  });
});

/** What is asked of the database while this runs. */
async function commandsOf(work: () => Promise<unknown>) {
  await commands.plans();
  commands.sent();
  await work();
  return { sent: commands.sent(), plans: await commands.plans() };
}

describe('a declared order', () => {
  const given = [
    { name: 'Émile', price: 9.5, boughtAt: '2026-02-01T10:00:00.000Z' },
    { name: 'anton', price: 100, colour: 'red' },
    { name: 'Berta', price: 20, inspectionDate: '2026-05-01', kilometres: 1_000_000 },
    { inspectionDate: '2025-12-31', kilometres: 9 },
    { price: 20, boughtAt: '2025-02-01T10:00:00.000Z', kilometres: 50, colour: 'red' },
  ];
  /** Numbers of the given vehicles; those of equal value, and those without one, by age. */
  const orders: [sort: string, upwards: number[], lacking: number[]][] = [
    ['price', [0, 2, 4, 1], [3]],
    ['name', [1, 2, 0], [3, 4]],
    ['boughtAt', [4, 0], [1, 2, 3]],
    ['inspectionDate', [3, 2], [0, 1, 4]],
    ['kilometres', [3, 4, 2], [0, 1]],
  ];

  async function createGiven() {
    const tenant = await buildTenant(server);
    const made: Awaited<ReturnType<typeof createRecord>>[] = [];
    for (const body of given) made.push(await createRecord(tenant, '/vehicles', buildVehicle(body)));
    const numbersOf = (records: { _id: string }[]) =>
      records.map(({ _id }) => made.findIndex((one) => one._id === _id));
    const list = async (query: string) => {
      const pages: number[][] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { body } = await tenant.api.get(`/vehicles?${query}${cursor && `&cursor=${cursor}`}`);
        pages.push(numbersOf(body.data));
        cursor = body.nextCursor;
      }
      return pages;
    };
    return { tenant, made, list, numbersOf };
  }

  it('puts what has no value last, whichever way it goes, page by page', async () => {
    const { list, tenant, numbersOf } = await createGiven();
    for (const [sort, upwards, lacking] of orders) {
      const wanted = {
        [sort]: [...upwards, ...lacking],
        [`-${sort}`]: [...upwards.toReversed(), ...lacking.toReversed()],
      };
      for (const [query, numbers] of Object.entries(wanted)) {
        for (const limit of [1, 2, 3, 5, 10]) {
          const pages = await list(`sort=${query}&limit=${limit}`);
          expect(pages.flat(), `${query} by ${limit}`).toEqual(numbers);
          expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
        }
        const byOffset: number[] = [];
        for (const offset of [0, 2, 4, 6]) {
          const page = await listRecordsByOffset(
            server.ctx,
            vehicleEntity,
            new ObjectId(tenant.workspaceId),
            {
              ...{ sort: query, limit: 2, offset, reader: 'someone' },
            },
          );
          expect(page.total).toBe(given.length);
          byOffset.push(...numbersOf(page.records.map(vehicleEntity.present)));
        }
        expect(byOffset, `${query} by offset`).toEqual(numbers);
      }
    }
  });

  it('bounds a list, which then is in that order', async () => {
    const { list, tenant } = await createGiven();
    expect(await list('minPrice=20&maxPrice=100')).toEqual([[1, 4, 2]]);
    expect(await list('minPrice=20&sort=price&limit=2')).toEqual([[2, 4], [1]]);
    expect(await list('boughtAfter=2025-02-01T10:00:00.000Z&boughtBefore=2026-02-01T10:00:00.000Z')).toEqual([
      [4],
    ]);
    expect(await list('inspectionAfter=2025-12-31&inspectionBefore=2026-05-01')).toEqual([[3]]);
    expect(await list('maxKilometres=50&colour=red')).toEqual([[4]]);
    expect(await list('minKilometres=10&sort=createdAt')).toEqual([[2, 4]]);
    for (const query of [
      'minPrice=much',
      'minPrice=',
      'boughtAfter=2026',
      'inspectionBefore=0001-01-01',
      'minPrice=1&minPrice=2',
    ]) {
      const answer = await tenant.api.get(`/vehicles?${query}`);
      expect(answer.status, query).toBe(422);
      expect(Object.keys(answer.body.details)).toEqual([query.split('=')[0]]);
    }
  });

  it('follows a change, and what is cleared goes to the end', async () => {
    const { list, tenant, made } = await createGiven();
    const change = (number: number, body: object) =>
      tenant.api.patch(`/vehicles/${made[number]?._id}`).send(body).expect(200);
    await change(0, { price: 1_000 });
    await change(1, { price: null, name: null });
    await change(3, { name: 'Aaron' });
    expect(await list('sort=-price')).toEqual([[0, 4, 2, 3, 1]]);
    expect(await list('sort=name')).toEqual([[3, 2, 0, 1, 4]]);
    await tenant.api.post(`/vehicles/${made[0]?._id}/archive`);
    expect(await list('sort=-price')).toEqual([[4, 2, 3, 1]]);
  });

  it('refuses a cursor that is of no place in it', async () => {
    const { tenant } = await createGiven();
    const next = async (query: string) =>
      (await tenant.api.get(`/vehicles?${query}&limit=1`)).body.nextCursor;
    const price = await next('sort=price');
    for (const sort of ['name', '-boughtAt', 'createdAt', 'inspectionDate']) {
      expect((await tenant.api.get(`/vehicles?sort=${sort}&cursor=${price}`)).status, sort).toBe(422);
    }
    // Of those without a price, which a list between two prices does not have.
    const last = (await tenant.api.get('/vehicles?sort=-price&limit=4')).body.nextCursor;
    expect((await tenant.api.get(`/vehicles?sort=-price&cursor=${last}`)).status).toBe(200);
  });

  it('is read from its index, and from the one of a filter within which it is declared', async () => {
    const { list, tenant } = await createGiven();
    const lead = await createLead(tenant);
    for (const price of [3, 1, 2])
      await createRecord(tenant, '/vehicles', buildVehicle({ price, leadId: lead._id }));
    const lookups: [query: string, index: string, returned: number][] = [
      ['sort=price', 'by_price', 8],
      ['sort=-price&colour=red', 'colour_by_price', 2],
      [`sort=price&leadId=${String(lead._id).toUpperCase()}`, 'leadId_by_price', 3],
      ['minPrice=2&maxPrice=3&colour=white', 'colour_by_price', 2],
      ['minPrice=50', 'by_price', 1],
      ['sort=name', 'by_name', 8],
    ];
    for (const [query, index, returned] of lookups) {
      const { plans } = await commandsOf(() => list(query));
      const ofVehicles = plans.filter(({ shape }) => shape.startsWith('find vehicles'));
      expect(ofVehicles.length, query).toBeGreaterThan(0);
      for (const { stages, rejected } of ofVehicles) {
        expect(stages, query).toContain(`IXSCAN ${index}`);
        expect(stages.join(), query).not.toContain('SORT');
        expect(rejected, query).toBe(0);
      }
      const examined = ofVehicles.reduce((sum, { keysExamined }) => sum + keysExamined, 0);
      expect(examined, query).toBeLessThanOrEqual(returned + 2);
    }
  });
});

describe('references', () => {
  it('of all rows of a bulk are read with one command', async () => {
    const tenant = await buildTenant(server);
    const [lead, archived] = [await createLead(tenant), await createLead(tenant)];
    await tenant.api.post(`/leads/${archived._id}/archive`);
    const foreign = await createLead(await buildTenant(server));
    const ids = [lead._id, archived._id, foreign._id, 'nonsense', String(lead._id).toUpperCase()];
    const rows = Array.from({ length: 50 }, (_, index) => buildVehicle({ leadId: ids[index % ids.length] }));
    let results: { status: string; error?: string }[] = [];
    const { sent } = await commandsOf(async () => {
      const answer = await tenant.api.post('/vehicles/bulk').send({ vehicles: [...rows, null, 'x', {}] });
      results = answer.body.results;
    });
    expect(sent.filter(({ find }) => find === 'leads')).toHaveLength(1);
    const refused = 'leadId: Must be the id of a live lead of this workspace';
    for (const [index, { status, error }] of results.slice(0, 50).entries()) {
      const isFit = index % ids.length === 0 || index % ids.length === 4;
      expect({ status, error }).toEqual(isFit ? { status: 'created' } : { status: 'error', error: refused });
    }
    expect(results.slice(50).map(({ status }) => status)).toEqual(['error', 'error', 'error']);
  });
});

describe('entity', () => {
  it('makes the types of its records', () => {
    expectTypeOf<Vehicle['plate']>().toEqualTypeOf<string>();
    expectTypeOf<Vehicle['boughtAt']>().toEqualTypeOf<Date | undefined>();
    expectTypeOf<Vehicle['price']>().toEqualTypeOf<{ amount: string; currency: string } | undefined>();
    expectTypeOf<VehicleOut['colour']>().toEqualTypeOf<'white' | 'red'>();
    expectTypeOf<VehicleOut['scrappedAt']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<VehiclePatch['notes']>().toEqualTypeOf<string | null | undefined>();
    expectTypeOf<VehiclePatch['colour']>().toEqualTypeOf<'white' | 'red' | undefined>();
    expectTypeOf<VehiclePatch>().not.toHaveProperty('scrappedAt');
  });

  it('names the components of the API document, and demands what its fields do', () => {
    const { input, patch, out } = vehicleEntity.schemas;
    const ids = [input, patch, out].map((schema) => schema.meta()?.id);
    expect(ids).toEqual(['VehicleInput', 'VehiclePatch', 'Vehicle']);
    const demanded = (schema: z.ZodType) => schema.safeParse({}).error?.issues.map(({ path }) => path[0]);
    expect(demanded(input)).toEqual(['plate']);
    expect(demanded(patch)).toBeUndefined();
    expect(demanded(out)).toEqual(['_id', 'workspaceId', 'plate', 'colour', 'tax', 'createdAt', 'updatedAt']);
  });

  it('shows a record from before a field was declared with what the field begins with', () => {
    const at = new Date();
    const [_id, workspaceId] = [new ObjectId(), new ObjectId()];
    const stored = { _id, workspaceId, plate: 'MH 1', createdAt: at, updatedAt: at, version: 1 };
    const shown = vehicleEntity.present({ ...stored, archived: false, facets: [] } as unknown as Vehicle);
    expect(shown.colour).toBe('white');
  });

  it('knows every event of every entity', () => {
    expect(eventTypes()).toEqual(
      expect.arrayContaining(['lead.created', 'task.completed', 'vehicle.updated']),
    );
    expect(eventTypes()).not.toContain('task.updated');
  });

  it('refuses a second entity of one name, a filter by what is kept by its words, and orders that there are not', () => {
    const declare = (name: string, field: Field) => () =>
      entity({
        name,
        path: `/${name}s`,
        fields: { field },
      });
    expect(declare('yard', flag({ order: true }))).toThrow('The values of field have no order');
    expect(declare('yard', text({ order: { within: ['field'] } }))).toThrow(/a reference or a choice/);
    expect(declare('vehicle', text())).toThrow('Two entities are called vehicle');
    expect(declare('ship', text({ search: true, filter: true }))).toThrow(/by its words/);
  });
});
