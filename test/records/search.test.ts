import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Lead, leadEntity } from '../../src/features/people/leads/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { newRecord } from '../../src/records/insert.ts';
import { searchRecords } from '../../src/records/search/search.ts';
import { examinedMax } from '../../src/records/walk.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import {
  buildLead,
  buildTenant,
  getWorkspace,
  startServer,
  type Tenant,
  type TestServer,
} from '../helpers/app.ts';
import { recordCommands, withMonitoring } from '../helpers/queries.ts';

type Body = Record<string, unknown>;
interface Filter {
  field: string;
  operator: string;
  value?: unknown;
}

let server: TestServer;
let commands: ReturnType<typeof recordCommands>;

beforeAll(async () => {
  const name = `search_${randomBytes(6).toString('hex')}`;
  server = await startServer({}, { name, mongoUrl: withMonitoring(inject('mongoUrl')) });
  commands = recordCommands(server);
}, 60_000);

afterAll(() => server.close());

const search = (tenant: Tenant, body: Body, path = '/leads') => tenant.api.post(`${path}/search`).send(body);

/** Every page of a search. */
async function searchAll(tenant: Tenant, body: Body, path?: string): Promise<Body[]> {
  const found: Body[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const answer = await search(tenant, { limit: 3, ...body, ...(cursor ? { cursor } : {}) }, path);
    expect(answer.status, answer.text).toBe(200);
    found.push(...answer.body.data);
    cursor = answer.body.nextCursor;
  }
  return found;
}

const groupOf = (...filters: Filter[]) => ({ filterGroups: [{ filters }] });

