import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { leadEntity } from '../../src/features/people/leads/record.ts';
import { webhookListener } from '../../src/features/platform/webhooks/listener.ts';
import { deliveries, lanes } from '../../src/features/platform/webhooks/model.ts';
import { queueDeliveries } from '../../src/features/platform/webhooks/queue.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { newRecord } from '../../src/records/insert.ts';
import { snapshotOf } from '../../src/records/owe.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { buildLead, buildTenant, startServer, type Tenant, type TestServer } from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';
import { type Receiver, startReceiver } from '../helpers/receiver.ts';
import { buildHook, type Hook, until, wipeRedis } from '../helpers/webhooks.ts';
import { startWithoutRedis } from '../helpers/without-redis.ts';

/** Whatever dies or forgets, what a change owes arrives. Each test has a server and a worker of its own. */

// Other test files take their share of the machine.
vi.setConfig({ testTimeout: 60_000 });

let server: TestServer;
let receiver: Receiver;
let tenant: Tenant;
let hook: Hook;
let closing: (() => Promise<void>)[];

beforeEach(async () => {
  closing = [];
  server = await startServer();
  receiver = await startReceiver();
  tenant = await buildTenant(server);
  hook = await buildHook(tenant, receiver.url);
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  await server.close();
  await receiver.close();
});

function work(ctx = server.ctx, redisUrl = inject('redisUrl')): RunningWorker {
  const worker = startWorker(ctx, redisUrl, { sweepEveryMs: 100 });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= worker.close();
    return closed;
  };
  closing.push(close);
  return { close };
}

const hookIds = () => receiver.requests.map(({ headers }) => headers['webhook-id']);
const laneFilter = () => ({ _id: new ObjectId(hook._id) });
const isLaneAtRest = async () => {
  const lane = await lanes(server.ctx.db).acrossTenants.findOne(laneFilter());
  return lane !== null && !lane.dueAt && !lane.lease;
};
const pendingCount = () =>
  deliveries(server.ctx.db).acrossTenants.countDocuments({
    subscriptionId: new ObjectId(hook._id),
    status: 'pending',
  });

async function queueMany(count: number): Promise<void> {
  const at = server.ctx.clock.now();
  const one = { workspaceId: new ObjectId(tenant.workspaceId), subscriptionId: new ObjectId(hook._id) };
  await queueDeliveries(
    server.ctx,
    Array.from({ length: count }, () => ({
      ...one,
      eventId: new ObjectId(),
      event: 'lead.created' as const,
      at,
      body: '{}',
    })),
  );
}

/** A lead as a process leaves it that dies right after the write: its event owed, a while ago, and handed to nobody. */
async function insertAbandonedLead() {
  const workspaceId = new ObjectId(tenant.workspaceId);
  const fields = { ...buildLead(), mobileE164: undefined, priority: 'Medium' as const };
  const lead = await newRecord(server.ctx, leadEntity, systemIn(workspaceId), fields);
  lead.owedSince = new Date(Date.now() - 60_000);
  await leadEntity.collection(server.ctx.db).insertOne(workspaceId, lead);
  return lead;
}

describe('a process that dies', () => {
  it('after the write leaves the event in the record, where the sweep finds it', async () => {
    const lead = await insertAbandonedLead();
    work();
    const [request] = await receiver.received(1);
    expect(request?.body).toMatchObject({ _id: lead._id.toHexString(), name: lead.name });
    const collection = leadEntity.collection(server.ctx.db).acrossTenants;
    const stored = await until(async () => {
      const found = await collection.findOne({ _id: lead._id });
      return found && !found.owed && found;
    });
    expect(stored).not.toHaveProperty('owedSince');
    await until(isLaneAtRest);
    expect(receiver.requests).toHaveLength(1);
  });

  it('after the delivery is stored, before its lane is woken, leads to one delivery', async () => {
    const lead = await insertAbandonedLead();
    const [owed] = lead.owed ?? [];
    if (!owed) throw new Error('No event is owed');
    await webhookListener(server.ctx).accept([
      {
        id: owed.id,
        type: 'lead.created',
        at: owed.at,
        record: snapshotOf(lead),
        workspaceId: lead.workspaceId,
      },
    ]);
    await lanes(server.ctx.db).acrossTenants.deleteOne(laneFilter());
    await wipeRedis(server.ctx);
    work();
    await receiver.received(1);
    await until(isLaneAtRest);
    expect(hookIds()).toEqual([`evt_${owed.id.toHexString()}`]);
  });

  it('while it delivers leaves a lease behind that ends', async () => {
    await queueMany(3);
    await wipeRedis(server.ctx);
    const until500ms = new Date(Date.now() + 500);
    const lease = { id: new ObjectId(), until: until500ms };
    await lanes(server.ctx.db).acrossTenants.updateOne(laneFilter(), { $set: { lease, dueAt: until500ms } });
    work();
    await receiver.received(3);
    expect(receiver.requests[0]?.at).toBeGreaterThan(until500ms.getTime() - 150);
    await until(isLaneAtRest);
    expect(new Set(hookIds()).size).toBe(3);
  });
});

