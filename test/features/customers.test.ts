import { describe, expect, it } from 'vitest';
import { customerEntity } from '../../src/features/people/customers/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { createCustomField } from '../../src/tenancy/workspaces/service.ts';
import { buildPhone, buildTenant, type Tenant, useServer } from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import { buildCustomer, createCustomer, createLead, createProperty } from '../helpers/factories.ts';
import { describeRecord } from '../helpers/record-suite.ts';

const server = useServer();
const events = useEvents(server);

describeRecord(server, {
  path: '/customers',
  label: 'Customer',
  read: 'customer.read',
  write: 'customer.write',
  build: async (tenant) => buildCustomer((await createLead(tenant))._id, { successNotes: 'Paid in full' }),
  change: (n) => ({ name: `Rahul the ${n}th` }),
  required: ['leadId', 'name'],
  invalid: [
    ['name', 'x'.repeat(10_000)],
    ['leadId', '65b8c47f4e2cfc1df3a75111'],
    ['leadId', 'nonsense'],
    ['assignedTo', 'nobody'],
    ['assignedTo', ['65b8c47f4e2cfc1df3a75111']],
    ['assignedTo', { $ne: null }],
    ['selectedPropertyId', '65b8c47f4e2cfc1df3a75111'],
    ['selectedPropertyId', 'nonsense'],
    ['dealDate', 'soon'],
    ['dealAmount', '100'],
    ['dealAmount', 1e300],
    ['commissionAmount', {}],
    ['fields', { $set: 1 }],
  ],
  operations: [{ method: 'post', path: '/customers/bulk', scope: 'customer.write' }],
});

const readLead = async ({ api }: Tenant, id: unknown) => (await api.get(`/leads/${id}`)).body.data;

describe('POST /customers', () => {
  it('keeps every field of the input and converts the lead', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant);
    const property = await createProperty(tenant);
    const body = buildCustomer(lead._id, {
      assignedTo: [tenant.memberId],
      selectedPropertyId: property._id,
      customPropertyName: 'The one by the sea',
      dealDate: '2026-06-12T10:00:00.000Z',
      dealAmount: 12_500_000.55,
      commissionAmount: 0.1,
      successNotes: 'Paid in full',
      fields: { bank: 'HDFC' },
    });
    const answer = await tenant.api.post('/customers').send(body);
    expect(answer.status).toBe(201);
    const { _id: id, workspaceId, createdAt, updatedAt, ...rest } = answer.body.data;
    expect(rest).toEqual(body);
    expect(await readLead(tenant, lead._id)).toMatchObject({ status: 'converted', customerId: id });
    expect(await events.of(id)).toEqual(['customer.created']);
    expect(await events.of(lead._id)).toEqual(['lead.created', 'lead.updated']);
  });

  it.each([0, -250.75, 0.1 + 0.2, 9_999_999_999_999])('keeps the amount %d exactly', async (amount) => {
    const tenant = await buildTenant(server);
    const customer = await createCustomer(tenant, { dealAmount: amount });
    expect(customer.dealAmount).toBe(amount);
    const { body } = await tenant.api.patch(`/customers/${customer._id}`).send({ commissionAmount: amount });
    expect(body.data).toMatchObject({ dealAmount: amount, commissionAmount: amount });
  });

  it('refuses a lead of another workspace and an archived one', async () => {
    const tenant = await buildTenant(server);
    const foreign = await createLead(await buildTenant(server));
    const archived = await createLead(tenant);
    await tenant.api.post(`/leads/${archived._id}/archive`);
    for (const lead of [foreign, archived]) {
      const answer = await tenant.api.post('/customers').send(buildCustomer(lead._id));
      expect(answer.status).toBe(422);
      expect(answer.body.details).toEqual({ leadId: [expect.any(String)] });
    }
    const foreignProperty = await createProperty(await buildTenant(server));
    const lead = await createLead(tenant);
    const body = buildCustomer(lead._id, { selectedPropertyId: foreignProperty._id });
    expect((await tenant.api.post('/customers').send(body)).body.details).toEqual({
      selectedPropertyId: [expect.any(String)],
    });
    expect((await readLead(tenant, lead._id)).status).toBe('new');
  });

  it('makes one customer and conflicts of parallel requests for one lead', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => {
        const leadId = n % 2 === 0 ? lead._id : lead._id.toUpperCase();
        return tenant.api.post('/customers').send(buildCustomer(leadId, { name: `Copy ${n}` }));
      }),
    );
    const [created, ...more] = answers.filter(({ status }) => status === 201);
    expect(more).toEqual([]);
    const { _id: customerId, name, createdAt } = created?.body.data ?? {};
    const conflicts = answers.filter(({ status }) => status === 409);
    expect(conflicts).toHaveLength(19);
    for (const { body } of conflicts) {
      expect(body).toEqual({
        success: false,
        error: 'The lead is a customer already',
        duplicate: { customerId, leadId: lead._id, name, createdAt },
      });
    }
    expect(await readLead(tenant, lead._id)).toMatchObject({ status: 'converted', customerId });
  });

  it('takes the lead again once its customer is archived', async () => {
    const tenant = await buildTenant(server);
    const first = await createCustomer(tenant);
    await tenant.api.post(`/customers/${first._id}/archive`);
    const second = await tenant.api.post('/customers').send(buildCustomer(first.leadId as string));
    expect(second.status).toBe(201);
    expect((await readLead(tenant, first.leadId)).customerId).toBe(second.body.data._id);
  });

  it('holds values against the fields that the workspace defined for customers', async () => {
    const tenant = await buildTenant(server);
    await createCustomField(server.ctx, new ObjectId(tenant.workspaceId), {
      entity: 'customer',
      fieldKey: 'bank',
      displayName: 'Bank',
      type: 'select',
      required: true,
      options: ['HDFC', 'SBI'],
    });
    const lead = await createLead(tenant);
    const post = (fields?: object) => tenant.api.post('/customers').send(buildCustomer(lead._id, { fields }));
    expect((await post()).body.details).toEqual({ 'fields.bank': ['Required'] });
    expect((await post({ bank: 'Other' })).status).toBe(422);
    expect((await post({ bank: 'SBI' })).status).toBe(201);
  });
});

