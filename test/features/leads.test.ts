import { describe, expect, it } from 'vitest';
import { leadEntity } from '../../src/features/people/leads/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { createCustomField } from '../../src/tenancy/workspaces/service.ts';
import { buildLead, buildPhone, buildTenant, getWorkspace, type Tenant, useServer } from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import { createLead } from '../helpers/factories.ts';
import { describeRecord } from '../helpers/record-suite.ts';
import { followSync, type SyncedRecord } from '../helpers/sync.ts';

const server = useServer();
const events = useEvents(server);

describeRecord(server, {
  path: '/leads',
  label: 'Lead',
  read: 'lead.read',
  write: 'lead.write',
  build: () => buildLead({ email: 'rahul@example.com', tags: ['vip'], fields: { budget: 100 } }),
  change: (n) => ({ status: `stage ${n}`, fields: { budget: n } }),
  required: ['name', 'mobileNumber'],
  invalid: [
    ['name', 'x'.repeat(10_000)],
    ['name', 5],
    ['mobileNumber', 'none'],
    ['mobileNumber', '1'.repeat(33)],
    ['email', 'not an address'],
    ['status', ['new']],
    ['tags', 'vip'],
    ['tags', Array(51).fill('x')],
    ['description', 'x'.repeat(20_001)],
    ['assignedTo', '65b8c47f4e2cfc1df3a75111'],
    ['assignedTo', { $ne: null }],
    ['fields', []],
    ['fields', { $gt: 1 }],
    ['fields', { 'a.b': 1 }],
    ['fields', { 'a=b': 1 }],
    ['fields', { '': 1 }],
    ['fields', { a: { b: { c: { d: { e: { f: { g: { h: { i: 1 } } } } } } } } }],
    ['fields', Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`k${n}`, n]))],
    ['fields', { a: { _bsontype: 'ObjectId' } }],
  ],
  operations: [
    { method: 'post', path: '/leads/bulk', scope: 'lead.write' },
    { method: 'post', path: '/leads/check-duplicate', scope: 'lead.read' },
    { method: 'post', path: '/inbound/leads', scope: 'lead.write' },
  ],
});

