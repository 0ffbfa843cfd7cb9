import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Lead, leadEntity } from '../../src/features/people/leads/record.ts';
import { commandTimeoutMs } from '../../src/infra/bounded-collection.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { toAppError } from '../../src/plugins/errors.ts';
import { newRecord } from '../../src/records/insert.ts';
import { filtersMax } from '../../src/records/list.ts';
import { settlingMs } from '../../src/records/timing.ts';
import { examinedMax, pageBytesMax } from '../../src/records/walk.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import { buildLead, buildTenant, startServer, type Tenant, type TestServer } from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';
import { recordCommands, withMonitoring } from '../helpers/queries.ts';

/** No request costs more than its bounds say, whoever sends it and however much there is. */

let server: TestServer;
let commands: ReturnType<typeof recordCommands>;

beforeAll(async () => {
  const name = `bounds_${randomBytes(6).toString('hex')}`;
  server = await startServer({}, { name, mongoUrl: withMonitoring(inject('mongoUrl')) });
  commands = recordCommands(server);
});
afterAll(() => server.close());

/** Leads straight into the store, a second apart. */
async function insertLeads(tenant: Tenant, count: number, fields: Record<string, unknown>) {
  const workspaceId = new ObjectId(tenant.workspaceId);
  const template = await newRecord(server.ctx, leadEntity, systemIn(workspaceId), {
    name: 'Many',
    priority: 'Low',
    fields,
  });
  const leads = Array.from({ length: count }, (_, index): Lead => {
    const createdAt = new Date(Date.now() - settlingMs - (index + 1) * 1_000);
    return { ...template, _id: new ObjectId(), createdAt, updatedAt: createdAt };
  });
  await leadEntity.collection(server.ctx.db).insertMany(workspaceId, leads);
  return leads.map(({ _id }) => _id.toHexString());
}

describe('filters', () => {
  const filters = (count: number) =>
    Array.from({ length: count }, (_, index) => `fields.f${index}=1`).join('&');

  it(`are at most ${filtersMax} in one request`, async () => {
    const { api } = await buildTenant(server);
    commands.sent();
    const answer = await api.get(`/leads?${filters(200)}`);
    expect(answer.status).toBe(422);
    expect(answer.body.details).toEqual({ [`fields.f${filtersMax}`]: ['At most 10 filters'] });
    expect(commands.sent().filter(({ find }) => find === 'leads')).toEqual([]);
    expect((await api.get(`/leads?${filters(filtersMax)}`)).status).toBe(200);
  });

  it('cost a request two commands, each of which ends in time and looks no further than a page may', async () => {
    const tenant = await buildTenant(server);
    await insertLeads(tenant, examinedMax + 1_000, { f1: 1 });
    const q = Array.from({ length: 12 }, (_, index) => `word${index}`).join('+');
    const worst = `/leads?q=many+${q}&${filters(filtersMax)}`;
    await tenant.api.get(worst);
    await commands.plans();
    commands.sent();
    const four = await Promise.all(Array.from({ length: 4 }, () => tenant.api.get(worst)));
    expect(four.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const sent = commands.sent().filter(({ find }) => find === 'leads');
    expect(sent).toHaveLength(8);
    for (const command of sent) expect(command).toMatchObject({ maxTimeMS: commandTimeoutMs });
    for (const { keysExamined, documentsExamined } of await commands.plans()) {
      expect(Math.max(keysExamined, documentsExamined)).toBeLessThanOrEqual(examinedMax + 1);
    }
  });

  it('take no other names of the query for their own', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant, { city: 'Pune' });
    for (const query of [
      'omit=_id&omit=createdAt',
      'omit=$where',
      'filters=x',
      'projection=a',
      'filters[a]=b',
    ]) {
      const { status, body } = await tenant.api.get(`/leads?${query}`);
      expect({ query, status, data: body.data }).toEqual({ query, status: 200, data: [lead] });
    }
  });
});

it('a command that runs out of time is given up at once, and is not sent again', async () => {
  const tenant = await buildTenant(server);
  await insertLeads(tenant, 500, {});
  const collection = leadEntity.collection(server.ctx.db);
  const long = {
    $reduce: { input: { $range: [0, 200_000] }, initialValue: 0, in: { $add: ['$$value', 1] } },
  };
  const filter = { archived: false, $expr: { $lt: [long, 0] } } as never;
  commands.sent();
  const startedAt = Date.now();
  const error = await collection
    .findPage(new ObjectId(tenant.workspaceId), filter, { limit: 1, hint: 'list' })
    .catch((thrown: unknown) => thrown);
  expect(Date.now() - startedAt).toBeLessThan(commandTimeoutMs + 2_000);
  expect(commands.sent().filter(({ find }) => find === 'leads')).toHaveLength(1);
  expect(toAppError(error as never)).toMatchObject({
    status: 503,
    message: expect.stringContaining('too long'),
    headers: { 'Retry-After': expect.any(String) },
  });
});

describe('a page of large records', () => {
  const essay = Object.fromEntries(
    Array.from({ length: 25 }, (_, index) => [`part${index}`, 'x'.repeat(10_000)]),
  );

  it.each(['/leads?limit=100', '/leads/sync?limit=100', '/leads/recent?limit=100'])(
    'of %s ends before it has too much, and the cursor leads to the rest',
    async (path) => {
      const tenant = await buildTenant(server);
      const ids = await insertLeads(tenant, 60, essay);
      const found: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const { text, body } = await tenant.api.get(`${path}${cursor && `&cursor=${cursor}`}`);
        expect(text.length).toBeLessThan(pageBytesMax + 100_000);
        expect(body.data.length).toBeGreaterThan(1);
        found.push(...body.data.map(({ _id }: { _id: string }) => _id));
        cursor = body.nextCursor;
      }
      expect(path.includes('sync') ? found.toReversed() : found).toEqual(ids);
    },
  );

  it('has at least one record', async () => {
    const tenant = await buildTenant(server);
    await insertLeads(tenant, 3, essay);
    const collection = leadEntity.collection(server.ctx.db);
    const workspaceId = new ObjectId(tenant.workspaceId);
    const options = { limit: 3, hint: 'list' };
    const page = await collection.findWithin(workspaceId, { archived: false }, options, 1_000);
    expect(page).toMatchObject({ documents: [expect.objectContaining({ name: 'Many' })], isWhole: false });
  });

  it('is whole where the records are small', async () => {
    const tenant = await buildTenant(server);
    await tenant.api.post('/leads/bulk').send({ leads: Array.from({ length: 100 }, () => buildLead()) });
    const { body } = await tenant.api.get('/leads?limit=100');
    expect(body).toMatchObject({ data: { length: 100 }, nextCursor: null });
  });
});