describe('the conversion of the lead', () => {
  const longAgo = new Date(Date.now() - 60_000);

  /** What a process leaves that died right after the insert: a customer that owes its event. */
  async function insertAsDeadProcess(tenant: Tenant, leadId: string, isArchived = false): Promise<string> {
    const record = {
      _id: new ObjectId(),
      workspaceId: new ObjectId(tenant.workspaceId),
      leadId,
      name: 'Rahul Sharma',
      archived: isArchived,
      createdAt: longAgo,
      updatedAt: longAgo,
      version: 1,
    };
    await customerEntity.collection(server.ctx.db).insertOne(record.workspaceId, {
      ...record,
      facets: [],
      ...debtOf(record),
    });
    return record._id.toHexString();
  }

  const debtOf = (record: Record<string, unknown>) => ({
    owed: [{ id: new ObjectId(), type: 'customer.created' as const, at: longAgo, record }],
    owedSince: longAgo,
  });

  it('is finished by the sweep when the process died', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant);
    const customerId = await insertAsDeadProcess(tenant, lead._id);
    expect((await readLead(tenant, lead._id)).status).toBe('new');
    await server.ctx.relay.sweep();
    expect(await readLead(tenant, lead._id)).toMatchObject({ status: 'converted', customerId });
    expect(await events.of(customerId)).toEqual(['customer.created']);
    expect(await server.ctx.relay.sweep()).toBe(0);
  });

  it('leaves a lead alone that people changed since, when the event comes again', async () => {
    const tenant = await buildTenant(server);
    const customer = await createCustomer(tenant);
    await tenant.api.patch(`/leads/${customer.leadId}`).send({ status: 'won' });
    const [workspaceId, _id] = [new ObjectId(tenant.workspaceId), new ObjectId(customer._id)];
    await customerEntity.collection(server.ctx.db).updateOne(workspaceId, { _id }, { $set: debtOf({ _id }) });
    expect(await server.ctx.relay.sweep()).toBe(1);
    expect((await readLead(tenant, customer.leadId)).status).toBe('won');
  });

  it('does not happen for an archived customer, an archived lead or a lead that is gone', async () => {
    const tenant = await buildTenant(server);
    const [one, two] = [await createLead(tenant), await createLead(tenant)];
    await insertAsDeadProcess(tenant, one._id, true);
    await insertAsDeadProcess(tenant, two._id);
    await insertAsDeadProcess(tenant, new ObjectId().toHexString());
    await tenant.api.post(`/leads/${two._id}/archive`);
    expect(await server.ctx.relay.sweep()).toBe(3);
    expect((await readLead(tenant, one._id)).status).toBe('new');
    expect((await readLead(tenant, two._id)).status).toBe('new');
    expect(await server.ctx.relay.sweep()).toBe(0);
  });
});

describe('GET /customers', () => {
  it('filters by lead, property, assignee, custom fields and words', async () => {
    const tenant = await buildTenant(server);
    const property = await createProperty(tenant);
    const one = await createCustomer(tenant, {
      name: 'Anita Desai',
      assignedTo: [tenant.memberId],
      selectedPropertyId: property._id,
      fields: { bank: 'SBI' },
    });
    await createCustomer(tenant);
    for (const query of [
      `leadId=${one.leadId}`,
      `selectedPropertyId=${property._id}`,
      `assignedTo=${tenant.memberId}`,
      'fields.bank=SBI',
      'q=desai',
    ]) {
      const { body } = await tenant.api.get(`/customers?${query}`);
      expect({ query, data: body.data }).toEqual({ query, data: [one] });
    }
  });
});