describe('POST /leads', () => {
  it('keeps every field of the input and adds the workspace defaults', async () => {
    const tenant = await buildTenant(server);
    const body = buildLead({
      email: 'rahul@example.com',
      company: 'Acme',
      city: 'Pune',
      source: 'website',
      tags: ['vip', 'vip 2'],
      description: 'Wants a sea view',
      assignedTo: tenant.memberId,
      fields: { budget: 100, areas: ['Worli'], place: { city: 'Mumbai' }, isNri: false },
    });
    const lead = await createLead(tenant, body);
    expect(lead).toMatchObject({ ...body, status: 'new', leadStage: 'new' });
    expect(await events.of(lead._id)).toEqual(['lead.created']);
    const chosen = await createLead(tenant, { status: 'contacted', leadStage: 'qualified' });
    expect(chosen).toMatchObject({ status: 'contacted', leadStage: 'qualified' });
  });

  it('keeps the name and its parts in step, and what else contacts have', async () => {
    const tenant = await buildTenant(server);
    const body = buildLead({
      email: 'rahul@example.com',
      country: 'India',
      leadScore: 3.5,
      qualification: 'budget known',
      social: { platform: 'instagram', handle: '@rahul' },
    });
    const lead = await createLead(tenant, body);
    const parts = { firstName: 'Rahul', lastName: 'Sharma', emailDomain: 'example.com' };
    expect(lead).toMatchObject({ ...body, ...parts });
    const changed = await tenant.api.patch(`/leads/${lead._id}`).send({ firstName: 'Raj' });
    expect(changed.body.data).toMatchObject({ name: 'Raj Sharma', firstName: 'Raj', lastName: 'Sharma' });
  });

  it('ignores unknown fields, and custom fields without a value', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant, {
      customerId: 'forged',
      mobileE164: 'x',
      version: 9,
      fields: { a: null, b: 1 },
    });
    for (const name of ['customerId', 'mobileE164', 'version']) expect(lead).not.toHaveProperty(name);
    expect(lead.fields).toEqual({ b: 1 });
  });

  it('takes ordinary names that mean something to a program', async () => {
    const tenant = await buildTenant(server);
    const fields = { constructor: 'x', toString: 'y', hasOwnProperty: 1, 0: 'zero', 'sp ace': 1, ünï: 2 };
    const lead = await createLead(tenant, { fields });
    expect(lead.fields).toEqual(fields);
    const patched = await tenant.api
      .patch(`/leads/${lead._id}`)
      .send({ fields: { constructor: null, 0: 'one' } });
    expect(patched.body.data.fields).toEqual({
      toString: 'y',
      hasOwnProperty: 1,
      0: 'one',
      'sp ace': 1,
      ünï: 2,
    });
  });

  it('refuses numbers that no document can hold', async () => {
    const { api } = await buildTenant(server);
    const text = JSON.stringify(buildLead({ fields: { x: 'HUGE' } })).replace('"HUGE"', '1e999');
    const answer = await api.post('/leads').set('Content-Type', 'application/json').send(text);
    expect(answer.status).toBe(422);
    expect(answer.body.details).toEqual({ fields: ['Number out of range'] });
  });

  it('answers a number that a live lead has with that lead', async () => {
    const tenant = await buildTenant(server);
    const first = await createLead(tenant, { mobileNumber: '9876543210' });
    for (const mobileNumber of ['+91 98765-43210', '09876543210', '(98765) 43210']) {
      const answer = await tenant.api.post('/leads').send(buildLead({ mobileNumber }));
      expect(answer.status).toBe(409);
      expect(answer.body).toEqual({
        success: false,
        error: 'Duplicate lead found',
        duplicate: { leadId: first._id, name: first.name, createdAt: first.createdAt },
      });
    }
    await tenant.api.post(`/leads/${first._id}/archive`);
    const second = await createLead(tenant, { mobileNumber: '9876543210' });
    expect(second.mobileNumber).toBe('9876543210');
    await createLead(await buildTenant(server), { mobileNumber: '9876543210' });
  });

  it('makes one lead and 49 conflicts of 50 parallel requests with one number', async () => {
    const tenant = await buildTenant(server);
    const mobileNumber = buildPhone();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        tenant.api.post('/leads').send(buildLead({ name: `Copy ${n}`, mobileNumber })),
      ),
    );
    const created = answers.filter(({ status }) => status === 201);
    const conflicts = answers.filter(({ status }) => status === 409);
    expect([created.length, conflicts.length]).toEqual([1, 49]);
    for (const { body } of conflicts) expect(body.duplicate.leadId).toBe(created[0]?.body.data._id);
    expect((await tenant.api.get('/leads')).body.data).toHaveLength(1);
  });

  it('holds values against the fields that the workspace defined', async () => {
    const tenant = await buildTenant(server);
    const workspaceId = new ObjectId(tenant.workspaceId);
    const define = (fieldKey: string, type: 'number' | 'date' | 'select' | 'multiselect', required = false) =>
      createCustomField(server.ctx, workspaceId, {
        entity: 'lead',
        fieldKey,
        displayName: fieldKey,
        type,
        required,
        options: type.endsWith('select') ? ['a', 'b'] : [],
      });
    await define('budget', 'number', true);
    await define('visit', 'date');
    await define('kind', 'select');
    await define('kinds', 'multiselect');
    const detailsOf = async (fields: object) =>
      Object.keys((await tenant.api.post('/leads').send(buildLead({ fields }))).body.details ?? {});
    expect(await detailsOf({})).toEqual(['fields.budget']);
    expect(await detailsOf({ budget: 'x', visit: 'soon', kind: 'c', kinds: ['a', 'c'] })).toEqual([
      'fields.budget',
      'fields.visit',
      'fields.kind',
      'fields.kinds',
    ]);
    expect(await detailsOf({ budget: 1, visit: '2026-01-31', kind: 'a', kinds: [], other: 'kept' })).toEqual(
      [],
    );
  });

  it('adds the tags and the source to the lists of the workspace', async () => {
    const tenant = await buildTenant(server);
    await createLead(tenant, { tags: ['new tag'], source: 'portal' });
    const workspace = await getWorkspace(server.ctx, new ObjectId(tenant.workspaceId));
    expect(workspace.tags).toEqual(['new tag']);
    expect(workspace.sources).toContain('portal');
  });

  it('is closed while the module is off', async () => {
    const { api } = await buildTenant(server, { settings: { modules: ['contacts'] } });
    const answer = await api.post('/leads').send(buildLead());
    expect(answer.status).toBe(403);
    expect((await api.get('/leads')).status).toBe(403);
  });
});