describe('Redis', () => {
  it('that loses everything loses no delivery', async () => {
    await createLead(tenant);
    await server.ctx.relay.idle();
    expect(await wipeRedis(server.ctx)).toBeGreaterThan(0);
    work();
    await receiver.received(1);
  });

  it('that loses everything while deliveries go on loses and doubles none', async () => {
    receiver.behave((_, res) => void setTimeout(() => res.end(), 5));
    work();
    await queueMany(400);
    await receiver.received(50);
    await wipeRedis(server.ctx);
    await receiver.received(400);
    await until(isLaneAtRest);
    expect(receiver.requests).toHaveLength(400);
    expect(new Set(hookIds()).size).toBe(400);
  });

  it('that is away makes events wait', async () => {
    const without = await startWithoutRedis();
    closing.push(() => without.close());
    const there = await buildTenant(without.server);
    await buildHook(there, `${receiver.url}/there`);
    const lead = await createLead(there);
    const { path = '' } = without.server.ctx.redis.options;
    work(without.server.ctx, path);
    await until(async () => (await lanes(without.server.ctx.db).acrossTenants.countDocuments({})) === 1);
    expect(receiver.requests).toHaveLength(0);
    await without.startRedis();
    const [request] = await receiver.received(1);
    expect(request?.body).toEqual(lead);
  });
});

describe('workers', () => {
  it('share the lanes and send each delivery once', async () => {
    const second = await startServer({}, { name: server.ctx.redisPrefix });
    closing.push(() => second.close());
    receiver.behave((_, res) => void setTimeout(() => res.end(), 2));
    work();
    work(second.ctx);
    await Promise.all([1, 2].map((index) => buildHook(tenant, `${receiver.url}/${index}`)));
    for (let index = 0; index < 10; index += 1) {
      await queueMany(20);
      await createLead(tenant);
    }
    // Ten leads for three subscriptions, and what was queued for the first.
    await receiver.received(230);
    await until(isLaneAtRest);
    expect(receiver.requests).toHaveLength(230);
    expect(new Set(receiver.requests.map(({ path, headers }) => path + headers['webhook-id'])).size).toBe(
      230,
    );
  });

  it('that stop finish what is under way, begin nothing more, and leave the rest to the next', async () => {
    receiver.behave((_, res) => void setTimeout(() => res.end(), 20));
    const first = work();
    await queueMany(200);
    await receiver.received(20);
    await first.close();
    const sent = receiver.requests.length;
    expect(sent).toBeLessThan(60);
    expect(await pendingCount()).toBe(200 - sent);
    work();
    await receiver.received(200);
    await until(isLaneAtRest);
    expect(receiver.requests).toHaveLength(200);
    expect(new Set(hookIds()).size).toBe(200);
  });
});

describe('a subscription', () => {
  it('takes effect on every process at once, and so does its end', async () => {
    const second = await startServer({}, { name: server.ctx.redisPrefix });
    closing.push(() => second.close());
    const workspaceId = new ObjectId(tenant.workspaceId);
    const isWanted = (type: 'lead.created' | 'task.created') => second.ctx.relay.isWanted(workspaceId, type);
    expect(await isWanted('lead.created')).toBe(true);
    await tenant.api.put(hook.path).send({ events: ['task.created'] });
    await until(async () => !(await isWanted('lead.created')));
    expect(await isWanted('task.created')).toBe(true);
    await tenant.api.post(`${hook.path}/disable`);
    await until(async () => !(await isWanted('task.created')));
    await tenant.api.post(`${hook.path}/enable`);
    await until(() => isWanted('task.created'));
  });
});
