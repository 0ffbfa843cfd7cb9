import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { deliveries, eventBodies } from '../../src/features/platform/webhooks/model.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { buildTenant, startServer, type Tenant, useServer } from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';
import { type Receiver, startReceiver } from '../helpers/receiver.ts';
import { buildHook, type Hook, readLog, until } from '../helpers/webhooks.ts';

/** What an event says is stored once, whoever is sent it, and stays for as long as somebody may ask for it. */

// Other test files take their share of the machine.
vi.setConfig({ testTimeout: 60_000 });

const webhooks = { isPrivateNetworkAllowed: true, retryDelaysMs: [500, 500, 500, 500], timeoutMs: 5_000 };
const server = useServer({ webhooks });
let worker: RunningWorker;
let receiver: Receiver;
let tenant: Tenant;
beforeAll(() => {
  worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
});
afterAll(() => worker.close());
beforeEach(async () => {
  receiver = await startReceiver();
  tenant = await buildTenant(server);
});
afterEach(() => receiver.close());

const ofTenant = () => ({ workspaceId: new ObjectId(tenant.workspaceId) });
const storedDeliveries = () => deliveries(server.ctx.db).acrossTenants.find(ofTenant()).toArray();
const storedBodies = () => eventBodies(server.ctx.db).acrossTenants.find(ofTenant()).toArray();
const dayMs = 24 * 3_600_000;

async function delivered(hook: Hook) {
  const subscriptionId = new ObjectId(hook._id);
  return until(async () =>
    (await storedDeliveries()).find(
      (one) => one.subscriptionId.equals(subscriptionId) && one.status === 'delivered',
    ),
  );
}

describe('an event', () => {
  it('for 40 subscriptions is stored once, and all are sent and shown the same', async () => {
    const hooks = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        buildHook(tenant, `${receiver.url}/${index}`, ['lead.created']),
      ),
    );
    const lead = await createLead(tenant, { description: 'x'.repeat(5_000) });
    await receiver.received(40);
    for (const { text } of receiver.requests) expect(JSON.parse(text)).toEqual(lead);
    expect(await storedBodies()).toHaveLength(1);
    const stored = await storedDeliveries();
    expect(stored).toHaveLength(40);
    for (const delivery of stored) expect(JSON.stringify(delivery).length).toBeLessThan(500);
    const [hook] = hooks as [Hook];
    const [row] = await readLog(tenant, hook, 1);
    expect(row?.payload).toEqual(lead);
  });

  it('that is sent again much later is kept as long as what is said of it', async () => {
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    await buildHook(tenant, `${receiver.url}/other`, ['lead.created']);
    await createLead(tenant);
    await receiver.received(2);
    const { _id } = await delivered(hook);
    const inADay = new Date(Date.now() + dayMs);
    await eventBodies(server.ctx.db).acrossTenants.updateMany(ofTenant(), { $set: { expiresAt: inADay } });
    await tenant.api.post(`${hook.path}/deliveries/${_id.toHexString()}/retry`);
    const [first, , third] = await receiver.received(3);
    expect(third?.text).toBe(first?.text);
    const { expiresAt } = await delivered(hook);
    const [body] = await storedBodies();
    expect(body?.expiresAt.getTime()).toBeGreaterThan(expiresAt.getTime());
  });

  it('that had to wait long is kept until a month after its delivery', async () => {
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    await buildHook(tenant, `${receiver.url}/other`, ['lead.created']);
    receiver.behave(500);
    await createLead(tenant);
    await readLog(tenant, hook, 1);
    const inADay = new Date(Date.now() + dayMs);
    await eventBodies(server.ctx.db).acrossTenants.updateMany(ofTenant(), { $set: { expiresAt: inADay } });
    receiver.behave(200);
    // By a process that remembers nothing of it.
    await worker.close();
    const later = await startServer({ webhooks }, { name: server.ctx.redisPrefix });
    const itsWorker = startWorker(later.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
    await delivered(hook);
    await itsWorker.close();
    await later.close();
    worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
    const [body] = await storedBodies();
    expect(body?.expiresAt.getTime()).toBeGreaterThan(Date.now() + 29 * dayMs);
  });

  it('for one subscription stands in its delivery, as it does in those of earlier versions', async () => {
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    const lead = await createLead(tenant);
    const { _id, body } = await delivered(hook);
    expect(JSON.parse(body ?? '')).toEqual(lead);
    expect(await storedBodies()).toEqual([]);
    await tenant.api.post(`${hook.path}/deliveries/${_id.toHexString()}/retry`);
    const [first, second] = await receiver.received(2);
    expect(second?.text).toBe(first?.text);
    const rows = await readLog(tenant, hook, 2);
    expect(rows.map(({ payload }) => payload)).toEqual([lead, lead]);
  });
});
