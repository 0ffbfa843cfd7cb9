import { describe, expect, it } from 'vitest';
import { propertyEntity } from '../../src/features/sales/properties/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { buildTenant, type Tenant, useServer } from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import { buildProperty, createProperty } from '../helpers/factories.ts';
import { describeRecord } from '../helpers/record-suite.ts';

const server = useServer();
const events = useEvents(server);

describeRecord(server, {
  path: '/properties',
  label: 'Property',
  read: 'property.read',
  write: 'property.write',
  build: () => buildProperty({ reference: Math.random() }),
  change: (n) => ({ title: `Version ${n}`, floor: n }),
  required: [
    'title',
    'price',
    'currency',
    'propertyType',
    'salesType',
    'subtype',
    'city',
    'state',
    'country',
    'area',
  ],
  invalid: [
    ['title', 'x'.repeat(10_000)],
    ['price', -1],
    ['price', '100'],
    ['price', 1e300],
    ['salesType', 'sale'],
    ['salesType', [5]],
    ['assignedTo', '65b8c47f4e2cfc1df3a75111'],
    ['towers', {}],
    ['towers', [{ name: 'No id' }]],
    ['towers', [{ towerId: 'a' }, { towerId: 'a' }]],
    ['towers', Array.from({ length: 201 }, (_, n) => ({ towerId: `t${n}` }))],
    ['units', [{ unitNumber: '101' }]],
    ['units', [{ unitId: 'a', status: 'gone' }]],
    ['units', [{ unitId: 'a', price: -1 }]],
    ['units', [{ unitId: 'a' }, { unitId: 'b' }, { unitId: 'a' }]],
    ['units', [{ unitId: 'a', extra: { $set: 1 } }]],
    ['units', Array.from({ length: 5_001 }, (_, n) => ({ unitId: `u${n}` }))],
    ['amenities', { 'a.b': 1 }],
    ['amenities', { _bsontype: 'Long' }],
    ['x'.repeat(129), 1],
  ],
  operations: [
    { method: 'get', path: '/properties/inventory', scope: 'property.read' },
    { method: 'get', path: '/properties/availability', scope: 'property.read' },
    { method: 'get', path: '/properties/:id/units', scope: 'property.read' },
    { method: 'get', path: '/properties/:id/towers', scope: 'property.read' },
    { method: 'post', path: '/inbound/properties', scope: 'property.write' },
  ],
});

const towers = [
  { towerId: 't1', name: 'Tower One', floors: 40 },
  { towerId: 't2', name: 'Tower Two' },
];
const units = [
  { unitId: 'u1', unitNumber: '101', tower: 't1', status: 'available', price: 5_000_000, balcony: true },
  { unitId: 'u2', unitNumber: 102, tower: 't1', status: 'sold', price: 4_000_000 },
  { unitId: 'u3', unitNumber: '201', tower: 't2', status: 'reserved' },
  {
    unitId: 'u4',
    tower: 't2',
    status: 'available',
    price: 9_000_000.5,
    rooms: [{ name: 'Hall', sqft: 300 }],
  },
];