describe('PUT /customers/:id', () => {
  it('takes a contact body and stores it on the customer', async () => {
    const tenant = await buildTenant(server);
    const customer = await createCustomer(tenant, { dealAmount: 5 });
    const body = {
      name: 'Rahul S.',
      email: 'rahul@example.com',
      phone: '022 1234 5678',
      mobileNumber: buildPhone(),
      fields: { bank: 'SBI' },
    };
    const answer = await tenant.api.put(`/customers/${customer._id}`).send(body);
    expect(answer.status).toBe(200);
    const { updatedAt } = answer.body.data;
    expect(answer.body.data).toEqual({ ...customer, ...body, updatedAt });
    for (const query of ['q=rahul@example.com', `q=${body.mobileNumber.slice(1)}`]) {
      expect((await tenant.api.get(`/customers?${query}`)).body.data).toEqual([answer.body.data]);
    }
    expect(await events.of(customer._id)).toEqual(['customer.created', 'customer.updated']);
  });

  it('takes a customer body', async () => {
    const tenant = await buildTenant(server);
    const customer = await createCustomer(tenant);
    const body = buildCustomer((customer.leadId as string).toUpperCase(), {
      assignedTo: tenant.memberId,
      dealDate: '2026-06-12T10:00:00.000Z',
      commissionAmount: 2.5,
    });
    const answer = await tenant.api.put(`/customers/${customer._id}`).send(body);
    expect(answer.status).toBe(200);
    expect(answer.body.data).toMatchObject({ ...body, leadId: customer.leadId });
  });

  it('demands what either body demands', async () => {
    const tenant = await buildTenant(server);
    const customer = await createCustomer(tenant);
    const put = async (body: object) => {
      const answer = await tenant.api.put(`/customers/${customer._id}`).send(body);
      return [answer.status, Object.keys(answer.body.details ?? {})];
    };
    expect(await put({ name: 'No more' })).toEqual([422, ['mobileNumber']]);
    expect(await put({ mobileNumber: buildPhone() })).toEqual([422, ['name']]);
    expect(await put({ leadId: customer.leadId })).toEqual([422, ['name']]);
    expect(await put({ name: 'x', mobileNumber: 'none' })).toEqual([422, ['mobileNumber']]);
    expect(await put({ name: 'x', mobileNumber: buildPhone(), email: 'no' })).toEqual([422, ['email']]);
  });

  it('keeps a customer with its lead', async () => {
    const tenant = await buildTenant(server);
    const customer = await createCustomer(tenant);
    const other = await createLead(tenant);
    for (const method of ['put', 'patch'] as const) {
      const answer = await tenant.api[method](`/customers/${customer._id}`).send(buildCustomer(other._id));
      expect(answer.status).toBe(422);
      expect(answer.body.details).toEqual({ leadId: ['A customer stays with its lead'] });
    }
  });
});

describe('PATCH /customers/:id', () => {
  it('clears what is null', async () => {
    const tenant = await buildTenant(server);
    const customer = await createCustomer(tenant, {
      assignedTo: tenant.memberId,
      dealAmount: 5,
      dealDate: '2026-06-12T10:00:00.000Z',
      fields: { a: 1, b: 2 },
    });
    const patch = { assignedTo: null, dealAmount: null, dealDate: null, fields: { a: null } };
    const { body } = await tenant.api.patch(`/customers/${customer._id}`).send(patch);
    const { assignedTo, dealAmount, dealDate, ...rest } = customer;
    expect(body.data).toEqual({ ...rest, fields: { b: 2 }, updatedAt: body.data.updatedAt });
    expect((await tenant.api.get(`/customers?assignedTo=${tenant.memberId}`)).body.data).toEqual([]);
  });
});

describe('POST /customers/bulk', () => {
  it('answers each row in its place and converts the leads', async () => {
    const tenant = await buildTenant(server);
    const [one, two] = [await createLead(tenant), await createLead(tenant)];
    const rows = [
      buildCustomer(one._id),
      buildCustomer(one._id),
      buildCustomer(new ObjectId().toHexString()),
      buildCustomer(two._id, { assignedTo: 'nobody' }),
      buildCustomer(two._id),
    ];
    const send = () =>
      tenant.api.post('/customers/bulk').set('Idempotency-Key', 'b').send({ customers: rows });
    const answer = await send();
    expect(answer.status).toBe(201);
    const [first, second] = answer.body.data;
    expect(answer.body).toMatchObject({ success: true, count: 2, skippedDuplicates: 3 });
    expect(answer.body.results).toEqual([
      { index: 0, status: 'created', id: first._id },
      { index: 1, status: 'skipped', error: 'The lead is a customer already' },
      { index: 2, status: 'error', error: expect.stringContaining('leadId') },
      { index: 3, status: 'error', error: expect.stringContaining('assignedTo') },
      { index: 4, status: 'created', id: second._id },
    ]);
    expect(await readLead(tenant, one._id)).toMatchObject({ status: 'converted', customerId: first._id });
    expect(await readLead(tenant, two._id)).toMatchObject({ status: 'converted', customerId: second._id });
    const replay = await send();
    expect(replay.headers['idempotency-replayed']).toBe('true');
    expect(replay.text).toBe(answer.text);
  });
});
