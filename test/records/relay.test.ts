import { beforeAll, describe, expect, it } from 'vitest';
import { leadEntity } from '../../src/features/people/leads/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { newRecord } from '../../src/records/insert.ts';
import { parkedEvents } from '../../src/records/parked-events.ts';
import type { RelayedEvent } from '../../src/records/relay.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import { apiOf, buildLead, buildTenant, type Tenant, useServer } from '../helpers/app.ts';
import { buildCustomer, createCustomer, createLead } from '../helpers/factories.ts';
import { until } from '../helpers/webhooks.ts';

const server = useServer();

/** A listener of this file: keeps what it hears and refuses what it is told to. */
const heard: RelayedEvent[] = [];
let isRefused = (_: RelayedEvent) => false;
const namesOf = (tenant: Tenant) =>
  heard
    .filter(({ workspaceId }) => workspaceId.toHexString() === tenant.workspaceId)
    .map(({ record }) => record.name);

beforeAll(() => {
  server.ctx.relay.addListener({
    name: 'test',
    isListening: async () => true,
    async accept(events) {
      if (events.some(isRefused)) throw new Error('refused');
      heard.push(...events);
    },
  });
});

/** Once the sweep has found what nobody passed on. */
const sweptNames = (tenant: Tenant, count: number) =>
  until(async () => {
    await server.ctx.relay.sweep();
    const names = namesOf(tenant);
    return names.length === count && names;
  });
const parkedOf = ({ workspaceId }: Tenant) =>
  parkedEvents(server.ctx.db).find(new ObjectId(workspaceId), {}).toArray();
const storedLead = async ({ workspaceId }: Tenant, id: string) =>
  leadEntity.collection(server.ctx.db).findById(new ObjectId(workspaceId), new ObjectId(id));

/** Leads as a process leaves them that dies right after the write, their events owed for a while. */
async function abandonLeads(tenant: Tenant, names: string[], fields: object = {}): Promise<void> {
  const workspaceId = new ObjectId(tenant.workspaceId);
  const records = await Promise.all(
    names.map(async (name) => ({
      ...(await newRecord(server.ctx, leadEntity, systemIn(workspaceId), {
        ...buildLead({ name }),
        mobileE164: undefined,
        priority: 'Medium',
      })),
      owedSince: new Date(Date.now() - 60_000),
      ...fields,
    })),
  );
  await leadEntity.collection(server.ctx.db).insertMany(workspaceId, records);
}

describe('an event that a listener refuses', () => {
  it('is parked, and holds up no other, in the sweep as in the moment of the write', async () => {
    const [one, other] = [await buildTenant(server), await buildTenant(server)];
    isRefused = ({ record }) => record.name === 'Poison';
    await abandonLeads(one, ['Poison', 'First'], { owedSince: new Date(0) });
    await abandonLeads(
      other,
      Array.from({ length: 250 }, (_, index) => `Lead ${index}`),
    );
    await server.ctx.relay.sweep();
    expect(namesOf(one)).toEqual(['First']);
    expect(new Set(namesOf(other)).size).toBe(250);

    await Promise.all([createLead(one, { name: 'Poison' }), createLead(one, { name: 'Second' })]);
    await server.ctx.relay.idle();
    expect(namesOf(one).toSorted()).toEqual(['First', 'Second']);
    const parked = await parkedOf(one);
    expect(parked).toEqual(
      [1, 2].map(() => expect.objectContaining({ listener: 'test', reason: 'refused' })),
    );
    expect(
      await leadEntity
        .collection(server.ctx.db)
        .acrossTenants.countDocuments({ owedSince: { $exists: true } }),
    ).toBe(0);
    const { text } = await apiOf(server, '', {}).get('/metrics');
    expect(text).toMatch(/^events_parked 2$/m);
  });

  it('is offered again when its time has come, to that listener, until it takes it', async () => {
    const tenant = await buildTenant(server);
    isRefused = ({ workspaceId }) => workspaceId.toHexString() === tenant.workspaceId;
    const lead = await createLead(tenant);
    await server.ctx.relay.idle();
    const due = async () => {
      await parkedEvents(server.ctx.db).updateMany(
        new ObjectId(tenant.workspaceId),
        {},
        { $set: { dueAt: new Date() } },
      );
      await server.ctx.relay.sweep();
      return parkedOf(tenant);
    };
    await server.ctx.relay.sweep();
    expect(await parkedOf(tenant)).toEqual([expect.objectContaining({ attempts: 1 })]);
    const [again] = await due();
    expect(again).toMatchObject({ attempts: 2, type: 'lead.created' });
    expect((again?.dueAt.getTime() ?? 0) - Date.now()).toBeGreaterThan(50_000);
    isRefused = () => false;
    expect(await due()).toEqual([]);
    expect(namesOf(tenant)).toEqual([lead.name]);
  });
});