describe('POST /properties', () => {
  it('stores and returns unknown root fields of every kind', async () => {
    const tenant = await buildTenant(server);
    const extra = {
      furnishing: 'Semi-furnished',
      bedrooms: 3,
      isNew: false,
      amenities: ['pool', 'gym'],
      location: { lat: 18.99, lng: 72.81, tags: [['a'], { b: null }] },
      status: 'sold',
      402: 'numeric',
      constructor: 'ACME Builders',
      toString: 'text',
      hasOwnProperty: true,
      toJSON: 'no function',
      'a=b': 1,
      'with space': 'ok',
      'mit Umlaut ü': 'ok',
    };
    // Names that the store uses itself are the client's own here, and change nothing there.
    const taken = {
      version: 99,
      facets: ['x'],
      owed: [],
      idempotency: { key: 'k' },
      extra: { a: 1 },
      archived: true,
    };
    const property = await createProperty(tenant, { ...extra, ...taken });
    expect(property).toMatchObject({ ...buildProperty(), ...extra, ...taken });
    const listed = await tenant.api.get('/properties?status=sold');
    expect(listed.body.data).toEqual([property]);
    const stored = await propertyEntity
      .collection(server.ctx.db)
      .findById(new ObjectId(tenant.workspaceId), new ObjectId(property._id));
    expect(stored).toMatchObject({ version: 1, archived: false, extra: { ...extra, ...taken } });
  });

  it('drops names that begin with $ or hold a dot, and fields without a value', async () => {
    const tenant = await buildTenant(server);
    const property = await createProperty(tenant, { $where: '1', 'a.b': 2, nothing: null, kept: 1 });
    const { _id, workspaceId, createdAt, updatedAt, ...rest } = property;
    expect(rest).toEqual(buildProperty({ kept: 1 }));
  });

  it('keeps towers and units with all that they carry', async () => {
    const tenant = await buildTenant(server);
    const property = await createProperty(tenant, { towers, units: [...units, { unitId: 'u5' }] });
    const stored = { towers, units: [...units, { unitId: 'u5', status: 'available' }] };
    expect(property).toMatchObject(stored);
    expect(await events.of(property._id)).toEqual(['property.created']);
    const [event] = await events.recordsOf(property._id, 'property.created');
    expect(event).toMatchObject(stored);
  });

  it('takes 5,000 units', async () => {
    const tenant = await buildTenant(server);
    const many = Array.from({ length: 5_000 }, (_, n) => ({
      unitId: `u${n}`,
      status: 'available',
      price: n,
    }));
    const property = await createProperty(tenant, { units: many });
    expect((await tenant.api.get(`/properties/${property._id}/units`)).body.data).toEqual(many);
    const { body } = await tenant.api.get('/properties/inventory');
    expect(body.data[0]).toMatchObject({ totalUnits: 5_000, available: 5_000, priceMin: 0, priceMax: 4_999 });
    const patches = Array.from({ length: 12 }, (_, n) =>
      tenant.api.patch(`/properties/${property._id}`).send({ floor: n }),
    );
    expect((await Promise.all(patches)).map(({ status }) => status)).toEqual(Array(12).fill(200));
  });

  it('keeps the price exactly', async () => {
    const tenant = await buildTenant(server);
    for (const price of [0, 0.1, 12_500_000.55, 9_999_999_999_999]) {
      const property = await createProperty(tenant, { price });
      expect((await tenant.api.get(`/properties/${property._id}`)).body.data.price).toBe(price);
    }
  });
});

describe('GET /properties', () => {
  it('filters by every declared field', async () => {
    const tenant = await buildTenant(server);
    const property = await createProperty(tenant, {
      title: 'Hilltop Villa',
      propertyType: 'Villa',
      salesType: ['rent', 'lease'],
      subtype: '5BHK',
      city: 'Pune',
      state: 'MH',
      country: 'IN',
      area: 'Baner',
      assignedTo: tenant.memberId,
      status: 'Under construction',
    });
    await createProperty(tenant);
    const found = async (query: string) => (await tenant.api.get(`/properties?${query}`)).body.data;
    for (const query of [
      'propertyType=villa',
      'salesType=lease',
      'subtype=5bhk',
      'city=Pune',
      'state=MH',
      'country=IN',
      'area=Baner',
      `assignedTo=${tenant.memberId}`,
      'status=under%20construction',
      'q=hilltop',
      'city=pune&salesType=rent&q=villa',
    ]) {
      expect({ query, data: await found(query) }).toEqual({ query, data: [property] });
    }
    await tenant.api.patch(`/properties/${property._id}`).send({ city: 'Nashik', status: null });
    expect(await found('city=pune')).toEqual([]);
    expect(await found('status=under%20construction')).toEqual([]);
    expect(await found('city=nashik')).toHaveLength(1);
  });
});

