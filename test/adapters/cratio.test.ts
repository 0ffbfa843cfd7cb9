import supertest from 'supertest';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  apiOf,
  buildApiKey,
  buildPhone,
  buildTenant,
  startServer,
  type Tenant,
  useServer,
} from '../helpers/app.ts';
import { loadContract } from '../helpers/contract.ts';
import { useEvents } from '../helpers/events.ts';

const server = useServer({ isRateLimitSet: false });
const events = useEvents(server);
const contract = loadContract('openapi/contracts/cratio.json');

interface CratioLead {
  id: string;
  [field: string]: unknown;
}

const operationOf = (method: string, path: string) => {
  const template = path.split('?')[0]?.replace(/\/[0-9a-f-]{36}$|\/unknown$/, '/{id}');
  const operation = contract.operations.find((one) => one.key === `${method.toUpperCase()} ${template}`);
  if (!operation) throw new Error(`No operation ${method} ${path}`);
  return operation;
};

/** A tenant with a Cratio key; each answer is held against the contract. */
async function buildClient(key: Parameters<typeof buildApiKey>[2] = {}, tenant?: Tenant) {
  const owner = tenant ?? (await buildTenant(server));
  const { apiKey } = await buildApiKey(server, owner.workspaceId, { kind: 'cratio', ...key });
  const send = async (method: 'get' | 'post' | 'delete', path: string, body?: unknown) => {
    const request = apiOf(server, '', { Authorization: `Bearer ${apiKey}` })[method](path);
    const answer = await (body === undefined ? request : request.send(body as object));
    const operation = operationOf(method, path);
    if (operation.responses.has(answer.status)) {
      expect(contract.faults(operation, answer.status, answer.body)).toEqual([]);
    }
    return answer;
  };
  return {
    apiKey,
    tenant: owner,
    get: (path: string) => send('get', path),
    post: (path: string, body: unknown) => send('post', path, body),
    delete: (path: string) => send('delete', path),
    async createLead(body: object = {}): Promise<CratioLead> {
      const answer = await send('post', '/api/v1/leads', {
        name: 'Rahul Sharma',
        phone: buildPhone(),
        ...body,
      });
      expect(answer.status).toBe(201);
      return (answer.body as { data: CratioLead }).data;
    },
  };
}