describe('a lead that has no room to become converted', () => {
  it('keeps its customer from nothing, and its event is parked', async () => {
    const tenant = await buildTenant(server);
    const workspaceId = new ObjectId(tenant.workspaceId);
    const full = await newRecord(server.ctx, leadEntity, systemIn(workspaceId), {
      name: 'Full',
      priority: 'Low',
    });
    // From before leads were bounded.
    const tags = Array.from({ length: 600 }, (_, index) => `tag${index}`);
    await leadEntity.collection(server.ctx.db).insertOne(workspaceId, { ...full, tags });
    const answer = await tenant.api.post('/customers').send(buildCustomer(full._id.toHexString()));
    expect(answer.status).toBe(201);
    const customer = await createCustomer(tenant);
    await server.ctx.relay.idle();
    expect(await parkedOf(tenant)).toEqual([
      expect.objectContaining({ listener: 'lead conversion', type: 'customer.created' }),
    ]);
    expect(namesOf(tenant)).toHaveLength(4);
    expect((await storedLead(tenant, String(customer.leadId)))?.status).toBe('converted');
  });
});

describe('what a record owes', () => {
  it('is stored once while the record shows it, and as it was afterwards', async () => {
    const tenant = await buildTenant(server);
    isRefused = () => false;
    const { hand } = server.ctx.relay;
    server.ctx.relay.hand = () => {};
    try {
      const lead = await createLead(tenant, { name: 'One' });
      const [bare] = (await storedLead(tenant, lead._id))?.owed ?? [];
      expect(bare).not.toHaveProperty('record');
      await tenant.api.patch(`/leads/${lead._id}`).send({ name: 'Two' }).expect(200);
      await tenant.api.patch(`/leads/${lead._id}`).send({ name: 'Three' }).expect(200);
      const { owed = [], ...stored } = (await storedLead(tenant, lead._id)) ?? {};
      expect(owed.map(({ type, record }) => [type, record?.name])).toEqual([
        ['lead.created', 'One'],
        ['lead.updated', 'Two'],
        ['lead.updated', undefined],
      ]);
      expect(stored).toMatchObject({ name: 'Three', version: 3 });
    } finally {
      server.ctx.relay.hand = hand;
    }
    expect(await sweptNames(tenant, 3)).toEqual(['One', 'Two', 'Three']);
  });

  it('stays bounded while nobody passes it on', async () => {
    const tenant = await buildTenant(server);
    const { hand } = server.ctx.relay;
    server.ctx.relay.hand = () => {};
    try {
      const lead = await createLead(tenant, { name: '0' });
      let most = 0;
      for (let change = 1; change <= 30; change += 1) {
        await tenant.api
          .patch(`/leads/${lead._id}`)
          .send({ name: String(change) })
          .expect(200);
        most = Math.max(most, (await storedLead(tenant, lead._id))?.owed?.length ?? 0);
      }
      expect(most).toBe(8);
    } finally {
      server.ctx.relay.hand = hand;
    }
    expect(await sweptNames(tenant, 31)).toEqual(Array.from({ length: 31 }, (_, index) => String(index)));
  });
});