describe('GET /leads', () => {
  it('filters by every declared field, by custom fields and by words', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant, {
      name: 'Zoë Marín-López',
      mobileNumber: '+14155550123',
      email: 'Zoe@Example.com',
      status: 'Interested',
      leadStage: 'qualified',
      source: 'fair',
      priority: 'High',
      tags: ['VIP', 'investor'],
      assignedTo: tenant.memberId,
      fields: { budget: 100, wants: ['sea view', 'gym'], note: 'y'.repeat(500), isNri: true },
    });
    await createLead(tenant, { fields: { budget: 200 } });
    const found = async (query: string) => (await tenant.api.get(`/leads?${query}`)).body.data;
    for (const query of [
      'status=interested',
      'leadStage=qualified',
      'tag=vip',
      'source=fair',
      'priority=High',
      `assignedTo=${tenant.memberId}`,
      'fields.budget=100',
      'fields.wants=gym',
      'fields.isNri=true',
      `fields.note=${'y'.repeat(500)}`,
      'q=lopez',
      'q=Zo%C3%AB%20marin',
      'q=zoe@example.com',
      'q=4155550123',
      'q=%2B1%20(415)%20555-0123',
      'status=Interested&tag=investor&fields.budget=100&q=zoe&sort=createdAt',
      `status=interested&updatedAfter=2020-01-01T00:00:00Z`,
    ]) {
      expect({ query, data: await found(query) }).toEqual({ query, data: [lead] });
    }
    const misses = [
      'status=new&tag=vip',
      'tag=vi',
      'q=zo',
      'q=@',
      'q=%20',
      'fields.budget=10',
      'fields.x=1',
      'status=$ne',
    ];
    for (const query of misses) expect({ query, data: await found(query) }).toEqual({ query, data: [] });
  });

  it('follows changes of what it filters by', async () => {
    const tenant = await buildTenant(server);
    const { _id: id } = await createLead(tenant, { tags: ['a'], fields: { x: 1, y: ['p', 'q'] } });
    const change = { tags: ['c'], status: null, name: 'New Name', fields: { x: null, y: ['r'] } };
    await tenant.api.patch(`/leads/${id}`).send(change);
    const count = async (query: string) => (await tenant.api.get(`/leads?${query}`)).body.data.length;
    const gone = ['tag=a', 'status=new', 'q=rahul', 'fields.x=1', 'fields.y=p'];
    expect(await Promise.all(gone.map(count))).toEqual([0, 0, 0, 0, 0]);
    expect(await Promise.all(['tag=c', 'q=name', 'fields.y=r'].map(count))).toEqual([1, 1, 1]);
  });

  it('pages through a filtered list', async () => {
    const tenant = await buildTenant(server);
    const wanted: string[] = [];
    for (let n = 0; n < 7; n += 1) {
      wanted.unshift((await createLead(tenant, { tags: ['hot'], source: n % 2 ? 'web' : 'fair' }))._id);
      await createLead(tenant, { tags: ['cold'] });
    }
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await tenant.api.get(`/leads?limit=2&tag=hot${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.data.map(({ _id }: { _id: string }) => _id));
      cursor = body.nextCursor;
    }
    expect(seen).toEqual(wanted);
  });

  it('combines every filter with every order', async () => {
    const tenant = await buildTenant(server);
    const leads = [];
    for (const status of ['new', 'won', 'new']) leads.push((await createLead(tenant, { status }))._id);
    const [first, second, third] = leads;
    await tenant.api.patch(`/leads/${first}`).send({ city: 'Pune' });
    const found = async (query: string) =>
      (await tenant.api.get(`/leads?${query}`)).body.data.map(({ _id }: { _id: string }) => _id);
    expect(await found('status=new&sort=updatedAt')).toEqual([third, first]);
    expect(await found('q=rahul&sort=-updatedAt')).toEqual([first, third, second]);
    const since = '2020-01-01T00:00:00Z';
    expect(await found(`updatedAfter=${since}&sort=createdAt`)).toEqual([first, second, third]);
    expect(await found(`createdAfter=${since}&status=won&sort=updatedAt`)).toEqual([second]);
  });
});

describe('PUT /leads/:id', () => {
  it('demands what the document demands, merges custom fields and tells the listeners', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant, { email: 'a@example.com', fields: { x: 1, y: { z: 1 } } });
    const path = `/leads/${lead._id}`;
    expect((await tenant.api.put(path).send({ status: 'won' })).status).toBe(422);
    const body = { name: 'B', mobileNumber: lead.mobileNumber, status: 'won', fields: { y: { w: 2 } } };
    const answer = await tenant.api.put(path).send(body);
    expect(answer.body.data).toMatchObject({
      ...body,
      email: 'a@example.com',
      fields: { x: 1, y: { w: 2 } },
    });
    expect(await events.of(lead._id)).toEqual(['lead.created', 'lead.updated']);
    const [event] = await events.recordsOf(lead._id, 'lead.updated');
    expect(event).toMatchObject({ name: 'B', status: 'won', version: 2 });
  });

  it('refuses the number of another live lead', async () => {
    const tenant = await buildTenant(server);
    const first = await createLead(tenant, { mobileNumber: '+919876543210' });
    const second = await createLead(tenant);
    const body = { name: 'Second', mobileNumber: '098765 43210' };
    const answer = await tenant.api.put(`/leads/${second._id}`).send(body);
    expect(answer.status).toBe(409);
    expect(answer.body.duplicate).toEqual({
      leadId: first._id,
      name: first.name,
      createdAt: first.createdAt,
    });
    expect((await tenant.api.get(`/leads/${second._id}`)).body.data).toEqual(second);
    const own = await tenant.api.put(`/leads/${first._id}`).send(body);
    expect(own.status).toBe(200);
  });
});

describe('PATCH /leads/:id', () => {
  it('merges as RFC 7396 says', async () => {
    const tenant = await buildTenant(server);
    const fields = { list: ['a'], place: { city: 'Mumbai', area: { name: 'Worli', pin: 1 } }, text: 'x' };
    const lead = await createLead(tenant, { email: 'a@example.com', tags: ['a'], fields });
    const patch = async (body: object) => (await tenant.api.patch(`/leads/${lead._id}`).send(body)).body.data;
    const cleared = await patch({ email: null, tags: null, status: null });
    for (const name of ['email', 'tags', 'status']) expect(cleared).not.toHaveProperty(name);
    const merged = await patch({
      fields: { place: { city: null, area: { pin: 2 } }, list: { a: 1 }, text: null },
    });
    expect(merged.fields).toEqual({ list: { a: 1 }, place: { area: { name: 'Worli', pin: 2 } } });
    expect((await patch({ fields: { list: ['a', 'b'] } })).fields.list).toEqual(['a', 'b']);
    expect((await patch({ fields: { list: 'a' } })).fields.list).toBe('a');
    expect((await patch({})).fields).toEqual({ list: 'a', place: { area: { name: 'Worli', pin: 2 } } });
    for (const body of [{ name: null }, { mobileNumber: null }, { fields: null }]) {
      expect((await tenant.api.patch(`/leads/${lead._id}`).send(body)).status).toBe(422);
    }
  });

  it('owes no event for a change of nothing', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant, { fields: { a: [1, { b: 2 }] } });
    await tenant.api
      .patch(`/leads/${lead._id}`)
      .send({ name: lead.name, fields: { a: [1, { b: 2 }], none: null } });
    expect((await tenant.api.get(`/leads/${lead._id}`)).body.data).toEqual(lead);
    expect(await events.of(lead._id)).toEqual(['lead.created']);
  });
});

describe('POST /leads/:id/archive', () => {
  it('is an update to the listeners, once', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant);
    for (let n = 0; n < 3; n += 1) await tenant.api.post(`/leads/${lead._id}/archive`);
    expect(await events.of(lead._id)).toEqual(['lead.created', 'lead.updated']);
  });
});

describe('GET /leads/sync', () => {
  it('misses nothing beside eight writers, and sees the final version of everything', async () => {
    const tenant = await buildTenant(server);
    const shared = await createLead(tenant);
    let hasWritten = false;
    const write = async (writer: number) => {
      const created = await tenant.api
        .post('/leads/bulk')
        .send({ leads: [buildLead(), buildLead(), buildLead()] });
      const ids: string[] = created.body.data.map(({ _id }: SyncedRecord) => _id);
      for (let n = 0; n < 10; n += 1) {
        const id = n % 3 === 0 ? shared._id : ids[n % 3];
        await tenant.api.patch(`/leads/${id}`).send({ status: `w${writer}n${n}` });
      }
      await tenant.api.post(`/leads/${ids[0]}/archive`);
      return ids;
    };
    const finals = new Map<string, SyncedRecord>();
    const reading = followSync<SyncedRecord>(
      tenant.api,
      '/leads',
      (seen) =>
        hasWritten && [...finals].every(([id, { updatedAt }]) => seen.get(id)?.updatedAt === updatedAt),
    );
    const ids = (await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)))).flat();
    for (const id of [shared._id, ...ids]) finals.set(id, (await tenant.api.get(`/leads/${id}`)).body.data);
    hasWritten = true;
    expect(Object.fromEntries(await reading)).toEqual(Object.fromEntries(finals));
  });
});

describe('POST /leads/bulk', () => {
  const bulk = (tenant: Tenant, rows: unknown, key?: string) => {
    const request = tenant.api.post('/leads/bulk');
    return (key ? request.set('Idempotency-Key', key) : request).send({ leads: rows } as object);
  };
  const buildLeads = (count: number) => Array.from({ length: count }, () => buildLead());

  it('answers each row in its place', async () => {
    const tenant = await buildTenant(server);
    const existing = await createLead(tenant);
    const good = buildLead({ status: 'contacted' });
    const rows = [
      good,
      { ...good, name: 'Again' },
      { name: 'No number' },
      buildLead({ mobileNumber: existing.mobileNumber }),
      buildLead({ assignedTo: 'nobody' }),
      null,
      buildLead(),
    ];
    const answer = await bulk(tenant, rows);
    expect(answer.status).toBe(201);
    const [first, last] = answer.body.data;
    expect(answer.body).toEqual({
      success: true,
      count: 2,
      skippedDuplicates: 5,
      data: [expect.objectContaining(good), expect.objectContaining(rows[6] as object)],
      results: [
        { index: 0, status: 'created', id: first._id, leadId: first._id },
        { index: 1, status: 'skipped', error: 'Duplicate mobile number' },
        { index: 2, status: 'error', error: expect.stringContaining('mobileNumber') },
        { index: 3, status: 'skipped', error: 'Duplicate mobile number' },
        { index: 4, status: 'error', error: expect.stringContaining('assignedTo') },
        { index: 5, status: 'error', error: expect.any(String) },
        { index: 6, status: 'created', id: last._id, leadId: last._id },
      ],
    });
    expect(await events.of(first._id)).toEqual(['lead.created']);
    expect((await tenant.api.get(`/leads/${last._id}`)).body.data).toEqual(last);
  });

  it('answers 201 when no row is any good', async () => {
    const tenant = await buildTenant(server);
    const answer = await bulk(tenant, [{}, 5]);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ success: true, count: 0, skippedDuplicates: 2, data: [] });
  });

  it('imports once for one key, however many run at the same time', async () => {
    const tenant = await buildTenant(server);
    const rows = [...buildLeads(30), { name: 'Bad row' }];
    const answers = await Promise.all(Array.from({ length: 4 }, () => bulk(tenant, rows, 'import')));
    for (const { status, text } of answers) {
      expect({ status, text }).toEqual({ status: 201, text: answers[0]?.text });
    }
    expect((await tenant.api.get('/leads?limit=100')).body.data).toHaveLength(30);
    const replay = await bulk(tenant, rows, 'import');
    expect(replay.headers['idempotency-replayed']).toBe('true');
    for (const other of [buildLeads(31), rows.slice(30), [...rows, buildLead()]]) {
      const answer = await bulk(tenant, other, 'import');
      expect(answer.status).toBe(422);
      expect(answer.body.details).toEqual({ 'Idempotency-Key': [expect.any(String)] });
    }
    expect((await tenant.api.get('/leads?limit=100')).body.data).toHaveLength(30);
  });

  it('completes what a dead process began, and answers as the whole', async () => {
    const tenant = await buildTenant(server);
    const rows = buildLeads(10);
    const whole = await bulk(tenant, rows, 'import');
    const lost = whole.body.data.slice(6).map(({ _id }: SyncedRecord) => new ObjectId(_id));
    await leadEntity
      .collection(server.ctx.db)
      .deleteMany(new ObjectId(tenant.workspaceId), { _id: { $in: lost } });
    // It died before it could note what it was about to answer.
    await server.ctx.db.tenant('bulk_answers').deleteMany(new ObjectId(tenant.workspaceId), {});
    const answer = await bulk(tenant, rows, 'import');
    expect(answer.body).toMatchObject({ count: 10, data: rows });
    expect(answer.body.data.slice(0, 6)).toEqual(whole.body.data.slice(0, 6));
    expect((await tenant.api.get('/leads?limit=100')).body.data).toHaveLength(10);
  });

  it('replays rows as they were first answered', async () => {
    const tenant = await buildTenant(server);
    const rows = buildLeads(3);
    const first = await bulk(tenant, rows, 'import');
    const [one, two] = first.body.data;
    await tenant.api.patch(`/leads/${one._id}`).send({ status: 'won' });
    await tenant.api.post(`/leads/${two._id}/archive`);
    expect((await bulk(tenant, rows, 'import')).text).toBe(first.text);
  });

  it('takes 500 rows and 5 MiB, and no more', async () => {
    const tenant = await buildTenant(server);
    const large = buildLeads(500).map((lead) => ({ ...lead, description: 'x'.repeat(9_000) }));
    const answer = await bulk(tenant, large);
    expect(answer.body).toMatchObject({ count: 500, skippedDuplicates: 0 });
    expect((await bulk(tenant, buildLeads(501))).status).toBe(422);
    expect((await bulk(tenant, [])).status).toBe(422);
    expect((await bulk(tenant, buildLead())).status).toBe(422);
    expect((await tenant.api.post('/leads/bulk').send({})).status).toBe(422);
    const tooLarge = buildLeads(400).map((lead) => ({ ...lead, description: 'x'.repeat(14_000) }));
    expect((await bulk(tenant, tooLarge)).status).toBe(413);
  });

  it('refuses rows that are nested too deeply, or the whole body when it is beyond all measure', async () => {
    const tenant = await buildTenant(server);
    const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
    const answer = await bulk(tenant, [nested(40), buildLead({ fields: { deep: nested(9) } })], 'k');
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ count: 0, results: [{ status: 'error' }, { status: 'error' }] });
    const deep = `{"leads":[${'['.repeat(100_000)}${']'.repeat(100_000)}]}`;
    const refused = await tenant.api.post('/leads/bulk').set('Content-Type', 'application/json').send(deep);
    expect(refused.status).toBe(422);
  });
});

describe('POST /leads/check-duplicate', () => {
  it('finds a live lead by its number, written in any way', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant, { mobileNumber: '+91 98765 43210' });
    const check = async (phone: unknown) => {
      const answer = await tenant.api.post('/leads/check-duplicate').send({ phone });
      return [answer.status, answer.body];
    };
    const found = [200, { success: true, exists: true, leadId: lead._id }];
    const missing = [200, { success: true, exists: false, leadId: null }];
    for (const phone of ['+919876543210', '9876543210', ' 098765-43210 '])
      expect(await check(phone)).toEqual(found);
    for (const phone of ['+919876543211', 'x', '1']) expect(await check(phone)).toEqual(missing);
    await tenant.api.post(`/leads/${lead._id}/archive`);
    expect(await check('9876543210')).toEqual(missing);
    const stranger = await buildTenant(server);
    await createLead(stranger, { mobileNumber: '9876543210' });
    expect(await check('9876543210')).toEqual(missing);
    for (const phone of [undefined, '', 5, { $ne: '' }, '1'.repeat(33)]) {
      expect((await check(phone))[0]).toBe(422);
    }
  });
});

describe('POST /inbound/leads', () => {
  it('captures a lead, and a known number only once', async () => {
    const tenant = await buildTenant(server);
    const body = buildLead({ source: 'portal' });
    const first = await tenant.api.post('/inbound/leads').send(body);
    expect(first.status).toBe(201);
    expect(first.body).toEqual({ success: true, message: 'Lead captured successfully' });
    const second = await tenant.api.post('/inbound/leads').send({ ...body, name: 'Again' });
    expect(second.status).toBe(201);
    expect(second.body).toEqual({ success: true, message: 'Lead captured already' });
    const { data } = (await tenant.api.get('/leads')).body;
    expect(data).toEqual([expect.objectContaining({ ...body, status: 'new' })]);
    expect(await events.of(data[0]._id)).toEqual(['lead.created']);
    expect((await tenant.api.post('/inbound/leads').send({ name: 'x' })).status).toBe(422);
  });

  it('answers a retry as the first time', async () => {
    const tenant = await buildTenant(server);
    const body = buildLead();
    const send = () => tenant.api.post('/inbound/leads').set('Idempotency-Key', 'form-1').send(body);
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    for (const answer of answers) {
      expect(answer.status).toBe(201);
      expect(answer.body.message).toBe('Lead captured successfully');
    }
    expect((await tenant.api.get('/leads')).body.data).toHaveLength(1);
    // The key is of the route: the same one elsewhere is another.
    const other = await tenant.api.post('/leads').set('Idempotency-Key', 'form-1').send(buildLead());
    expect(other.status).toBe(201);
    expect(other.headers).not.toHaveProperty('idempotency-replayed');
  });
});
