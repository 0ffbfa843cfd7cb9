import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { eventTypes } from '../../src/records/entity/names.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { buildLead, buildTenant, type Tenant, useServer } from '../helpers/app.ts';
import {
  buildContact,
  buildCustomer,
  buildProperty,
  buildTask,
  createContact,
  createLead,
  createProperty,
  createTask,
} from '../helpers/factories.ts';
import { type Receiver, startReceiver } from '../helpers/receiver.ts';
import { buildHook } from '../helpers/webhooks.ts';

/** Every documented event, from every path that makes such a change, with the record as it was right after it. */

const server = useServer();
let worker: RunningWorker;
let receiver: Receiver;
beforeAll(async () => {
  worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await worker.close();
});

interface Event {
  type: string;
  body: Record<string, unknown>;
}

/** A workspace that is subscribed to all, and its events so far. */
async function subscribedTenant() {
  const tenant = await buildTenant(server);
  await buildHook(tenant, `${receiver.url}/${tenant.workspaceId}`, eventTypes());
  const matches = ({ path }: { path: string }) => path === `/${tenant.workspaceId}`;
  const events = async (count: number): Promise<Event[]> =>
    (await receiver.received(count, matches)).map(({ headers, body }) => ({
      type: String(headers['x-qvoo-event']),
      body,
    }));
  return { tenant, events };
}

/** Runs changes one after the other; each answers with the record as it is now, for the event that it makes. */
async function expectEvents(
  tenant: Tenant,
  events: (count: number) => Promise<Event[]>,
  changes: [type: string | undefined, change: () => Promise<Record<string, unknown>>][],
): Promise<void> {
  const expected: Event[] = [];
  for (const [type, change] of changes) {
    const body = await change();
    if (!type) continue;
    expected.push({ type, body });
    await events(expected.length);
  }
  // Something that happens after all else shows that nothing else was made.
  const last = await createProperty(tenant);
  expected.push({ type: 'property.created', body: last });
  expect(await events(expected.length)).toEqual(expected);
}

const dataOf = async (request: Promise<{ status: number; body: { data: Record<string, unknown> } }>) => {
  const { status, body } = await request;
  expect(status).toBeLessThan(300);
  return body.data;
};

describe('leads', () => {
  it('make events when created, taken in, imported, changed and archived', async () => {
    const { tenant, events } = await subscribedTenant();
    const { api } = tenant;
    const lead = await createLead(tenant);
    const path = `/leads/${lead._id}`;
    const inbound = buildLead({ name: 'From a form' });
    const read = (url = path) => dataOf(api.get(url));
    await expectEvents(tenant, events, [
      ['lead.created', async () => lead],
      [
        'lead.created',
        async () => {
          await api.post('/inbound/leads').send(inbound);
          const [found] = (await api.get('/leads?q=form')).body.data;
          return found;
        },
      ],
      [undefined, async () => (await api.post('/inbound/leads').send(inbound)).body],
      [
        'lead.created',
        async () => (await api.post('/leads/bulk').send({ leads: [buildLead(), inbound, {}] })).body.data[0],
      ],
      ['lead.updated', () => dataOf(api.put(path).send(buildLead({ status: 'contacted' })))],
      ['lead.updated', () => dataOf(api.patch(path).send({ fields: { budget: 5 } }))],
      [undefined, () => dataOf(api.patch(path).send({ fields: { budget: 5 } }))],
      [
        'lead.updated',
        async () => {
          await api.post(`${path}/archive`);
          return read();
        },
      ],
      [undefined, async () => (await api.post(`${path}/archive`)).body],
    ]);
  });
});

