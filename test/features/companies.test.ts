import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Company, companyEntity } from '../../src/features/sales/companies/record.ts';
import { createLease } from '../../src/infra/lease.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { newRecord } from '../../src/records/insert.ts';
import { updateRecord } from '../../src/records/update.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import {
  type Api,
  apiOf,
  buildTenant,
  startServer,
  type Tenant,
  type TestServer,
  useServer,
  workspacePath,
} from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import { buildCompany, createCompany } from '../helpers/factories.ts';
import { describeRecord } from '../helpers/record-suite.ts';
import { type SlowDatabase, startSlowDatabase } from '../helpers/slow-database.ts';
import { until } from '../helpers/webhooks.ts';

const server = useServer();
const events = useEvents(server);

describeRecord(server, {
  path: '/companies',
  label: 'Company',
  read: 'company.read',
  write: 'company.write',
  build: () => buildCompany({ description: `Number ${Math.random()}`, fields: { rating: 'A' } }),
  change: (n) => ({ name: `Mehta ${n}` }),
  required: ['name'],
  invalid: [
    ['name', 'x'.repeat(10_000)],
    ['domain', 'no domain'],
    ['domain', 'localhost'],
    ['domain', 5],
    ['employees', -1],
    ['employees', 1.5],
    ['employees', 1e12],
    ['annualRevenue', -0.01],
    ['annualRevenue', 1e16],
    ['linkedinUrl', 'https://example.com/company/x'],
    ['parentId', '65b8c47f4e2cfc1df3a75111'],
    ['parentId', 'nobody'],
    ['tags', Array.from({ length: 10_000 }, (_, n) => `tag ${n}`)],
    ['assignedTo', '65b8c47f4e2cfc1df3a75111'],
    ['fields', { $where: '1' }],
  ],
  operations: [{ method: 'post', path: '/companies/bulk', scope: 'company.write' }],
});

const move = (api: Api, id: string, parentId: string | null) =>
  api.patch(`/companies/${id}`).send({ parentId });
const read = async ({ api }: Pick<Tenant, 'api'>, id: string) =>
  (await api.get(`/companies/${id}`)).body.data as Record<string, unknown>;

describe('POST /companies', () => {
  it('keeps every field of the input', async () => {
    const tenant = await buildTenant(server);
    const parent = await createCompany(tenant);
    const body = buildCompany({
      domain: 'mehta.example',
      website: 'https://mehta.example/about',
      industry: 'Textiles',
      employees: 1_200,
      annualRevenue: 12_500_000.5,
      linkedinUrl: 'https://linkedin.com/company/mehta',
      phone: '022 1234 5678',
      address: { street: '1 Mill Road', city: 'Surat', country: 'India' },
      description: 'Yarn and cloth',
      parentId: parent._id,
      territory: 'West',
      tags: ['key account'],
      assignedTo: tenant.memberId,
      fields: { rating: 'A' },
    });
    const { _id, createdAt, updatedAt, workspaceId, ...rest } = await createCompany(tenant, body);
    expect(rest).toEqual(body);
    expect(await events.of(_id)).toEqual(['company.created']);
    await tenant.api.patch(`/companies/${_id}`).send({ industry: 'Clothing' });
    expect(await events.of(_id)).toEqual(['company.created', 'company.updated']);
  });

  it('finds a duplicate by its domain, written in any way', async () => {
    const tenant = await buildTenant(server);
    const first = await createCompany(tenant, { domain: 'Mehta.Example' });
    expect(first.domain).toBe('mehta.example');
    for (const domain of ['mehta.example', 'https://www.mehta.example/about?x=1', 'WWW.MEHTA.EXAMPLE']) {
      const answer = await tenant.api.post('/companies').send(buildCompany({ domain }));
      expect(answer.status).toBe(409);
      expect(answer.body.duplicate).toEqual({
        companyId: first._id,
        domain: 'mehta.example',
        name: first.name,
        createdAt: first.createdAt,
      });
      expect((await tenant.api.get(`/companies?domain=${encodeURIComponent(domain)}`)).body.data).toEqual([
        first,
      ]);
    }
    await tenant.api.post(`/companies/${first._id}/archive`);
    await createCompany(tenant, { domain: 'mehta.example' });
    await createCompany(await buildTenant(server), { domain: 'mehta.example' });
  });

  it('makes one company and 49 conflicts of 50 parallel requests with one domain', async () => {
    const tenant = await buildTenant(server);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        tenant.api.post('/companies').send(buildCompany({ name: `Copy ${n}`, domain: 'mehta.example' })),
      ),
    );
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([201, ...Array(49).fill(409)]);
    expect((await tenant.api.get('/companies?limit=100')).body.data).toHaveLength(1);
  });
});