describe('an operator', () => {
  let tenant: Tenant;
  const names = ['Asha Verma', 'Ravi Asha Kumar', 'Meera Nair', 'José Núñez', 'Bela'];

  beforeAll(async () => {
    tenant = await buildTenant(server, { settings: { timezone: 'Asia/Kolkata' } });
    const own: Body[] = [
      {
        status: 'new',
        tags: ['VIP', 'hot'],
        city: 'Pune',
        dealValue: 100,
        fields: { budget: 5, area: 'North' },
      },
      { status: 'contacted', tags: ['cold'], city: 'New Delhi', dealValue: 99.5, fields: { budget: 20 } },
      {
        status: 'new',
        city: 'pune',
        description: 'Wants a sea-view\nand a garden',
        fields: { since: '2026-01-31' },
      },
      { status: 'lost', tags: ['hot'], email: 'jose@example.com', fields: { since: '2026-02-01T10:00:00Z' } },
      { status: 'won', dealValue: 1_000, priority: 'High', fields: { area: 'north east', list: ['x', 'y'] } },
    ];
    for (const [index, fields] of own.entries()) {
      const answer = await tenant.api.post('/leads').send({ ...buildLead(), name: names[index], ...fields });
      expect(answer.status, answer.text).toBe(201);
    }
  });

  const one = names.map((name) => name.split(' ')[0]);
  const [asha, ravi, meera, jose, bela] = one;
  it.each<[string, string, unknown, unknown[]]>([
    ['status', 'eq', 'NEW', [asha, meera]],
    ['status', 'neq', 'new', [ravi, jose, bela]],
    ['status', 'in', ['won', 'lost'], [jose, bela]],
    ['status', 'nin', ['won', 'lost'], [asha, ravi, meera]],
    ['status', 'prefix', 'co', [ravi]],
    ['status', 'gt', 'lost', [asha, meera, bela]],
    ['name', 'contains', 'asha', [asha, ravi]],
    ['name', 'contains', 'kumar ASHA', [ravi]],
    ['name', 'contains', 'nunez', [jose]],
    ['name', 'contains', 'ash', []],
    ['name', 'prefix', 'ash', [asha]],
    ['name', 'prefix', 'asha v', [asha]],
    ['name', 'eq', 'asha verma', [asha]],
    ['name', 'eq', 'asha', []],
    ['name', 'neq', 'bela', [asha, ravi, meera, jose]],
    ['tags', 'eq', 'vip', [asha]],
    ['tags', 'neq', 'hot', [ravi, meera, bela]],
    ['tags', 'in', ['cold', 'vip'], [asha, ravi]],
    ['tags', 'contains', 'hot', [asha, jose]],
    ['tags', 'exists', undefined, [asha, ravi, jose]],
    ['tags', 'missing', undefined, [meera, bela]],
    ['city', 'eq', 'PUNE', [asha, meera]],
    ['city', 'eq', 'delhi', []],
    ['city', 'contains', 'delhi', [ravi]],
    ['city', 'prefix', 'p', [asha, meera]],
    ['city', 'missing', undefined, [jose, bela]],
    ['description', 'contains', 'sea garden', [meera]],
    ['description', 'contains', 'gard', []],
    ['email', 'eq', 'JOSE@example.com', [jose]],
    ['email', 'exists', undefined, [jose]],
    ['dealValue', 'gt', 99.5, [asha, bela]],
    ['dealValue', 'gte', '99.50', [asha, ravi, bela]],
    ['dealValue', 'lt', 100, [ravi]],
    ['dealValue', 'eq', 100, [asha]],
    ['dealValue', 'neq', 100, [ravi, meera, jose, bela]],
    ['dealValue', 'between', [99.5, 100], [asha, ravi]],
    ['dealValue', 'missing', undefined, [meera, jose]],
    ['priority', 'eq', 'high', [bela]],
    ['fields.budget', 'gte', 5, [asha, ravi]],
    ['fields.budget', 'eq', 5, [asha]],
    ['fields.budget', 'between', [6, 30], [ravi]],
    ['fields.area', 'prefix', 'NORTH', [asha, bela]],
    ['fields.area', 'contains', 'east', [bela]],
    ['fields.list', 'eq', 'y', [bela]],
    ['fields.since', 'eq', '2026-01-31', [meera]],
    ['fields.since', 'lte', '2026-02-01', [meera, jose]],
    ['fields.since', 'gt', '2026-01-31', [jose]],
    ['fields.unheard', 'exists', undefined, []],
    ['fields.unheard', 'missing', undefined, one],
    ['createdAt', 'gt', '2020-01-01', one],
    ['createdAt', 'lt', '2020-01-01T00:00:00Z', []],
    ['updatedAt', 'gte', '2020-01-01', one],
    ['archivedAt', 'exists', undefined, []],
  ])('finds %s %s %j', async (field, operator, value, expected) => {
    const body = groupOf({ field, operator, ...(value === undefined ? {} : { value }) });
    for (const sort of ['createdAt', '-createdAt', 'updatedAt', '-updatedAt']) {
      const found = (await searchAll(tenant, { ...body, sort })).map(
        ({ name }) => String(name).split(' ')[0],
      );
      expect({ sort, found }).toEqual({
        sort,
        found: sort.startsWith('-') ? expected.toReversed() : expected,
      });
    }
  });

  it('finds ids and phone numbers however they are written', async () => {
    const [record] = (await search(tenant, { limit: 1 })).body.data;
    const found = async (field: string, value: unknown) =>
      (await searchAll(tenant, groupOf({ field, operator: 'eq', value }))).map(({ _id }) => _id);
    expect(await found('_id', record._id)).toEqual([record._id]);
    const spaced = record.mobileNumber.replace(/^(...)/, '$1 ');
    expect(await found('mobileNumber', spaced)).toEqual([record._id]);
    expect(await found('mobileNumber', record.mobileNumber.slice(-10))).toEqual([record._id]);
  });

  it.each<[string, Filter]>([
    ['field', { field: 'nonsense', operator: 'eq', value: 1 }],
    ['field', { field: 'mobileE164', operator: 'eq', value: '1' }],
    ['field', { field: 'fields.a.b', operator: 'eq', value: 1 }],
    ['field', { field: '__proto__', operator: 'exists' }],
    ['operator', { field: 'status', operator: 'regex', value: 'x' }],
    ['operator', { field: 'fields', operator: 'eq', value: 'x' }],
    ['operator', { field: 'createdAt', operator: 'contains', value: 'x' }],
    ['value', { field: 'name', operator: 'contains', value: '' }],
    ['value', { field: 'status', operator: 'eq' }],
    ['value', { field: 'status', operator: 'eq', value: ['new'] }],
    ['value', { field: 'status', operator: 'in', value: 'new' }],
    ['value', { field: 'status', operator: 'eq', value: { $gt: '' } }],
    ['value', { field: 'dealValue', operator: 'between', value: [1] }],
    ['value', { field: 'dealValue', operator: 'gt', value: 'much' }],
    ['value', { field: 'createdAt', operator: 'gt', value: '2026-02-30T99:00:00Z' }],
    ['value', { field: 'name', operator: 'contains', value: '--' }],
    ['value', { field: 'name', operator: 'contains', value: 'a '.repeat(13) }],
    ['value', { field: '_id', operator: 'eq', value: 'nonsense' }],
  ])('is refused with a wrong %s: %j', async (part, filter) => {
    const { status, body } = await search(tenant, groupOf(filter));
    expect(status).toBe(422);
    expect(Object.keys(body.details)[0]).toMatch(new RegExp(`^filterGroups\\.0\\.filters\\.0\\.${part}`));
  });

  it('is one of ten in a group, and a group one of five', async () => {
    const filter = { field: 'status', operator: 'neq', value: 'x' };
    const groups = (count: number, filters: number) => ({
      filterGroups: Array.from({ length: count }, () => ({ filters: Array(filters).fill(filter) })),
    });
    expect((await search(tenant, groups(5, 10))).status).toBe(200);
    expect((await search(tenant, groups(6, 1))).status).toBe(422);
    expect((await search(tenant, groups(1, 11))).status).toBe(422);
  });
});

