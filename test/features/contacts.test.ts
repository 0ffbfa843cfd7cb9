import { describe, expect, it } from 'vitest';
import { contactEntity } from '../../src/features/people/contacts/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { createCustomField } from '../../src/tenancy/workspaces/service.ts';
import { buildPhone, buildTenant, type Tenant, useServer } from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import { buildContact, createContact } from '../helpers/factories.ts';
import { describeRecord } from '../helpers/record-suite.ts';

const server = useServer();
const events = useEvents(server);

describeRecord(server, {
  path: '/contacts',
  label: 'Contact',
  read: 'contact.read',
  write: 'contact.write',
  build: () => buildContact({ email: 'priya@example.com', fields: { anniversary: '2020-02-02' } }),
  change: (n) => ({ name: `Priya the ${n}th`, firstName: 'Priya', lastName: `the ${n}th` }),
  required: ['name', 'mobileNumber'],
  invalid: [
    ['name', 'x'.repeat(10_000)],
    ['mobileNumber', 'none'],
    ['mobileNumber', 9_876_543_210],
    ['email', 'not an address'],
    ['phone', 5],
    ['tags', 'vip'],
    ['tags', ['']],
    ['assignedTo', '65b8c47f4e2cfc1df3a75111'],
    ['assignedTo', 'nobody'],
    ['fields', 'x'],
    ['fields', { 'a.b': 1 }],
    ['fields', { $where: '1' }],
    ['fields', { a: { _bsontype: 'ObjectId' } }],
  ],
  operations: [
    { method: 'post', path: '/contacts/bulk', scope: 'contact.write' },
    { method: 'post', path: '/inbound/contacts', scope: 'contact.write' },
  ],
});