/** A chain of so many companies, the highest first. */
async function buildChain(tenant: Tenant, length: number): Promise<string[]> {
  const ids: string[] = [];
  for (let level = 1; level <= length; level += 1) {
    const above = ids.at(-1);
    ids.push((await createCompany(tenant, above ? { parentId: above } : {}))._id);
  }
  return ids;
}

describe('the tree of companies', () => {
  it('refuses a circle, whatever its length, and writes nothing', async () => {
    const tenant = await buildTenant(server);
    const ids = await buildChain(tenant, 3);
    for (const parentId of ids) {
      const answer = await move(tenant.api, ids[0] ?? '', parentId);
      expect(answer.status).toBe(422);
      expect(answer.body.details).toEqual({ parentId: ['Must not be the company itself or one below it'] });
    }
    expect(await read(tenant, ids[0] ?? '')).not.toHaveProperty('parentId');
  });

  it('is 20 deep at most, by a create, a bulk and a move', async () => {
    const tenant = await buildTenant(server);
    const chain = await buildChain(tenant, 19);
    const below = await createCompany(tenant);
    await createCompany(tenant, { parentId: below._id });
    const tooDeep = await move(tenant.api, below._id, chain.at(-1) ?? '');
    expect(tooDeep.status).toBe(422);
    expect(tooDeep.body.details).toEqual({ parentId: [expect.stringContaining('at most 20 deep')] });
    expect((await move(tenant.api, below._id, chain.at(-2) ?? '')).status).toBe(200);
    const last = await createCompany(tenant, { parentId: chain.at(-1) });
    const beyond = buildCompany({ parentId: last._id });
    expect((await tenant.api.post('/companies').send(beyond)).status).toBe(422);
    const bulk = await tenant.api.post('/companies/bulk').send({ companies: [beyond, buildCompany()] });
    expect(bulk.body.results).toMatchObject([
      { status: 'error', error: expect.stringContaining('parentId') },
      { status: 'created' },
    ]);
  });

  it('takes no parent that is archived or of another workspace', async () => {
    const tenant = await buildTenant(server);
    const archived = await createCompany(tenant);
    await tenant.api.post(`/companies/${archived._id}/archive`);
    const foreign = await createCompany(await buildTenant(server));
    const company = await createCompany(tenant);
    for (const { _id } of [archived, foreign]) {
      const answer = await move(tenant.api, company._id, _id);
      expect(answer.status).toBe(422);
      expect(answer.body.details).toEqual({ parentId: [expect.stringContaining('live company')] });
    }
  });

  it('keeps a company that others belong to from being archived', async () => {
    const tenant = await buildTenant(server);
    const [parent = '', child = ''] = await buildChain(tenant, 2);
    const refused = await tenant.api.post(`/companies/${parent}/archive`);
    expect(refused.status).toBe(409);
    expect((await move(tenant.api, child, null)).status).toBe(200);
    expect((await tenant.api.post(`/companies/${parent}/archive`)).status).toBe(200);
  });

  it('lists the companies below one', async () => {
    const tenant = await buildTenant(server);
    const [parent = '', child = ''] = await buildChain(tenant, 2);
    const { body } = await tenant.api.get(`/companies?parentId=${parent}`);
    expect(body.data.map(({ _id }: { _id: string }) => _id)).toEqual([child]);
  });

  it('gives a company whose parent was archived while it was made no parent, though its process died', async () => {
    const tenant = await buildTenant(server);
    const parent = await createCompany(tenant);
    await tenant.api.post(`/companies/${parent._id}/archive`);
    // What a process leaves that died right after the insert: a company that owes its event.
    const author = systemIn(new ObjectId(tenant.workspaceId));
    const orphan = await newRecord(server.ctx, companyEntity, author, {
      name: 'Orphan',
      parentId: parent._id,
    });
    const owedSince = new Date(Date.now() - 60_000);
    await companyEntity
      .collection(server.ctx.db)
      .insertOne(author.workspaceId, { ...orphan, owedSince } as Company);
    await until(async () => {
      await server.ctx.relay.sweep();
      return (await read(tenant, orphan._id.toHexString())).parentId === undefined || undefined;
    });
  });
});