describe('POST …/search', () => {
  it('finds what meets one of the groups, each record once and in order, whatever the page', async () => {
    const tenant = await buildTenant(server);
    const statuses = ['new', 'contacted', 'won'];
    for (let index = 0; index < 12; index += 1) {
      const fields = {
        status: statuses[index % 3],
        tags: index % 2 === 0 ? ['even'] : ['odd'],
        city: `C${index}`,
      };
      await tenant.api.post('/leads').send({ ...buildLead(), ...fields });
    }
    const filterGroups = [
      { filters: [{ field: 'status', operator: 'eq', value: 'new' }] },
      { filters: [{ field: 'tags', operator: 'eq', value: 'even' }] },
      { filters: [{ field: 'city', operator: 'eq', value: 'c11' }] },
    ];
    const expected = [11, 10, 9, 8, 6, 4, 3, 2, 0].map((index) => `C${index}`);
    for (const limit of [1, 2, 5, 100]) {
      const found = await searchAll(tenant, { filterGroups, limit });
      expect({ limit, found: found.map(({ city }) => city) }).toEqual({ limit, found: expected });
    }
  });

  it('answers with the fields that are asked for', async () => {
    const tenant = await buildTenant(server);
    const lead = { ...buildLead(), city: 'Pune', fields: { a: 1, b: 2 } };
    const { _id } = (await tenant.api.post('/leads').send(lead)).body.data;
    const { body } = await search(tenant, { fields: ['name', 'fields.a', 'createdAt'] });
    expect(body.data).toEqual([{ _id, name: lead.name, fields: { a: 1 }, createdAt: expect.any(String) }]);
    expect((await search(tenant, { fields: ['facets'] })).status).toBe(422);
    expect((await search(tenant, {})).body.data).toEqual((await tenant.api.get('/leads')).body.data);
  });

  it('leaves archived records out unless they are asked for', async () => {
    const tenant = await buildTenant(server);
    const { _id } = (await tenant.api.post('/leads').send(buildLead())).body.data;
    await tenant.api.post(`/leads/${_id}/archive`);
    expect((await search(tenant, {})).body.data).toEqual([]);
    expect((await search(tenant, { archived: true })).body.data).toMatchObject([{ _id }]);
  });

  it('searches contacts by days, parts and numbers', async () => {
    const tenant = await buildTenant(server);
    const contact = {
      ...buildLead(),
      status: undefined,
      followUpDate: '2026-03-01',
      address: { city: 'Kochi' },
    };
    const { _id } = (await tenant.api.post('/contacts').send(contact)).body.data;
    await tenant.api.post('/contacts').send({ ...buildLead(), followUpDate: '2026-03-02' });
    for (const filter of [
      { field: 'followUpDate', operator: 'eq', value: '2026-03-01' },
      { field: 'followUpDate', operator: 'lt', value: '2026-03-02' },
      { field: 'followUpDate', operator: 'between', value: ['2026-01-01', '2026-03-01'] },
      { field: 'address.city', operator: 'prefix', value: 'koc' },
      { field: 'address', operator: 'exists' },
    ]) {
      const found = await searchAll(tenant, groupOf(filter), '/contacts');
      expect({ filter, found }).toMatchObject({ filter, found: [{ _id }] });
    }
    const wrong = groupOf({ field: 'followUpDate', operator: 'eq', value: 'soon' });
    expect((await search(tenant, wrong, '/contacts')).status).toBe(422);
  });

  it('searches properties by the fields that clients made up, as lists do', async () => {
    const tenant = await buildTenant(server);
    const text = {
      propertyType: 'Flat',
      subtype: '2BHK',
      city: 'Pune',
      state: 'MH',
      country: 'IN',
      area: 'Baner',
    };
    const property = { title: 'Sea View', price: 5e6, currency: 'INR', salesType: ['sale'], ...text };
    const { _id } = (await tenant.api.post('/properties').send({ ...property, status: 'sold' })).body.data;
    await tenant.api.post('/properties').send(property);
    const filters = [
      { field: 'status', operator: 'eq', value: 'sold' },
      { field: 'price', operator: 'between', value: [1, 6e6] },
      { field: 'currency', operator: 'eq', value: 'inr' },
    ];
    expect(await searchAll(tenant, { filterGroups: [{ filters }] }, '/properties')).toMatchObject([{ _id }]);
  });
});