describe('POST /contacts', () => {
  it('keeps every field of the input', async () => {
    const tenant = await buildTenant(server);
    const body = buildContact({
      email: 'priya@example.com',
      phone: '022 1234 5678',
      company: 'Patel & Sons',
      source: 'fair',
      tags: ['vip', 'investor'],
      assignedTo: tenant.memberId,
      fields: { budget: 5_000_000, areas: ['Worli', 'Bandra'], place: { city: 'Mumbai' } },
    });
    const contact = await createContact(tenant, body);
    const { _id, createdAt, updatedAt, workspaceId, ...rest } = contact;
    expect(rest).toEqual({
      ...body,
      firstName: 'Priya',
      lastName: 'Patel',
      emailDomain: 'example.com',
    });
    expect(await events.of(_id)).toEqual(['contact.created']);
  });

  it('keeps all that is to be known of a person', async () => {
    const tenant = await buildTenant(server);
    const body = buildContact({
      name: 'Priya R. Patel',
      firstName: 'Priya',
      lastName: 'Patel',
      otherPhone: '022 1234 5679',
      homePhone: '022 1234 5680',
      workPhone: '022 1234 5681',
      title: 'Buyer',
      organisation: { industry: 'Retail', employees: 40, technologies: ['Shopify'], annualRevenue: 2e6 },
      address: { street: '1 Hill Road', city: 'Mumbai', state: 'MH', zip: '400050', country: 'India' },
      linkedinUrl: 'https://linkedin.com/in/priya',
      status: 'qualified',
      priority: 'urgent',
      product: 'Kitchen',
      leadScore: 7.5,
      notes: 'Knows what she wants',
      optInThrough: 'form',
      followUpDate: '2026-12-01',
      webhookName: 'fair',
      metadata: { timezone: 'Asia/Kolkata', seen: { pages: [1, 2] } },
    });
    const { _id, createdAt, updatedAt, workspaceId, ...rest } = await createContact(tenant, body);
    expect(rest).toEqual(body);
  });

  it.each([
    ['leadScore', 10.1],
    ['leadScore', 5.55],
    ['followUpDate', '9999-12-31'],
    ['followUpDate', '0001-01-01'],
    ['followUpDate', '2026-02-30'],
    ['linkedinUrl', 'https://example.com/in/priya'],
    ['metadata', { large: 'x'.repeat(16 * 1_024) }],
    ['metadata', { $where: 1 }],
    ['address', { city: 5 }],
    ['organisation', { employees: -1 }],
  ])('refuses %s %j', async (field, value) => {
    const { api } = await buildTenant(server);
    const answer = await api.post('/contacts').send(buildContact({ [field]: value }));
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details).join()).toContain(field);
  });

  it('answers a number that a live contact has with that contact', async () => {
    const tenant = await buildTenant(server);
    const first = await createContact(tenant, { mobileNumber: '+91 98765 43210' });
    for (const mobileNumber of ['+919876543210', '9876543210', '098765 43210', '+91-98765-43210']) {
      const answer = await tenant.api.post('/contacts').send(buildContact({ mobileNumber }));
      expect(answer.status).toBe(409);
      expect(answer.body).toEqual({
        success: false,
        error: 'Duplicate contact found',
        duplicate: { contactId: first._id, name: first.name, createdAt: first.createdAt },
      });
    }
    await tenant.api.post(`/contacts/${first._id}/archive`);
    await createContact(tenant, { mobileNumber: '9876543210' });
    await createContact(await buildTenant(server), { mobileNumber: '9876543210' });
  });

  it('makes one contact and 49 conflicts of 50 parallel requests with one number', async () => {
    const tenant = await buildTenant(server);
    const mobileNumber = buildPhone();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        tenant.api.post('/contacts').send(buildContact({ name: `Copy ${n}`, mobileNumber })),
      ),
    );
    const created = answers.filter(({ status }) => status === 201);
    const conflicts = answers.filter(({ status }) => status === 409);
    expect([created.length, conflicts.length]).toEqual([1, 49]);
    for (const { body } of conflicts) expect(body.duplicate.contactId).toBe(created[0]?.body.data._id);
    expect((await tenant.api.get('/contacts')).body.data).toHaveLength(1);
  });

  it('holds values against the fields that the workspace defined for contacts', async () => {
    const tenant = await buildTenant(server);
    const field = { displayName: 'Budget', type: 'number' as const, required: true, options: [] };
    const workspaceId = new ObjectId(tenant.workspaceId);
    await createCustomField(server.ctx, workspaceId, { ...field, entity: 'contact', fieldKey: 'budget' });
    await createCustomField(server.ctx, workspaceId, { ...field, entity: 'lead', fieldKey: 'other' });
    const missing = await tenant.api.post('/contacts').send(buildContact());
    expect(missing.body.details).toEqual({ 'fields.budget': ['Required'] });
    const wrong = await tenant.api.post('/contacts').send(buildContact({ fields: { budget: 'much' } }));
    expect(wrong.body.details).toEqual({ 'fields.budget': ['Must be a number'] });
    const contact = await createContact(tenant, { fields: { budget: 5 } });
    const cleared = await tenant.api.patch(`/contacts/${contact._id}`).send({ fields: { budget: null } });
    expect(cleared.status).toBe(422);
    const renamed = await tenant.api.patch(`/contacts/${contact._id}`).send({ name: 'Other' });
    expect(renamed.status).toBe(200);
  });

  it('is closed while the module is off', async () => {
    const { api } = await buildTenant(server, { settings: { modules: ['leads'] } });
    expect((await api.post('/contacts').send(buildContact())).status).toBe(403);
    expect((await api.get('/contacts')).status).toBe(403);
    expect((await api.post('/inbound/contacts').send(buildContact())).status).toBe(403);
  });
});