describe('credentials', () => {
  it('lets in keys of this contract only', async () => {
    const { apiKey, tenant } = await buildClient();
    expect(apiKey).toMatch(/^le_live_/);
    const withHeader = (value: string) =>
      supertest(server.app.server).get('/api/v1/leads').set('Authorization', value);
    for (const wrong of [`Bearer ${tenant.apiKey}`, 'Bearer le_live_unknown', apiKey, 'Basic abc']) {
      const answer = await withHeader(wrong);
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({ error: { code: 'unauthorized', message: expect.any(String) } });
    }
    expect((await supertest(server.app.server).get('/api/v1/leads')).status).toBe(401);
    const native = apiOf(server, `/api/v1/workspaces/${tenant.workspaceId}`, { 'X-API-Key': apiKey });
    for (const path of ['/leads', '/messages', '/whatsapp/conversations']) {
      expect((await native.get(path)).status).toBe(401);
    }
  });

  it('demands the permission of each operation', async () => {
    const reader = await buildClient({ permissions: ['read'] });
    const id = '65b8c47f-4e2c-8fc1-8df3-a75111000000';
    expect((await reader.get('/api/v1/leads')).status).toBe(200);
    expect((await reader.post('/api/v1/leads', { name: 'A', phone: buildPhone() })).status).toBe(403);
    expect((await reader.delete(`/api/v1/leads/${id}`)).status).toBe(403);
    expect((await reader.delete(`/api/v1/call-logs/${id}`)).status).toBe(403);
    const writer = await buildClient({ permissions: ['write'] });
    const refused = await writer.get('/api/v1/call-logs');
    expect(refused.status).toBe(403);
    expect(refused.body).toEqual({ error: { code: 'forbidden', message: expect.any(String) } });
  });

  it('refuses addresses that are not allowed', async () => {
    const { get } = await buildClient({ allowedIps: ['203.0.113.0/24'] });
    expect((await get('/api/v1/leads')).status).toBe(403);
    const local = await buildClient({ allowedIps: ['127.0.0.1'] });
    expect((await local.get('/api/v1/leads')).status).toBe(200);
  });

  it('limits a key to 100 requests a minute by default', async () => {
    const { get } = await buildClient();
    const answers = await Promise.all(Array.from({ length: 101 }, () => get('/api/v1/leads?limit=1')));
    const refused = answers.filter(({ status }) => status === 429);
    // The minute may turn over once while the requests run.
    expect(refused.length).toBeLessThanOrEqual(1);
    const after = refused[0] ?? (await get('/api/v1/leads?limit=1'));
    expect(after.headers['x-ratelimit-limit']).toBe('100');
    if (after.status === 429) expect(Number(after.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('the limit that the operator has set', () => {
  it("holds in place of the contract's, save for a key's own", async () => {
    const strict = await startServer({ isRateLimitSet: true, rateLimit: { perMinute: 7, perHour: 1_000 } });
    try {
      const { workspaceId } = await buildTenant(strict);
      const limitOf = async (key: { rateLimitPerMinute?: number }) => {
        const { apiKey } = await buildApiKey(strict, workspaceId, { kind: 'cratio', ...key });
        const answer = await apiOf(strict, '', { Authorization: `Bearer ${apiKey}` }).get('/api/v1/leads');
        return answer.headers['x-ratelimit-limit'];
      };
      expect(await limitOf({})).toBe('7');
      expect(await limitOf({ rateLimitPerMinute: 50 })).toBe('50');
    } finally {
      await strict.close();
    }
  });
});

describe('POST /api/v1/leads', () => {
  it('creates a lead with the documented defaults and nulls', async () => {
    const { createLead, tenant } = await buildClient();
    const phone = buildPhone();
    const lead = await createLead({ phone });
    expect(lead).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/),
      name: 'Rahul Sharma',
      email: null,
      phone,
      company: null,
      city: null,
      source: 'API',
      status: 'New',
      priority: 'Medium',
      tags: [],
      deal_value: null,
      notes: null,
      assigned_to: null,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    const native = await tenant.api.get('/leads');
    expect(native.body.data).toMatchObject([
      { name: 'Rahul Sharma', mobileNumber: phone, status: 'new', source: 'API' },
    ]);
  });

  it('stores every field', async () => {
    const { createLead, tenant } = await buildClient();
    const full = {
      name: 'Priya Nair',
      email: 'priya@example.com',
      phone: buildPhone(),
      company: 'Nair Exports',
      city: 'Kochi',
      source: 'Facebook Ads',
      status: 'Proposal',
      priority: 'High',
      tags: ['vip', 'export'],
      deal_value: 1_250_000.5,
      notes: 'Call after five',
      assigned_to: `meera.${tenant.workspaceId}@example.com`,
    };
    expect(await createLead(full)).toMatchObject(full);
    const native = await tenant.api.get('/leads');
    expect(native.body.data).toMatchObject([
      {
        email: 'priya@example.com',
        status: 'proposal',
        priority: 'High',
        dealValue: 1_250_000.5,
        assignedTo: tenant.memberId,
      },
    ]);
  });

  it('merges into the lead with the same phone, changing only what is given', async () => {
    const { createLead, post } = await buildClient();
    const phone = buildPhone();
    const lead = await createLead({
      phone,
      status: 'Qualified',
      priority: 'High',
      source: 'IVR',
      tags: ['a'],
    });
    const spelled = `0${phone.slice(3)}`;
    const merged = await post('/api/v1/leads', { name: 'Rahul S.', phone: spelled, city: 'Pune' });
    expect(merged.status).toBe(200);
    expect(merged.body.data).toMatchObject({
      id: lead.id,
      name: 'Rahul S.',
      city: 'Pune',
      status: 'Qualified',
      priority: 'High',
      source: 'IVR',
      tags: ['a'],
    });
  });

  it('makes the events that the native API would make', async () => {
    const { createLead, post, tenant } = await buildClient();
    const phone = buildPhone();
    await createLead({ phone });
    await post('/api/v1/leads', { name: 'Rahul Sharma', phone, city: 'Pune' });
    // Nothing new: no change, no event.
    await post('/api/v1/leads', { name: 'Rahul Sharma', phone, city: 'Pune' });
    const [native] = (await tenant.api.get('/leads')).body.data as { _id: string }[];
    expect(await events.of(native?._id ?? '')).toEqual(['lead.created', 'lead.updated']);
  });

  it('makes no event of an email that is only restated, and keeps the lead the only one with it', async () => {
    const { post, tenant } = await buildClient();
    const restate = () => post('/api/v1/leads', { name: 'Priya', email: 'priya@example.com' });
    expect((await restate()).status).toBe(201);
    expect((await restate()).status).toBe(200);
    const [native] = (await tenant.api.get('/leads')).body.data as { _id: string }[];
    expect(await events.of(native?._id ?? '')).toEqual(['lead.created']);
    const { leadEntity } = await import('../../src/features/people/leads/record.ts');
    const { ObjectId } = await import('../../src/lib/ids.ts');
    const claims = () =>
      leadEntity
        .collection(server.ctx.db)
        .count(new ObjectId(tenant.workspaceId), { emailKey: { $exists: true } });
    expect(await claims()).toBe(1);
    await tenant.api.patch(`/leads/${native?._id}`).send({ email: 'other@example.com' });
    expect(await claims()).toBe(0);
  });

  it('merges by email, whatever its case', async () => {
    const { createLead, post, tenant } = await buildClient();
    const lead = await createLead({ phone: undefined, email: 'Priya@Example.com' });
    const merged = await post('/api/v1/leads', {
      name: 'Priya',
      email: 'priya@example.COM',
      phone: buildPhone(),
    });
    expect(merged.status).toBe(200);
    expect(merged.body.data.id).toBe(lead.id);
    const native = await tenant.api.get('/leads');
    expect(native.body.data).toHaveLength(1);
  });

  it('makes one lead of 50 parallel requests, by phone and by email', async () => {
    const { post, tenant } = await buildClient({ rateLimitPerMinute: 10_000 });
    const phone = buildPhone();
    const byPhone = Array.from({ length: 50 }, (_, index) =>
      post('/api/v1/leads', { name: `A${index}`, phone }),
    );
    const byEmail = Array.from({ length: 50 }, (_, index) =>
      post('/api/v1/leads', { name: `B${index}`, email: 'one@example.com' }),
    );
    const statuses = (await Promise.all([...byPhone, ...byEmail])).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(2);
    expect(statuses.filter((status) => status === 200)).toHaveLength(98);
    expect((await tenant.api.get('/leads')).body.data).toHaveLength(2);
  });

  it('merges into a lead that the native API made', async () => {
    const { post, tenant } = await buildClient();
    const phone = buildPhone();
    const made = await tenant.api
      .post('/leads')
      .send({ name: 'Native', mobileNumber: phone, status: 'site-visit' });
    const merged = await post('/api/v1/leads', { name: 'Native', phone, notes: 'Second call' });
    expect(merged.status).toBe(200);
    expect(merged.body.data).toMatchObject({ status: 'Contacted', notes: 'Second call' });
    // Written back as read: the native status survives.
    await post('/api/v1/leads', { name: 'Native', phone, status: 'Contacted' });
    const after = await tenant.api.get(`/leads/${made.body.data._id}`);
    expect(after.body.data).toMatchObject({ status: 'site-visit', description: 'Second call' });
  });

  it.each([
    [{}, 'name'],
    [{ name: 'A' }, 'phone'],
    [{ name: 'A', phone: 'none' }, 'phone'],
    [{ name: 'A', email: 'none' }, 'email'],
    [{ name: 'A', phone: '9876543210', status: 'Open' }, 'status'],
    [{ name: 'A', phone: '9876543210', priority: 'Urgent' }, 'priority'],
    [{ name: 'A', phone: '9876543210', deal_value: '5' }, 'deal_value'],
    [{ name: 'A', phone: '9876543210', tags: 'vip' }, 'tags'],
    [{ name: 'A', phone: '9876543210', assigned_to: 'nobody@example.com' }, 'assigned_to'],
    [{ name: { $gt: '' }, phone: '9876543210' }, 'name'],
  ])('answers %j with 400 naming %s', async (body, field) => {
    const { post, tenant } = await buildClient();
    const answer = await post('/api/v1/leads', body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ error: { code: 'invalid_request', message: expect.any(String), field } });
    expect((await tenant.api.get('/leads')).body.data).toEqual([]);
  });

  it('answers malformed JSON with 400', async () => {
    const { apiKey } = await buildClient();
    const answer = await supertest(server.app.server)
      .post('/api/v1/leads')
      .set('Authorization', `Bearer ${apiKey}`)
      .set('Content-Type', 'application/json')
      .send('{"name":');
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ error: { code: 'invalid_request', message: expect.any(String) } });
  });
});

describe('GET /api/v1/leads', () => {
  it('filters, and pages by offset', async () => {
    const { createLead, get, tenant } = await buildClient({ rateLimitPerMinute: 1_000 });
    const assigned_to = `meera.${tenant.workspaceId}@example.com`;
    const first = await createLead({ status: 'Won', source: 'IVR', priority: 'High', assigned_to });
    const second = await createLead({ status: 'Lost', source: 'IVR' });
    const third = await createLead({});
    const idsOf = async (query: string) => {
      const answer = await get(`/api/v1/leads${query}`);
      expect(answer.status).toBe(200);
      return (answer.body as { data: CratioLead[] }).data.map(({ id }) => id);
    };
    expect(await idsOf('')).toEqual([third.id, second.id, first.id]);
    expect(await idsOf('?status=Won')).toEqual([first.id]);
    expect(await idsOf('?source=IVR')).toEqual([second.id, first.id]);
    expect(await idsOf('?source=IVR&status=Lost')).toEqual([second.id]);
    expect(await idsOf('?priority=Medium')).toEqual([third.id, second.id]);
    expect(await idsOf(`?assigned_to=${assigned_to}`)).toEqual([first.id]);
    expect(await idsOf('?assigned_to=nobody@example.com')).toEqual([]);
    const page = await get('/api/v1/leads?limit=2&offset=0');
    expect(page.body.pagination).toEqual({ limit: 2, offset: 0, total: 3, has_more: true });
    const last = await get('/api/v1/leads?limit=2&offset=2');
    expect(last.body.data).toMatchObject([{ id: first.id }]);
    expect(last.body.pagination).toEqual({ limit: 2, offset: 2, total: 3, has_more: false });
    const beyond = await get('/api/v1/leads?limit=2&offset=1000000');
    expect(beyond.body).toEqual({
      data: [],
      pagination: { limit: 2, offset: 1_000_000, total: 3, has_more: false },
    });
  });

  it('shows a status without a word of its own as the nearest, and finds it by that', async () => {
    const { get, tenant } = await buildClient();
    await tenant.api.post('/leads').send({ name: 'A', mobileNumber: buildPhone(), status: 'site-visit' });
    await tenant.api.post('/leads').send({ name: 'B', mobileNumber: buildPhone(), status: 'interested' });
    expect((await get('/api/v1/leads?status=Contacted')).body.data).toMatchObject([
      { name: 'A', status: 'Contacted' },
    ]);
    expect((await get('/api/v1/leads?status=Qualified')).body.data).toMatchObject([{ name: 'B' }]);
  });

  it.each([
    'limit=0',
    'limit=501',
    'limit=x',
    'offset=-1',
    'status=Open',
    'priority=x',
    'from_date=2026-02-30',
    'to_date=yesterday',
  ])('answers %s with 400', async (query) => {
    const { get } = await buildClient();
    const answer = await get(`/api/v1/leads?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body.error.field).toBe(query.split('=')[0]);
  });

  it('reads the dates as Indian days', async () => {
    const { createLead, get } = await buildClient();
    const lead = await createLead();
    const day = new Date(Date.parse(String(lead.created_at)) + 5.5 * 3_600_000).toISOString().slice(0, 10);
    const next = new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
    expect((await get(`/api/v1/leads?from_date=${day}&to_date=${day}`)).body.data).toHaveLength(1);
    expect((await get(`/api/v1/leads?from_date=${next}&to_date=${next}`)).body.data).toHaveLength(0);
    expect((await get(`/api/v1/leads?from_date=${next}&to_date=${day}`)).body.error.field).toBe('from_date');
  });

  it('leaves out what is older than 30 days, unless asked', async () => {
    const { get, tenant } = await buildClient();
    const lead = await tenant.api.post('/leads').send({ name: 'Old', mobileNumber: buildPhone() });
    const { leadEntity } = await import('../../src/features/people/leads/record.ts');
    const { ObjectId } = await import('../../src/lib/ids.ts');
    const old = new Date(Date.now() - 40 * 86_400_000);
    await leadEntity
      .collection(server.ctx.db)
      .updateOne(
        new ObjectId(tenant.workspaceId),
        { _id: new ObjectId(String(lead.body.data._id)) },
        { $set: { createdAt: old } },
      );
    expect((await get('/api/v1/leads')).body.data).toEqual([]);
    const from = old.toISOString().slice(0, 10);
    expect((await get(`/api/v1/leads?from_date=${from}`)).body.data).toHaveLength(1);
  });
});

describe('DELETE /api/v1/leads/{id}', () => {
  it('takes the call logs, activities and notes with it, and leaves an audit row', async () => {
    const { createLead, get, post, delete: remove, tenant } = await buildClient();
    const lead = await createLead();
    await post('/api/v1/call-logs', { lead_id: lead.id, call_type: 'Inbound', duration_seconds: 5 });
    const [native] = (await tenant.api.get('/leads')).body.data as { _id: string }[];
    await tenant.api.post(`/leads/${native?._id}/notes`).send({ content: 'A note' });
    const answer = await remove(`/api/v1/leads/${lead.id}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ data: { id: lead.id, deleted: true } });
    expect((await get('/api/v1/call-logs')).body.data).toEqual([]);
    expect((await tenant.api.get(`/leads/${native?._id}`)).status).toBe(404);
    expect((await remove(`/api/v1/leads/${lead.id}`)).status).toBe(404);

    const { activityEntity } = await import('../../src/features/engagement/activities/record.ts');
    const { auditRows } = await import('../../src/features/platform/audit/model.ts');
    const { ObjectId } = await import('../../src/lib/ids.ts');
    const workspaceId = new ObjectId(tenant.workspaceId);
    expect(await activityEntity.collection(server.ctx.db).count(workspaceId, {})).toBe(0);
    const rows = await auditRows(server.ctx.db).find(workspaceId, {}).toArray();
    expect(rows).toMatchObject([{ action: 'lead.deleted', recordId: new ObjectId(native?._id) }]);
    expect(rows[0]).not.toHaveProperty('isUnfinished');
  });

  it('answers an unknown id, a malformed one and another workspace’s alike', async () => {
    const { delete: remove } = await buildClient();
    const stranger = await buildClient();
    const theirs = await stranger.createLead();
    const answers = await Promise.all(
      [theirs.id, '65b8c47f-4e2c-8fc1-8df3-a75111000000', 'unknown'].map((id) =>
        remove(`/api/v1/leads/${id}`),
      ),
    );
    for (const answer of answers) {
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual({ error: { code: 'not_found', message: 'Lead not found' } });
    }
    expect((await stranger.get('/api/v1/leads')).body.data).toHaveLength(1);
  });

  it('is done by one of many who ask at once; the others find nothing any more', async () => {
    const { createLead, tenant, delete: remove } = await buildClient();
    const lead = await createLead();
    const answers = await Promise.all(Array.from({ length: 8 }, () => remove(`/api/v1/leads/${lead.id}`)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(7).fill(404)]);
    const { auditRows } = await import('../../src/features/platform/audit/model.ts');
    const { ObjectId } = await import('../../src/lib/ids.ts');
    const rows = await auditRows(server.ctx.db).find(new ObjectId(tenant.workspaceId), {}).toArray();
    expect(rows).toHaveLength(1);
    expect(rows[0]).not.toHaveProperty('isUnfinished');
  });

  it('passes on first what the lead still owes', async () => {
    const { createLead, delete: remove } = await buildClient();
    const { relay } = server.ctx;
    const heard: string[] = [];
    let isWanted = true;
    relay.addListener({
      name: 'deletions',
      isListening: async () => isWanted,
      accept: async (events) => void heard.push(...events.map(({ record }) => String(record.name))),
    });
    const { hand } = relay;
    relay.hand = () => {};
    try {
      const lead = await createLead({ name: 'Owing' });
      expect(heard).toEqual([]);
      expect((await remove(`/api/v1/leads/${lead.id}`)).status).toBe(200);
      expect(heard).toEqual(['Owing']);
    } finally {
      relay.hand = hand;
      isWanted = false;
    }
  });

  it('is finished by the sweep when its process died', async () => {
    const { createLead, tenant, get } = await buildClient();
    const lead = await createLead();
    const { auditRows } = await import('../../src/features/platform/audit/model.ts');
    const { sweepDeletions } = await import('../../src/features/data/erasure/service.ts');
    const { fromUuid } = await import('../../src/lib/uuid.ts');
    const { ObjectId } = await import('../../src/lib/ids.ts');
    const workspaceId = new ObjectId(tenant.workspaceId);
    await auditRows(server.ctx.db).insertOne(workspaceId, {
      _id: new ObjectId(),
      workspaceId,
      action: 'lead.deleted',
      recordId: fromUuid(lead.id) as InstanceType<typeof ObjectId>,
      actorId: 'test',
      at: new Date(Date.now() - 60_000),
      isUnfinished: true,
    });
    await sweepDeletions(server.ctx, new AbortController().signal);
    expect((await get('/api/v1/leads')).body.data).toEqual([]);
  });
});

describe('call logs', () => {
  it('creates, lists, filters and deletes', async () => {
    const { createLead, get, post, delete: remove, tenant } = await buildClient();
    const lead = await createLead();
    const other = await createLead();
    const full = {
      lead_id: lead.id,
      call_type: 'Outbound',
      duration_seconds: 42,
      outcome: 'No Answer',
      notes: 'Try again',
      called_at: new Date(Date.now() - 3_600_000).toISOString(),
    };
    const created = await post('/api/v1/call-logs', full);
    expect(created.status).toBe(201);
    expect(created.body.data).toEqual({ ...full, id: expect.any(String), created_at: expect.any(String) });
    const plain = await post('/api/v1/call-logs', {
      lead_id: other.id,
      call_type: 'Inbound',
      duration_seconds: 0,
    });
    expect(plain.body.data).toMatchObject({ outcome: 'Completed', notes: null });
    const idsOf = async (query: string) => {
      const answer = await get(`/api/v1/call-logs${query}`);
      expect(answer.status).toBe(200);
      return (answer.body as { data: { id: string }[] }).data.map(({ id }) => id);
    };
    expect(await idsOf('')).toEqual([plain.body.data.id, created.body.data.id]);
    expect(await idsOf(`?lead_id=${lead.id}`)).toEqual([created.body.data.id]);
    expect(await idsOf('?call_type=Inbound')).toEqual([plain.body.data.id]);
    expect(await idsOf('?lead_id=0189a1de-0000-7000-8000-000000000000')).toEqual([]);
    const [native] = (await tenant.api.get('/leads?q=rahul&limit=1')).body.data as { _id: string }[];
    const activities = await tenant.api.get(`/leads/${native?._id}/activities`);
    expect(activities.body.data).toMatchObject([
      { type: 'call', call: { direction: 'inbound', outcome: 'completed' } },
    ]);
    const removed = await remove(`/api/v1/call-logs/${created.body.data.id}`);
    expect(removed.body).toEqual({ data: { id: created.body.data.id, deleted: true } });
    expect((await remove(`/api/v1/call-logs/${created.body.data.id}`)).status).toBe(404);
  });

  it.each([
    [{}, 'lead_id'],
    [{ lead_id: 'x' }, 'lead_id'],
    [{ lead_id: '65b8c47f-4e2c-8fc1-8df3-a75111000000' }, 'lead_id'],
    [{ call_type: 'Up' }, 'call_type'],
    [{ duration_seconds: -1 }, 'duration_seconds'],
    [{ duration_seconds: 1.5 }, 'duration_seconds'],
    [{ outcome: 'Fine' }, 'outcome'],
    [{ called_at: 'yesterday' }, 'called_at'],
  ])('answers %j with 400 naming %s', async (change, field) => {
    const { createLead, post } = await buildClient();
    const valid = { lead_id: (await createLead()).id, call_type: 'Inbound', duration_seconds: 1 };
    const answer = await post('/api/v1/call-logs', Object.keys(change).length ? { ...valid, ...change } : {});
    expect(answer.status).toBe(400);
    expect(answer.body.error.field).toBe(field);
  });

  it('shows nothing of another workspace', async () => {
    const { createLead, post } = await buildClient();
    const stranger = await buildClient();
    const lead = await createLead();
    const log = await post('/api/v1/call-logs', {
      lead_id: lead.id,
      call_type: 'Inbound',
      duration_seconds: 1,
    });
    expect((await stranger.get(`/api/v1/call-logs?lead_id=${lead.id}`)).body.data).toEqual([]);
    expect((await stranger.delete(`/api/v1/call-logs/${log.body.data.id}`)).status).toBe(404);
    const added = await stranger.post('/api/v1/call-logs', {
      lead_id: lead.id,
      call_type: 'Inbound',
      duration_seconds: 1,
    });
    expect(added.body.error.field).toBe('lead_id');
  });
});

describe('one lead through both contracts', () => {
  it('is created there, changed here and synchronised natively', async () => {
    const { createLead, post, get, tenant } = await buildClient();
    const lead = await createLead({ status: 'Contacted' });
    const [native] = (await tenant.api.get('/leads')).body.data as { _id: string; mobileNumber: string }[];
    await tenant.api.patch(`/leads/${native?._id}`).send({ status: 'negotiating', tags: ['hot'] });
    expect((await get('/api/v1/leads')).body.data).toMatchObject([
      { id: lead.id, status: 'Contacted', tags: ['hot'] },
    ]);
    await post('/api/v1/leads', { name: 'Rahul', phone: native?.mobileNumber, deal_value: 5_000 });
    const after = await tenant.api.get(`/leads/${native?._id}`);
    expect(after.body.data).toMatchObject({
      status: 'negotiating',
      tags: ['hot'],
      dealValue: 5_000,
      name: 'Rahul',
    });
    await tenant.api.post(`/leads/${native?._id}/archive`);
    expect((await get('/api/v1/leads')).body.data).toEqual([]);
  });

  it('shows a lead without a phone number natively without mobileNumber', async () => {
    const { createLead, tenant } = await buildClient();
    await createLead({ phone: undefined, email: 'only@example.com' });
    const [native] = (await tenant.api.get('/leads')).body.data as object[];
    expect(native).not.toHaveProperty('mobileNumber');
    expect(native).toMatchObject({ email: 'only@example.com' });
  });
});

describe('the document', () => {
  let document: { paths: Record<string, Record<string, unknown>> };
  beforeAll(async () => {
    document = (await supertest(server.app.server).get('/api/openapi/cratio.json')).body as typeof document;
  });

  it('has the contract’s six operations', () => {
    const keys = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(keys.sort()).toEqual(contract.operations.map(({ key }) => key).sort());
  });

  it('is not in the native one', async () => {
    const native = (await supertest(server.app.server).get('/api/openapi.json')).body as typeof document;
    expect(Object.keys(native.paths)).not.toContain('/api/v1/leads');
  });
});