describe('a search in a large workspace', () => {
  const count = 2 * examinedMax + 1_000;
  let tenant: Tenant;

  beforeAll(async () => {
    tenant = await buildTenant(server);
    const workspaceId = new ObjectId(tenant.workspaceId);
    const statuses = ['new', 'contacted', 'won'];
    const leads: Lead[] = [];
    for (let index = 0; index < count; index += 1) {
      const fields = {
        name: index === 7 ? 'Zoe Rare' : 'Many',
        priority: 'Low' as const,
        status: statuses[index % 3] ?? '',
        tags: index % 1_000 === 1 ? ['rare', 'some'] : ['some'],
        ...(index === 4 ? { city: 'Nowhere' } : {}),
      };
      const lead = await newRecord(server.ctx, leadEntity, systemIn(workspaceId), fields);
      const createdAt = new Date(Date.UTC(2026, 0, 1) + index * 1_000);
      const updatedAt = new Date(createdAt.getTime() + (index % 7) * 1_000);
      leads.push({ ...lead, createdAt, updatedAt, owed: undefined, owedSince: undefined } as Lead);
    }
    await leadEntity.collection(server.ctx.db).insertMany(workspaceId, leads);
    await commands.plans();
  }, 60_000);

  const eq = (field: string, value: unknown): Filter => ({ field, operator: 'eq', value });
  const cases: [string, Filter[], number][] = [
    ['two common filters', [eq('status', 'new'), eq('tags', 'some')], Math.ceil(count / 3)],
    ['a common filter and a rare one', [eq('tags', 'some'), eq('tags', 'rare')], count / 1_000],
    ['the beginning of a rare word', [{ field: 'name', operator: 'prefix', value: 'zo' }], 1],
    [
      'a rare time',
      [{ field: 'updatedAt', operator: 'lt', value: '2026-01-01T00:00:10Z' }, eq('tags', 'some')],
      7,
    ],
    ['what no index knows', [eq('city', 'nowhere')], 1],
    [
      'what most have not',
      [
        { field: 'city', operator: 'missing' },
        { field: 'tags', operator: 'neq', value: 'some' },
      ],
      0,
    ],
  ];

  it.each(cases)('looks at a bounded number of records for %s', async (_name, filters, total) => {
    for (const sort of ['-createdAt', 'updatedAt'] as const) {
      const ids = new Set<string>();
      const workspace = await getWorkspace(server.ctx, new ObjectId(tenant.workspaceId));
      let [pages, cursor] = [0, null as string | null];
      do {
        const query = {
          filterGroups: [{ filters: filters as never }],
          sort,
          limit: 100,
          cursor: cursor ?? undefined,
        };
        const page = await searchRecords(server.ctx, leadEntity, workspace, query);
        for (const { _id } of page.records) ids.add(_id.toHexString());
        cursor = page.nextCursor;
        pages += 1;
      } while (cursor && pages < 60);
      expect({ sort, total: ids.size }).toEqual({ sort, total });
      for (const { shape, stages, rejected, keysExamined, documentsExamined } of await commands.plans()) {
        const examined = Math.max(keysExamined, documentsExamined);
        expect({ shape, stages, rejected, isWithin: examined <= examinedMax + 100 }).toMatchObject({
          rejected: 0,
          isWithin: true,
        });
        expect(stages).not.toContain('SORT');
        expect(stages).not.toContain('COLLSCAN');
      }
    }
  });

  it('finds a page of common records in one command', async () => {
    commands.sent();
    const { body } = await search(tenant, groupOf(eq('status', 'won'), eq('tags', 'some')));
    expect(body.data).toHaveLength(10);
    expect(commands.sent().filter(({ find, aggregate }) => [find, aggregate].includes('leads'))).toHaveLength(
      1,
    );
  });
});