describe('GET /contacts', () => {
  it('filters by every declared field, by custom fields and by words', async () => {
    const tenant = await buildTenant(server);
    const one = await createContact(tenant, {
      name: 'Zoë Marín',
      mobileNumber: '+14155550123',
      phone: '022 1234 5678',
      email: 'Zoe@Example.com',
      company: 'Acme',
      source: 'fair',
      tags: ['VIP', 'investor'],
      assignedTo: tenant.memberId,
      fields: { budget: 100, wants: ['sea view', 'gym'] },
    });
    await createContact(tenant, { email: 'other@example.com', fields: { budget: 200 } });
    const found = async (query: string) => (await tenant.api.get(`/contacts?${query}`)).body.data;
    for (const query of [
      'email=zoe@example.com',
      'tag=vip',
      'company=acme',
      'source=fair',
      `assignedTo=${tenant.memberId}`,
      'fields.budget=100',
      'fields.wants=sea%20view',
      'q=zoe',
      'q=marin%20ZO%C3%8B',
      'q=zoe@example.com',
      'q=4155550123',
      'q=%2B1%20415%20555%200123',
      'tag=investor&source=fair&fields.budget=100&q=zoe',
    ]) {
      expect({ query, data: await found(query) }).toEqual({ query, data: [one] });
    }
    for (const query of ['tag=vi', 'q=zo', 'fields.budget=10', 'tag=vip&source=web', 'fields.none=1']) {
      expect({ query, data: await found(query) }).toEqual({ query, data: [] });
    }
    expect((await tenant.api.get('/contacts?email=nonsense')).status).toBe(422);
  });

  it('follows changes of what it filters by', async () => {
    const tenant = await buildTenant(server);
    const { _id: id } = await createContact(tenant, { tags: ['a', 'b'], fields: { x: 1, y: 2 } });
    await tenant.api.patch(`/contacts/${id}`).send({ tags: ['c'], name: 'New Name', fields: { x: null } });
    const count = async (query: string) => (await tenant.api.get(`/contacts?${query}`)).body.data.length;
    expect(await Promise.all(['tag=a', 'q=patel', 'fields.x=1'].map(count))).toEqual([0, 0, 0]);
    expect(await Promise.all(['tag=c', 'q=name', 'fields.y=2'].map(count))).toEqual([1, 1, 1]);
  });
});