describe('PUT and PATCH /properties/:id', () => {
  it('PUT changes the given extra fields and leaves the others', async () => {
    const tenant = await buildTenant(server);
    const property = await createProperty(tenant, {
      units,
      floor: 4,
      view: { sea: true, park: true },
      7: 'seven',
    });
    const path = `/properties/${property._id}`;
    const answer = await tenant.api
      .put(path)
      .send(buildProperty({ view: { sea: false }, lift: true, floor: null }));
    const { updatedAt } = answer.body.data;
    const { floor, ...rest } = property;
    expect(answer.body.data).toEqual({ ...rest, view: { sea: false }, lift: true, updatedAt });
    expect((await tenant.api.put(path).send({ lift: false })).status).toBe(422);
    expect(await events.of(property._id)).toEqual(['property.created', 'property.updated']);
  });

  it('PATCH merges extra fields, and null removes them', async () => {
    const tenant = await buildTenant(server);
    const property = await createProperty(tenant, {
      view: { sea: true, park: { near: true } },
      constructor: 'ACME',
      7: 'seven',
      list: [1, 2],
      price: 10,
      assignedTo: tenant.memberId,
    });
    const answer = await tenant.api.patch(`/properties/${property._id}`).send({
      view: { sea: null, park: { far: false } },
      constructor: null,
      7: { now: 'object' },
      list: [3],
      currency: 'USD',
      assignedTo: null,
      $set: { title: 'x' },
      'view.sea': 1,
      _id: 'x',
    });
    expect(answer.status).toBe(200);
    const { constructor: _, assignedTo, ...rest } = property;
    expect(answer.body.data).toEqual({
      ...rest,
      view: { park: { near: true, far: false } },
      7: { now: 'object' },
      list: [3],
      currency: 'USD',
      price: 10,
      updatedAt: answer.body.data.updatedAt,
    });
    for (const field of ['title', 'price', 'currency', 'city']) {
      const refused = await tenant.api.patch(`/properties/${property._id}`).send({ [field]: null });
      expect(refused.status).toBe(422);
    }
  });

  it('gives back what it answered without a change', async () => {
    const tenant = await buildTenant(server);
    const property = await createProperty(tenant, { towers, units, view: { sea: true } });
    const path = `/properties/${property._id}`;
    expect((await tenant.api.put(path).send(property)).body.data).toEqual(property);
    await tenant.api.post(`${path}/archive`);
    const { data } = (await tenant.api.get(path)).body;
    expect((await tenant.api.put(path).send(data)).status).toBe(409);
  });

  it('replaces towers and units as a whole', async () => {
    const tenant = await buildTenant(server);
    const property = await createProperty(tenant, { towers, units });
    const path = `/properties/${property._id}`;
    const patch = async (body: object) => (await tenant.api.patch(path).send(body)).body.data;
    expect((await patch({ units: [{ unitId: 'n' }] })).units).toEqual([{ unitId: 'n', status: 'available' }]);
    const bare = await patch({ units: null, towers: null });
    expect(bare).not.toHaveProperty('units');
    expect(bare).not.toHaveProperty('towers');
    expect((await tenant.api.get(`${path}/units`)).body).toEqual({ success: true, data: [] });
    expect((await tenant.api.get(`${path}/towers`)).body).toEqual({ success: true, data: [] });
  });
});

describe('GET /properties/:id/units and /towers', () => {
  it('list what the property has, in its order', async () => {
    const tenant = await buildTenant(server);
    const { _id: id } = await createProperty(tenant, { towers, units });
    const get = async (path: string) => (await tenant.api.get(`/properties/${id}${path}`)).body;
    expect(await get('/towers')).toEqual({ success: true, data: towers });
    expect(await get('/units')).toEqual({ success: true, data: units });
    const shown = async (query: string) =>
      (await get(`/units?${query}`)).data.map(({ unitId }: { unitId: string }) => unitId);
    expect(await shown('tower=t1')).toEqual(['u1', 'u2']);
    expect(await shown('status=available')).toEqual(['u1', 'u4']);
    expect(await shown('status=reserved&tower=t2')).toEqual(['u3']);
    expect(await shown('tower=t3')).toEqual([]);
    expect((await tenant.api.get(`/properties/${id}/units?status=gone`)).status).toBe(422);
  });
});

const rowsOf = async ({ api }: Tenant, path: string) => (await api.get(`/properties/${path}`)).body;

describe('GET /properties/inventory', () => {
  it('counts the units of every live property, newest first', async () => {
    const tenant = await buildTenant(server);
    const whole = await createProperty(tenant, { title: 'Whole' });
    const sold = await createProperty(tenant, { title: 'Sold', status: 'Sold' });
    const block = await createProperty(tenant, { title: 'Block', units });
    const soldBlock = await createProperty(tenant, { title: 'Sold block', units, status: 'reserved' });
    const archived = await createProperty(tenant);
    await tenant.api.post(`/properties/${archived._id}/archive`);
    const described = ({ _id, title }: { _id: string; title?: unknown }) => {
      const { price, currency, propertyType, salesType, subtype, city, state, country, area } =
        buildProperty();
      return { _id, title, price, currency, propertyType, salesType, subtype, city, state, country, area };
    };
    const prices = { priceMin: 4_000_000, priceMax: 9_000_000.5 };
    expect(await rowsOf(tenant, 'inventory')).toEqual({
      success: true,
      data: [
        { ...described(soldBlock), totalUnits: 4, available: 0, reserved: 4, sold: 0, ...prices },
        { ...described(block), totalUnits: 4, available: 2, reserved: 1, sold: 1, ...prices },
        { ...described(sold), totalUnits: 1, available: 0, reserved: 0, sold: 1 },
        { ...described(whole), totalUnits: 1, available: 1, reserved: 0, sold: 0 },
      ],
      nextCursor: null,
    });
  });

  it('comes in pages', async () => {
    const tenant = await buildTenant(server);
    for (const title of ['a', 'b', 'c']) await createProperty(tenant, { title });
    const titles = ({ data }: { data: { title: string }[] }) => data.map(({ title }) => title);
    for (const path of ['inventory', 'availability']) {
      const first = await rowsOf(tenant, `${path}?limit=2`);
      const second = await rowsOf(tenant, `${path}?limit=2&cursor=${first.nextCursor}`);
      expect([titles(first), titles(second), second.nextCursor]).toEqual([['c', 'b'], ['a'], null]);
      for (const query of ['limit=0', 'limit=101', 'cursor=x']) {
        expect((await tenant.api.get(`/properties/${path}?${query}`)).status).toBe(422);
      }
    }
  });
});