describe('the tree of companies under concurrency', () => {
  let database: SlowDatabase;
  let slow: TestServer;
  beforeAll(async () => {
    database = await startSlowDatabase(inject('mongoUrl'));
    slow = await startServer({}, { name: server.ctx.redisPrefix, mongoUrl: database.url });
  });
  afterAll(async () => {
    await slow.close();
    await database.close();
  });
  const other = ({ workspaceId, apiKey }: Tenant): Api =>
    apiOf(slow, workspacePath(workspaceId), { 'X-API-Key': apiKey });

  it('has no circle after two that would make one together', async () => {
    const tenant = await buildTenant(server);
    for (let round = 1; round <= 10; round += 1) {
      const [one, two] = [await createCompany(tenant), await createCompany(tenant)];
      const answers = await Promise.all([
        move(tenant.api, one._id, two._id),
        move(other(tenant), two._id, one._id),
      ]);
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 422]);
    }
  });

  it('stays a tree, 20 deep at most, while many move at random in two processes', async () => {
    const tenant = await buildTenant(server);
    const ids = [...(await buildChain(tenant, 12)), ...(await buildChain(tenant, 12))];
    const apis = [tenant.api, other(tenant)];
    const someId = () => ids[Math.floor(Math.random() * ids.length)] ?? '';
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, n) => {
        const api = apis[n % 2] as Api;
        if (n % 6 === 0) return api.post('/companies').send(buildCompany({ parentId: someId() }));
        return move(api, someId(), n % 10 === 1 ? null : someId());
      }),
    );
    for (const { status, text } of answers) expect([200, 201, 422], text).toContain(status);
    const { body } = await tenant.api.get('/companies?limit=100');
    const parents = new Map<string, string | undefined>(
      body.data.map(({ _id, parentId }: { _id: string; parentId?: string }) => [_id, parentId]),
    );
    for (const id of parents.keys()) {
      let depth = 0;
      for (let next: string | undefined = id; next; next = parents.get(next)) depth += 1;
      expect(depth).toBeLessThanOrEqual(20);
    }
  }, 30_000);

  it('makes no move that reaches the database after its turn is over', async () => {
    const tenant = await buildTenant(server);
    const [one, two] = [await createCompany(tenant), await createCompany(tenant)];
    await move(other(tenant), one._id, null);
    // What earlier writes owe is cleared by updates too.
    await slow.ctx.relay.idle();
    const held = database.holdNext('updates');
    const late = move(other(tenant), one._id, two._id).then();
    await held.reached;
    // As another process does it, once the turn of this one is over.
    const author = systemIn(new ObjectId(tenant.workspaceId));
    const lease = createLease(server.ctx.db, `company-tree:${tenant.workspaceId}`, 4_000);
    await until(() => lease.holdUntil());
    await updateRecord(server.ctx, companyEntity, author, new ObjectId(two._id), {
      set: { parentId: one._id },
    });
    held.release();
    expect((await late).status).toBe(422);
    expect(await read(tenant, one._id)).not.toHaveProperty('parentId');
    expect(await read(tenant, two._id)).toMatchObject({ parentId: one._id });
  }, 20_000);
});