describe('PUT and PATCH /contacts/:id', () => {
  it('PUT demands what the document demands and merges custom fields', async () => {
    const tenant = await buildTenant(server);
    const contact = await createContact(tenant, { email: 'a@example.com', fields: { x: 1, y: { z: 1 } } });
    const path = `/contacts/${contact._id}`;
    const partial = await tenant.api.put(path).send({ name: 'Only a name' });
    expect(partial.body.details).toEqual({ mobileNumber: [expect.any(String)] });
    const { mobileNumber } = contact;
    const answer = await tenant.api.put(path).send({ name: 'B', mobileNumber, fields: { y: { w: 2 } } });
    expect(answer.body.data).toMatchObject({
      name: 'B',
      email: 'a@example.com',
      fields: { x: 1, y: { w: 2 } },
    });
    expect(await events.of(contact._id)).toEqual(['contact.created', 'contact.updated']);
  });

  it('PATCH merges as RFC 7396 says', async () => {
    const tenant = await buildTenant(server);
    const contact = await createContact(tenant, {
      email: 'a@example.com',
      company: 'Acme',
      fields: { list: ['a', 'b'], place: { city: 'Mumbai', area: { name: 'Worli', pin: 1 } }, text: 'x' },
    });
    const patch = async (body: object) =>
      (await tenant.api.patch(`/contacts/${contact._id}`).send(body)).body.data;
    const cleared = await patch({ email: null, company: null });
    expect(cleared).not.toHaveProperty('email');
    expect(cleared).not.toHaveProperty('company');
    const merged = await patch({
      fields: {
        list: { now: 'an object' },
        place: { city: null, area: { pin: 2 } },
        text: { a: { b: null } },
      },
    });
    expect(merged.fields).toEqual({
      list: { now: 'an object' },
      place: { area: { name: 'Worli', pin: 2 } },
      text: { a: {} },
    });
    const replaced = await patch({ fields: { list: ['a'], place: 'nowhere', text: null } });
    expect(replaced.fields).toEqual({ list: ['a'], place: 'nowhere' });
    expect((await patch({ fields: { list: 'a' } })).fields).toEqual({ list: 'a', place: 'nowhere' });
  });

  it.each([
    [{ name: 'Asha K. Rao' }, { name: 'Asha K. Rao', firstName: 'Asha K.', lastName: 'Rao' }],
    [{ name: 'Asha' }, { name: 'Asha', firstName: 'Asha' }],
    [{ firstName: 'Maya' }, { name: 'Maya Patel', firstName: 'Maya', lastName: 'Patel' }],
    [{ lastName: 'Rao' }, { name: 'Priya Rao', firstName: 'Priya', lastName: 'Rao' }],
    [{ lastName: null }, { name: 'Priya', firstName: 'Priya' }],
    [
      { name: 'Dr. Priya', lastName: 'Rao' },
      { name: 'Dr. Priya', firstName: 'Priya', lastName: 'Rao' },
    ],
  ])('keeps the name and its parts in step: %j', async (patch, names) => {
    const tenant = await buildTenant(server);
    const { _id: id } = await createContact(tenant);
    const { data } = (await tenant.api.patch(`/contacts/${id}`).send(patch)).body;
    const { name, firstName, lastName } = data;
    expect({ name, firstName, lastName }).toEqual(names);
  });

  it('shows the parts of a name from before they were kept, and changes them', async () => {
    const tenant = await buildTenant(server);
    const { _id: id } = await createContact(tenant);
    await contactEntity
      .collection(server.ctx.db)
      .updateOne(
        new ObjectId(tenant.workspaceId),
        { _id: new ObjectId(id) },
        { $unset: { firstName: '', lastName: '' } },
      );
    const before = (await tenant.api.get(`/contacts/${id}`)).body.data;
    expect(before).toMatchObject({ firstName: 'Priya', lastName: 'Patel' });
    const after = (await tenant.api.patch(`/contacts/${id}`).send({ lastName: 'Rao' })).body.data;
    expect(after).toMatchObject({ name: 'Priya Rao', firstName: 'Priya', lastName: 'Rao' });
  });

  it('follows the address with its domain, and finds a LinkedIn address however it is written', async () => {
    const tenant = await buildTenant(server);
    const { _id: id } = await createContact(tenant, { email: 'a@Example.com' });
    const patch = async (body: object) => (await tenant.api.patch(`/contacts/${id}`).send(body)).body.data;
    expect((await patch({ email: 'a@other.example' })).emailDomain).toBe('other.example');
    expect(await patch({ email: null })).not.toHaveProperty('emailDomain');
    const { linkedinUrl } = await patch({ linkedinUrl: 'in.LinkedIn.com/in/Priya-P/?trk=x' });
    expect(linkedinUrl).toBe('https://linkedin.com/in/priya-p');
    const query = `linkedinUrl=${encodeURIComponent('http://www.linkedin.com/in/PRIYA-P')}`;
    const found = (await tenant.api.get(`/contacts?${query}`)).body.data;
    expect(found.map(({ _id }: { _id: string }) => _id)).toEqual([id]);
  });

  it('merges the parts of an address, and lets metadata grow no further than it may', async () => {
    const tenant = await buildTenant(server);
    const address = { street: '1 Hill Road', city: 'Mumbai' };
    const { _id: id } = await createContact(tenant, { address, metadata: { a: 'x'.repeat(10_000) } });
    const patch = (body: object) => tenant.api.patch(`/contacts/${id}`).send(body);
    const merged = (await patch({ address: { street: null, zip: '400050' } })).body.data;
    expect(merged.address).toEqual({ city: 'Mumbai', zip: '400050' });
    const grown = await patch({ metadata: { b: 'x'.repeat(10_000) } });
    expect([grown.status, grown.body.details]).toEqual([422, { metadata: ['Must be at most 16 KiB'] }]);
    const replaced = await patch({ metadata: { a: null, b: 'x'.repeat(10_000) } });
    expect(Object.keys(replaced.body.data.metadata)).toEqual(['b']);
  });

  it('takes parallel patches of different fields without losing one', async () => {
    const tenant = await buildTenant(server);
    const { _id: id } = await createContact(tenant, { fields: { map: {} } });
    const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);
    const answers = await Promise.all(
      keys.map((key) => tenant.api.patch(`/contacts/${id}`).send({ fields: { map: { [key]: key } } })),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const { fields } = (await tenant.api.get(`/contacts/${id}`)).body.data;
    expect(fields.map).toEqual(Object.fromEntries(keys.map((key) => [key, key])));
  });

  it('refuses the number of another live contact', async () => {
    const tenant = await buildTenant(server);
    const first = await createContact(tenant, { mobileNumber: '+919876543210' });
    const second = await createContact(tenant);
    const answer = await tenant.api.patch(`/contacts/${second._id}`).send({ mobileNumber: '98765 43210' });
    expect(answer.status).toBe(409);
    expect(answer.body.duplicate).toEqual({
      contactId: first._id,
      name: first.name,
      createdAt: first.createdAt,
    });
    expect((await tenant.api.get(`/contacts/${second._id}`)).body.data).toEqual(second);
  });

  it('refuses to grow a record beyond what a record may hold', async () => {
    const tenant = await buildTenant(server);
    const { _id: id } = await createContact(tenant);
    await contactEntity
      .collection(server.ctx.db)
      .updateOne(
        new ObjectId(tenant.workspaceId),
        { _id: new ObjectId(id) },
        { $set: { 'fields.large': 'x'.repeat(7_900_000) } },
      );
    const fields = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, 'x'.repeat(19_000)]));
    const answer = await tenant.api.patch(`/contacts/${id}`).send({ fields });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ success: false, error: 'The record is too large' });
  });
});