describe('GET /properties/availability', () => {
  const available = async (tenant: Tenant) =>
    (await rowsOf(tenant, 'availability')).data.map((row: Record<string, unknown>) => [
      row._id,
      row.available,
    ]);

  it('lists properties that have something to sell, with their available units', async () => {
    const tenant = await buildTenant(server);
    const block = await createProperty(tenant, { units, towers });
    const whole = await createProperty(tenant);
    await createProperty(tenant, { units: units.slice(1, 3) });
    await createProperty(tenant, { status: 'SOLD' });
    await createProperty(tenant, { status: 'Reserved', units });
    const { data } = await rowsOf(tenant, 'availability');
    expect(data).toEqual([
      expect.objectContaining({ _id: whole._id, title: whole.title, available: 1, units: [] }),
      expect.objectContaining({ _id: block._id, city: 'Mumbai', available: 2, units: [units[0], units[3]] }),
    ]);
    expect(data[0]).not.toHaveProperty('towers');
  });

  it('follows every change of units and status', async () => {
    const tenant = await buildTenant(server);
    const { _id: id } = await createProperty(tenant);
    const availableAfter = async (body: object) => {
      const answer = await tenant.api.patch(`/properties/${id}`).send(body);
      expect(answer.status).toBe(200);
      return available(tenant);
    };
    expect(await available(tenant)).toEqual([[id, 1]]);
    expect(await availableAfter({ status: 'sold' })).toEqual([]);
    expect(await availableAfter({ units })).toEqual([]);
    expect(await availableAfter({ status: { now: 'an object' } })).toEqual([[id, 2]]);
    expect(await availableAfter({ units: [{ unitId: 'a', status: 'sold' }] })).toEqual([]);
    expect(await availableAfter({ status: null })).toEqual([]);
    expect(await availableAfter({ units: null })).toEqual([[id, 1]]);
    expect(await availableAfter({ units: [] })).toEqual([[id, 1]]);
    expect(await availableAfter({ units, status: 'RESERVED' })).toEqual([]);
    expect(await availableAfter({ status: 'Ready' })).toEqual([[id, 2]]);
    await tenant.api.post(`/properties/${id}/archive`);
    expect(await available(tenant)).toEqual([]);
  });

  it('is right after units and status changed at the same time', async () => {
    const tenant = await buildTenant(server);
    const ids = await Promise.all(Array.from({ length: 10 }, async () => (await createProperty(tenant))._id));
    await Promise.all(
      ids.flatMap((id) => [
        tenant.api.patch(`/properties/${id}`).send({ units }),
        tenant.api.patch(`/properties/${id}`).send({ status: 'sold' }),
      ]),
    );
    expect(await available(tenant)).toEqual([]);
  });

  it('shows at most 200 units of a property', async () => {
    const tenant = await buildTenant(server);
    const many = Array.from({ length: 300 }, (_, n) => ({ unitId: `u${n}` }));
    await createProperty(tenant, { units: many });
    const [row] = (await rowsOf(tenant, 'availability')).data;
    expect([row.available, row.units.length]).toEqual([300, 200]);
  });
});

describe('POST /inbound/properties', () => {
  it('captures a property, and a retry once', async () => {
    const tenant = await buildTenant(server);
    const body = buildProperty({ portal: '99acres' });
    const send = () => tenant.api.post('/inbound/properties').set('Idempotency-Key', 'p-1').send(body);
    const answers = await Promise.all(Array.from({ length: 5 }, send));
    for (const answer of answers) {
      expect(answer.status).toBe(201);
      expect(answer.body).toEqual({ success: true, message: 'Property captured successfully' });
    }
    const { data } = (await tenant.api.get('/properties')).body;
    expect(data).toEqual([expect.objectContaining(body)]);
    expect(await events.of(data[0]._id)).toEqual(['property.created']);
    const { area: _, ...incomplete } = body;
    expect((await tenant.api.post('/inbound/properties').send(incomplete)).status).toBe(422);
  });
});
