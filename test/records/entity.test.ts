import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { features } from '../../src/features.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { entity } from '../../src/records/entity/entity.ts';
import { text } from '../../src/records/entity/kinds.ts';
import { eventTypes } from '../../src/records/entity/names.ts';
import { buildTenant, startServer, type TestServer } from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import { createLead, createRecord } from '../helpers/factories.ts';
import { describeRecord } from '../helpers/record-suite.ts';
import { type Vehicle, type VehicleOut, type VehiclePatch, vehicleEntity, vehicles } from './vehicle.ts';

const server = {} as TestServer;
beforeAll(async () => {
  Object.assign(server, await startServer({}, { features: [...features, vehicles] }));
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
      'boughtAt',
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
    expect(demanded(out)).toEqual(['_id', 'workspaceId', 'plate', 'colour', 'createdAt', 'updatedAt']);
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

  it('refuses a second entity of one name, and a filter by what is kept by its words', () => {
    const declare = (name: string, field: ReturnType<typeof text>) => () =>
      entity({
        name,
        path: `/${name}s`,
        fields: { field },
      });
    expect(declare('vehicle', text())).toThrow('Two entities are called vehicle');
    expect(declare('ship', text({ search: true, filter: true }) as ReturnType<typeof text>)).toThrow(
      /by its words/,
    );
  });
});