describe('contacts', () => {
  it('make events when created, changed and archived', async () => {
    const { tenant, events } = await subscribedTenant();
    const { api } = tenant;
    const contact = await createContact(tenant);
    const path = `/contacts/${contact._id}`;
    await expectEvents(tenant, events, [
      ['contact.created', async () => contact],
      ['contact.updated', () => dataOf(api.put(path).send(buildContact({ name: 'Changed' })))],
      ['contact.updated', () => dataOf(api.patch(path).send({ name: 'Changed again' }))],
      [
        'contact.updated',
        async () => {
          await api.post(`${path}/archive`);
          return dataOf(api.get(path));
        },
      ],
    ]);
  });
});

describe('customers', () => {
  it('make events when created, changed and archived; so does the lead that is converted', async () => {
    const { tenant, events } = await subscribedTenant();
    const { api } = tenant;
    const lead = await createLead(tenant);
    await events(1);
    const customer = await dataOf(api.post('/customers').send(buildCustomer(lead._id)));
    const path = `/customers/${customer._id}`;
    const ofCreate = (await events(3)).slice(1);
    expect(ofCreate).toContainEqual({ type: 'customer.created', body: customer });
    const converted = await dataOf(api.get(`/leads/${lead._id}`));
    expect(ofCreate).toContainEqual({ type: 'lead.updated', body: converted });

    const updated = await dataOf(api.patch(path).send({ name: 'Changed' }));
    expect((await events(4))[3]).toEqual({ type: 'customer.updated', body: updated });
    const replaced = await dataOf(api.put(path).send(buildCustomer(lead._id, { name: 'Changed again' })));
    expect((await events(5))[4]).toEqual({ type: 'customer.updated', body: replaced });
    await api.post(`${path}/archive`);
    const archived = await dataOf(api.get(path));
    expect((await events(6))[5]).toEqual({ type: 'customer.updated', body: archived });
  });
});

describe('properties', () => {
  it('make events when created, taken in, changed and archived', async () => {
    const { tenant, events } = await subscribedTenant();
    const { api } = tenant;
    const property = await createProperty(tenant);
    const path = `/properties/${property._id}`;
    await expectEvents(tenant, events, [
      ['property.created', async () => property],
      ['property.updated', () => dataOf(api.put(path).send(buildProperty({ price: 1 })))],
      ['property.updated', () => dataOf(api.patch(path).send({ city: 'Pune' }))],
      [
        'property.updated',
        async () => {
          await api.post(`${path}/archive`);
          return dataOf(api.get(path));
        },
      ],
      [
        'property.created',
        async () => {
          const title = 'From a portal';
          await api.post('/inbound/properties').send(buildProperty({ title }));
          const { data } = (await api.get('/properties?q=portal')).body;
          return data[0];
        },
      ],
    ]);
  });
});

describe('tasks', () => {
  it('make an event when created, and one each time that they become completed', async () => {
    const { tenant, events } = await subscribedTenant();
    const { api } = tenant;
    const task = await createTask(tenant);
    const path = `/tasks/${task._id}`;
    const complete = async () => {
      await api.post(`${path}/complete`);
      return dataOf(api.get(path));
    };
    const reopen = async () => (await api.post(`${path}/reopen`)).body;
    await expectEvents(tenant, events, [
      ['task.created', async () => task],
      [undefined, () => dataOf(api.patch(path).send({ title: 'Renamed' }))],
      ['task.completed', complete],
      [undefined, complete],
      [undefined, reopen],
      ['task.completed', () => dataOf(api.patch(path).send({ status: 'Completed' }))],
      [undefined, () => dataOf(api.patch(path).send({ title: 'Renamed again' }))],
      [undefined, reopen],
      ['task.completed', () => dataOf(api.put(path).send(buildTask(tenant, { status: 'Completed' })))],
      [undefined, async () => (await api.post(`${path}/archive`)).body],
    ]);
  });

  it('are created and completed at once when created as completed', async () => {
    const { tenant, events } = await subscribedTenant();
    const task = await createTask(tenant, { status: 'Completed' });
    expect(new Set(await events(2))).toEqual(
      new Set([
        { type: 'task.created', body: task },
        { type: 'task.completed', body: task },
      ]),
    );
  });
});