describe('POST /contacts/bulk', () => {
  const bulk = (tenant: Tenant, contacts: unknown[], key?: string) => {
    const request = tenant.api.post('/contacts/bulk');
    return (key ? request.set('Idempotency-Key', key) : request).send({ contacts });
  };

  it('answers each row in its place', async () => {
    const tenant = await buildTenant(server);
    const existing = await createContact(tenant);
    const good = buildContact();
    const rows = [
      good,
      { ...good, name: 'Again' },
      { name: 'No number' },
      existing,
      'nonsense',
      buildContact(),
    ];
    const answer = await bulk(tenant, rows);
    expect(answer.status).toBe(201);
    const [first, last] = answer.body.data;
    expect(answer.body).toEqual({
      success: true,
      count: 2,
      skippedDuplicates: 4,
      data: [expect.objectContaining(good), expect.objectContaining(rows[5] as object)],
      results: [
        { index: 0, status: 'created', id: first._id },
        { index: 1, status: 'skipped', error: 'Duplicate mobile number' },
        { index: 2, status: 'error', error: expect.stringContaining('mobileNumber') },
        { index: 3, status: 'skipped', error: 'Duplicate mobile number' },
        { index: 4, status: 'error', error: expect.any(String) },
        { index: 5, status: 'created', id: last._id },
      ],
    });
    expect(await events.of(first._id)).toEqual(['contact.created']);
  });

  it('imports once for one key', async () => {
    const tenant = await buildTenant(server);
    const rows = Array.from({ length: 20 }, () => buildContact());
    const answers = await Promise.all([1, 2, 3].map(() => bulk(tenant, rows, 'import')));
    for (const { status, text } of answers)
      expect({ status, text }).toEqual({ status: 201, text: answers[0]?.text });
    expect((await tenant.api.get('/contacts?limit=100')).body.data).toHaveLength(20);
    const other = await bulk(tenant, [buildContact()], 'import');
    expect(other.status).toBe(422);
  });

  it('takes 500 rows and no more', async () => {
    const tenant = await buildTenant(server);
    const answer = await bulk(
      tenant,
      Array.from({ length: 500 }, () => buildContact()),
    );
    expect(answer.body).toMatchObject({ count: 500, skippedDuplicates: 0 });
    for (const rows of [[], Array.from({ length: 501 }, () => buildContact())]) {
      expect((await bulk(tenant, rows)).status).toBe(422);
    }
    expect((await tenant.api.post('/contacts/bulk').send({})).status).toBe(422);
  });
});

describe('POST /inbound/contacts', () => {
  it('captures a contact, and a known number only once', async () => {
    const tenant = await buildTenant(server);
    const body = buildContact();
    const first = await tenant.api.post('/inbound/contacts').send(body);
    expect(first.status).toBe(201);
    expect(first.body).toEqual({ success: true, message: 'Contact captured successfully' });
    const second = await tenant.api.post('/inbound/contacts').send(body);
    expect(second.status).toBe(201);
    expect(second.body).toEqual({ success: true, message: 'Contact captured already' });
    const { data } = (await tenant.api.get('/contacts')).body;
    expect(data).toEqual([expect.objectContaining(body)]);
    expect(await events.of(data[0]._id)).toEqual(['contact.created']);
    expect((await tenant.api.post('/inbound/contacts').send({ name: 'x' })).status).toBe(422);
  });

  it('answers a retry as the first time', async () => {
    const tenant = await buildTenant(server);
    const body = buildContact();
    const send = () => tenant.api.post('/inbound/contacts').set('Idempotency-Key', 'form-1').send(body);
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    for (const answer of answers) {
      expect(answer.status).toBe(201);
      expect(answer.body.message).toBe('Contact captured successfully');
    }
    expect((await tenant.api.get('/contacts')).body.data).toHaveLength(1);
  });
});
