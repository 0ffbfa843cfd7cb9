import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { deliveries, lanes, subscriptions } from '../../src/features/platform/webhooks/model.ts';
import { queueDeliveries } from '../../src/features/platform/webhooks/queue.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { buildLead, buildTenant, startServer, type Tenant, useServer } from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';
import { type Received, type Receiver, startReceiver } from '../helpers/receiver.ts';
import { buildHook, type Hook, readLog, until } from '../helpers/webhooks.ts';

// Other test files take their share of the machine.
vi.setConfig({ testTimeout: 60_000 });

const timeoutMs = 400;
const retryDelaysMs = [150, 150, 150, 150];
const server = useServer({ webhooks: { isPrivateNetworkAllowed: true, retryDelaysMs, timeoutMs } });

let worker: RunningWorker;
let receiver: Receiver;
beforeAll(() => {
  worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
});
afterAll(() => worker.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const hookIds = ({ requests }: Pick<Receiver, 'requests'>) =>
  requests.map(({ headers }) => headers['webhook-id']);

const verify = (secret: string, { text, headers }: Received) =>
  new Webhook(secret).verify(text, headers as Record<string, string>);

/** Queues `count` events for the subscription, all at once. */
async function queueMany(tenant: Tenant, hook: Hook, count: number): Promise<void> {
  const at = server.ctx.clock.now();
  const outgoing = Array.from({ length: count }, (_, index) => ({
    workspaceId: new ObjectId(tenant.workspaceId),
    subscriptionId: new ObjectId(hook._id),
    eventId: new ObjectId(),
    event: 'lead.created' as const,
    at,
    body: JSON.stringify({ index }),
  }));
  await queueDeliveries(server.ctx, outgoing);
}

const laneOf = (hook: Hook) => lanes(server.ctx.db).acrossTenants.findOne({ _id: new ObjectId(hook._id) });
const setLane = (hook: Hook, fields: object) =>
  lanes(server.ctx.db).acrossTenants.updateOne({ _id: new ObjectId(hook._id) }, { $set: fields });
const isActive = async ({ api }: Tenant, hook: Hook) => (await api.get(hook.path)).body.data.isActive;

describe('a delivery', () => {
  it('is the record as the API shows it, signed as Standard Webhooks describes', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, `${receiver.url}/hook`, ['lead.created']);
    const lead = await createLead(tenant, { tags: ['vip'], fields: { budget: 100 } });
    const [request] = (await receiver.received(1)) as [Received];
    expect(request.body).toEqual(lead);
    expect(request.path).toBe('/hook');
    expect(request.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'Qvoo-Webhooks/1.0',
      'x-qvoo-event': 'lead.created',
      'webhook-id': expect.stringMatching(/^evt_[0-9a-f]{24}$/),
      'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
      'webhook-signature': expect.stringMatching(/^v1,\S+$/),
    });
    expect(verify(hook.secret, request)).toEqual(lead);
    expect(() => verify(`whsec_${btoa('another')}`, request)).toThrow();
    const [row] = await readLog(tenant, hook, 1);
    expect(row).toEqual({
      _id: expect.any(String),
      deliveryId: expect.any(String),
      subscriptionId: hook._id,
      webhookId: request.headers['webhook-id'],
      event: 'lead.created',
      payload: lead,
      outcome: 'success',
      statusCode: 200,
      responseBody: 'status 200',
      durationMs: expect.any(Number),
      timestamp: expect.any(String),
    });
  });

  it('goes to each active subscription to the event, and to no other', async () => {
    const tenant = await buildTenant(server);
    await buildHook(tenant, `${receiver.url}/a`, ['lead.created', 'lead.updated']);
    await buildHook(tenant, `${receiver.url}/b`, ['lead.created']);
    await buildHook(tenant, `${receiver.url}/updates`, ['lead.updated']);
    const disabled = await buildHook(tenant, `${receiver.url}/disabled`, ['lead.created']);
    await tenant.api.post(`${disabled.path}/disable`);
    const stranger = await buildTenant(server);
    await buildHook(stranger, `${receiver.url}/stranger`, ['lead.created']);
    await createLead(tenant);
    await receiver.received(2);
    await createLead(stranger);
    await receiver.received(3);
    expect(receiver.requests.map(({ path }) => path).sort()).toEqual(['/a', '/b', '/stranger']);
    const [a, b] = receiver.requests.filter(({ path }) => path !== '/stranger');
    expect(a?.headers['webhook-id']).toBe(b?.headers['webhook-id']);
  });

  it('is signed with the old secret too for a day after a rotation', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    const rotated = await tenant.api.post(`${hook.path}/rotate-secret`);
    const newSecret = rotated.body.data.secret as string;
    await createLead(tenant);
    const [request] = (await receiver.received(1)) as [Received];
    expect(String(request.headers['webhook-signature']).split(' ')).toHaveLength(2);
    verify(hook.secret, request);
    verify(newSecret, request);

    await subscriptions(server.ctx.db).acrossTenants.updateOne(
      { _id: new ObjectId(hook._id) },
      { $set: { 'previousSecrets.0.expiresAt': new Date(Date.now() - 1) } },
    );
    await createLead(tenant);
    const [, later] = (await receiver.received(2)) as [Received, Received];
    expect(() => verify(hook.secret, later)).toThrow();
    verify(newSecret, later);
  });

  it('is signed with every secret of the last day, since the answer to a rotation may get lost', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    const rotate = async () =>
      (await tenant.api.post(`${hook.path}/rotate-secret`)).body.data.secret as string;
    const secrets = [hook.secret, await rotate(), await rotate()];
    await createLead(tenant);
    const [request] = (await receiver.received(1)) as [Received];
    for (const secret of secrets) verify(secret, request);

    for (let index = 0; index < 10; index += 1) secrets.push(await rotate());
    await createLead(tenant);
    const [, later] = (await receiver.received(2)) as [Received, Received];
    expect(String(later.headers['webhook-signature']).split(' ')).toHaveLength(11);
    for (const secret of secrets.slice(-11)) verify(secret, later);
  });

  it('is signed with the secret that an earlier version kept, also after another rotation', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    await tenant.api.post(`${hook.path}/rotate-secret`);
    const collection = subscriptions(server.ctx.db).acrossTenants;
    const filter = { _id: new ObjectId(hook._id) };
    const [previousSecret] = (await collection.findOne(filter))?.previousSecrets ?? [];
    if (!previousSecret) throw new Error('The old secret is gone');
    await collection.updateOne(filter, { $set: { previousSecret }, $unset: { previousSecrets: '' } });
    await createLead(tenant);
    verify(hook.secret, (await receiver.received(1))[0] as Received);
    await tenant.api.post(`${hook.path}/rotate-secret`);
    await createLead(tenant);
    verify(hook.secret, (await receiver.received(2))[1] as Received);
  });

  it('of a test event takes the same way', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['task.created']);
    const answer = await tenant.api.post(`${hook.path}/test`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ success: true, message: 'Test event dispatched' });
    const [request] = (await receiver.received(1)) as [Received];
    expect(request.headers['x-qvoo-event']).toBe('webhook.test');
    expect(verify(hook.secret, request)).toMatchObject({ workspaceId: tenant.workspaceId });
    expect((await readLog(tenant, hook, 1))[0]).toMatchObject({ event: 'webhook.test', outcome: 'success' });
  });
});

describe('retries', () => {
  it('go on under the same webhook-id until one succeeds', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    const statuses = [500, 404, 302, 201];
    receiver.behave((_, res) => res.writeHead(statuses[receiver.requests.length - 1] ?? 200).end());
    const lead = await createLead(tenant);
    await receiver.received(4);
    expect(new Set(hookIds(receiver)).size).toBe(1);
    for (const request of receiver.requests) expect(verify(hook.secret, request)).toEqual(lead);
    const rows = await readLog(tenant, hook, 4);
    expect(rows.map(({ statusCode }) => statusCode)).toEqual([201, 302, 404, 500]);
    expect(new Set(rows.map(({ deliveryId }) => deliveryId)).size).toBe(1);
    expect(new Set(rows.map(({ _id }) => _id)).size).toBe(4);
    const gaps = receiver.requests.slice(1).map((one, index) => one.at - (receiver.requests[index]?.at ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThan(30);
  });

  it('end with the schedule; the delivery can be sent again by hand', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    receiver.behave(500);
    await createLead(tenant);
    const rows = await readLog(tenant, hook, 1 + retryDelaysMs.length);
    const delivery = () =>
      deliveries(server.ctx.db).acrossTenants.findOne({ _id: new ObjectId(rows[0]?.deliveryId) });
    await until(async () => (await delivery())?.status === 'failed');
    expect(receiver.requests).toHaveLength(1 + retryDelaysMs.length);

    receiver.behave(200);
    const answer = await tenant.api.post(`${hook.path}/deliveries/${rows[2]?._id}/retry`);
    expect(answer.body).toEqual({ success: true, message: 'Delivery queued' });
    await receiver.received(2 + retryDelaysMs.length);
    await until(async () => (await delivery())?.status === 'delivered');
    await tenant.api.post(`${hook.path}/deliveries/${rows[0]?.deliveryId}/retry`);
    await receiver.received(3 + retryDelaysMs.length);
    expect(new Set(hookIds(receiver)).size).toBe(1);
    await until(async () => (await delivery())?.status === 'delivered');
  });

  it('wait as long as the receiver asks with Retry-After', async () => {
    const tenant = await buildTenant(server);
    await buildHook(tenant, receiver.url, ['lead.created']);
    receiver.behave((_, res) => {
      res.writeHead(receiver.requests.length === 1 ? 429 : 200, { 'retry-after': '1' }).end();
    });
    await createLead(tenant);
    const [first, second] = (await receiver.received(2)) as [Received, Received];
    expect(second.at - first.at).toBeGreaterThan(850);
  });

  it('follow every way in which a receiver fails, and the log tells which', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    const failures = {
      hang: { error: `No answer within ${timeoutMs} ms` },
      reset: { error: 'socket hang up' },
      huge: { statusCode: 500, responseBody: 'x'.repeat(4_096) },
    };
    for (const [way, failure] of Object.entries(failures)) {
      receiver.behave(way as keyof typeof failures);
      await createLead(tenant);
      const [newest] = await until(async () => {
        const rows = await readLog(tenant, hook, 1);
        return rows[0]?.outcome === 'failure' && rows;
      });
      expect(newest).toMatchObject(failure);
      expect('statusCode' in (newest ?? {})).toBe(way === 'huge');
      receiver.behave(200);
      await until(async () => (await readLog(tenant, hook, 1))[0]?.outcome === 'success');
    }
  });
});

describe('an endpoint beyond hope', () => {
  const notices = (tenant: Tenant) =>
    server.ctx.db
      .global('notifications')
      .find({ workspaceId: new ObjectId(tenant.workspaceId) })
      .toArray();

  it('is disabled by a 410, and the admins are told once', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    receiver.behave(410);
    await createLead(tenant);
    await until(async () => !(await isActive(tenant, hook)));
    expect((await tenant.api.get(hook.path)).body.data.disabledReason).toBe('The endpoint answered 410 Gone');
    await until(async () => (await notices(tenant)).length > 0);
    expect(await notices(tenant)).toMatchObject([{ subject: 'The webhook "Test webhook" was disabled' }]);
    expect(receiver.requests).toHaveLength(1);
  });

  it('is disabled after five days of nothing but failure; one success in between saves it', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    const fiveDaysAgo = () => new Date(Date.now() - 5 * 24 * 3_600_000 - 1_000);
    await createLead(tenant);
    await receiver.received(1);
    await until(async () => !(await laneOf(hook))?.lease);
    await setLane(hook, { failingSince: fiveDaysAgo(), consecutiveFailures: 3 });
    await createLead(tenant);
    await receiver.received(2);
    await until(async () => !(await laneOf(hook))?.failingSince);

    receiver.behave(500);
    await setLane(hook, { failingSince: fiveDaysAgo(), consecutiveFailures: 3 });
    await createLead(tenant);
    await until(async () => !(await isActive(tenant, hook)));
    expect(await until(async () => (await notices(tenant))[0])).toMatchObject({
      text: expect.stringContaining('Every delivery of five days failed'),
    });
  });

  it('leaves a notice behind that the sweep gives when the process died in between', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url);
    const owedNotice = { id: new ObjectId(), subject: 'Left behind', text: 'Text' };
    const filter = { _id: new ObjectId(hook._id) };
    const collection = subscriptions(server.ctx.db).acrossTenants;
    await collection.updateOne(filter, { $set: { owedNotice } });
    await until(async () => !(await collection.findOne(filter))?.owedNotice);
    expect(await notices(tenant)).toMatchObject([{ _id: owedNotice.id, subject: 'Left behind' }]);
  });
});

describe('disabling', () => {
  it('keeps what is pending, and enabling sends it', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    receiver.behave('hang');
    const lead = await createLead(tenant);
    await receiver.received(1);
    await tenant.api.post(`${hook.path}/disable`);
    await readLog(tenant, hook, 1);
    await createLead(tenant);
    receiver.behave(200);
    await until(async () => !(await laneOf(hook))?.dueAt);
    expect(receiver.requests).toHaveLength(1);

    await tenant.api.post(`${hook.path}/enable`);
    const [, second] = (await receiver.received(2)) as [Received, Received];
    expect(second.body).toEqual(lead);
    // What happened while it was disabled is no event of its.
    await until(async () => !(await laneOf(hook))?.dueAt);
    expect(receiver.requests).toHaveLength(2);
  });
});

describe('enabling', () => {
  /** A disabled subscription that is still owed a delivery. */
  async function buildDisabled() {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.created']);
    receiver.behave('hang');
    const lead = await createLead(tenant);
    await receiver.received(1);
    await tenant.api.post(`${hook.path}/disable`);
    await readLog(tenant, hook, 1);
    await until(async () => !(await laneOf(hook))?.dueAt);
    receiver.behave(200);
    return { tenant, hook, lead };
  }

  it('that dies before it wakes the endpoint is made up for within the half-minute', async () => {
    const { tenant, hook } = await buildDisabled();
    const { invalidate } = server.ctx.cache;
    server.ctx.cache.invalidate = () => Promise.reject(new Error('The process died'));
    expect((await tenant.api.post(`${hook.path}/enable`)).status).toBe(500);
    server.ctx.cache.invalidate = invalidate;
    expect(await isActive(tenant, hook)).toBe(true);
    // Found by the sweep at once, or a little later if it came before the change.
    const lane = await laneOf(hook);
    expect(lane?.dueAt ?? lane?.lease?.until).toBeInstanceOf(Date);
    expect(lane?.dueAt?.getTime()).toBeLessThan(Date.now() + 31_000);
  });

  it('that is repeated because its answer was lost wakes the endpoint', async () => {
    const { tenant, hook, lead } = await buildDisabled();
    const collection = subscriptions(server.ctx.db).acrossTenants;
    await collection.updateOne({ _id: new ObjectId(hook._id) }, { $set: { isActive: true } });
    await tenant.api.post(`${hook.path}/enable`);
    const [, request] = (await receiver.received(2)) as [Received, Received];
    expect(request.body).toEqual(lead);
  });
});

describe('each endpoint has its own pace', () => {
  it('gets a few requests at a time', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url);
    receiver.behave((_, res) => void setTimeout(() => res.end(), 10));
    await queueMany(tenant, hook, 100);
    await receiver.received(100);
    expect(receiver.peak).toBeLessThanOrEqual(8);
    expect(receiver.peak).toBeGreaterThan(4);
    expect(new Set(hookIds(receiver)).size).toBe(100);
  });

  it('hanging receivers delay nobody else', async () => {
    const patient = await startServer({
      webhooks: { isPrivateNetworkAllowed: true, retryDelaysMs, timeoutMs: 20_000 },
    });
    const itsWorker = startWorker(patient.ctx, inject('redisUrl'));
    const tenant = await buildTenant(patient);
    const other = await buildTenant(patient);
    receiver.behave('hang');
    receiver.behave(200, '/well');
    for (let index = 0; index < 20; index += 1) await buildHook(tenant, `${receiver.url}/hang${index}`);
    await buildHook(other, `${receiver.url}/well`);
    for (let index = 0; index < 10; index += 1) await createLead(tenant);
    // All that is ever under way at once: eight for each.
    await receiver.received(160);
    for (let index = 0; index < 20; index += 1) {
      await createLead(other);
      await receiver.received(index + 1, ({ path }) => path === '/well');
    }
    expect(receiver.requests).toHaveLength(180);

    // Nor does a single request that hangs hold up what comes next for the same endpoint.
    const half = await buildTenant(patient);
    await buildHook(half, `${receiver.url}/half`);
    const toHalf = ({ path }: Received) => path === '/half';
    receiver.behave((_, res) => {
      if (receiver.requests.filter(toHalf).length > 1) res.end();
    }, '/half');
    for (let index = 0; index < 4; index += 1) {
      await createLead(half);
      await receiver.received(index + 1, toHalf);
    }
    // Ends the requests that hang, for which the worker would wait.
    await receiver.close();
    await itsWorker.close();
    await patient.close();
  });

  it('a burst for one does not starve the single event of another', async () => {
    const count = 1_500;
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, `${receiver.url}/burst`);
    const other = await buildTenant(server);
    await buildHook(other, `${receiver.url}/single`);
    for (let index = 0; index < count; index += 500) await queueMany(tenant, hook, 500);
    await receiver.received(100, ({ path }) => path === '/burst');
    const at = Date.now();
    await createLead(other);
    await receiver.received(1, ({ path }) => path === '/single');
    expect(Date.now() - at).toBeLessThan(1_000);
    expect(receiver.requests.length).toBeLessThan(count);
    await receiver.received(count + 1);
    expect(new Set(hookIds(receiver)).size).toBe(count + 1);
  });

  it('a broken one is only probed until it is well again, and then gets everything', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url);
    receiver.behave(500);
    await queueMany(tenant, hook, 200);
    await until(async () => ((await laneOf(hook))?.consecutiveFailures ?? 0) >= 10);
    expect(receiver.requests.length).toBeLessThan(40);
    expect((await laneOf(hook))?.failingSince).toBeInstanceOf(Date);

    // What a person asks for goes first, and does not wait for the pause to end.
    await tenant.api.post(`${hook.path}/test`);
    const before = receiver.requests.length;
    const probes = await receiver.received(before + 2);
    expect(probes.slice(before - 1).map(({ headers }) => headers['x-qvoo-event'])).toContain('webhook.test');

    receiver.behave(200);
    await until(async () => {
      const pending = { subscriptionId: new ObjectId(hook._id), status: 'pending' as const };
      return (await deliveries(server.ctx.db).acrossTenants.countDocuments(pending)) === 0;
    });
    expect(new Set(hookIds(receiver)).size).toBe(201);
    await until(async () => !(await laneOf(hook))?.lease);
    expect(await laneOf(hook)).not.toHaveProperty('consecutiveFailures');
    expect(await laneOf(hook)).not.toHaveProperty('failingSince');
  });
});

describe('replay', () => {
  it('sends again what happened in the window, under the same webhook-ids', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.created', 'lead.updated']);
    await createLead(tenant);
    await receiver.received(1);
    const second = await createLead(tenant);
    await tenant.api.patch(`/leads/${second._id}`).send({ name: 'Renamed' });
    await receiver.received(3);
    await readLog(tenant, hook, 3);
    await until(async () => !(await laneOf(hook))?.lease);
    const [, created, updated] = receiver.requests as [Received, Received, Received];

    const window = { since: second.createdAt };
    const answer = await tenant.api.post(`${hook.path}/replay`).send({ ...window, events: ['lead.updated'] });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ success: true, message: 'Replay started' });
    await receiver.received(4);
    await until(async () => !(await laneOf(hook))?.replay);
    expect(receiver.requests[3]?.headers['webhook-id']).toBe(updated.headers['webhook-id']);
    expect(receiver.requests[3]?.text).toBe(updated.text);
    await readLog(tenant, hook, 4);

    await tenant.api.post(`${hook.path}/replay`).send(window);
    await receiver.received(6);
    expect(hookIds(receiver).slice(4).sort()).toEqual(hookIds({ requests: [created, updated] }).sort());

    await until(async () => !(await laneOf(hook))?.replay);
    await tenant.api.post(`${hook.path}/replay`).send({ since: new Date(0), until: second.createdAt });
    await receiver.received(7);
    expect(receiver.requests[6]?.text).toBe(receiver.requests[0]?.text);
  });

  it('goes through any number of deliveries piece by piece', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url);
    const count = 1_100;
    await queueMany(tenant, hook, count);
    await receiver.received(count);
    await until(async () => !(await laneOf(hook))?.dueAt);
    const since = new Date(Date.now() - 3_600_000).toISOString();
    await tenant.api.post(`${hook.path}/replay`).send({ since });
    await receiver.received(2 * count);
    await until(async () => !(await laneOf(hook))?.dueAt);
    expect(receiver.requests).toHaveLength(2 * count);
    expect(new Set(hookIds(receiver)).size).toBe(count);
  });
});

describe('the write path', () => {
  it('owes no event where nobody listens', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, receiver.url, ['lead.updated']);
    const leads = server.ctx.db.global('leads');
    const { hand } = server.ctx.relay;
    const handed: unknown[] = [];
    server.ctx.relay.hand = (name, record, owed = record.owed) => {
      if (name === 'leads') handed.push(owed?.map(({ type }) => type));
      hand(name, record, owed);
    };
    try {
      const lead = await createLead(tenant);
      await tenant.api.patch(`/leads/${lead._id}`).send({ name: 'Renamed' });
      await tenant.api.post(`${hook.path}/disable`);
      await tenant.api.patch(`/leads/${lead._id}`).send({ name: 'Renamed again' });
      expect(handed).toEqual([[undefined], ['lead.updated'], [undefined]]);
      await server.ctx.relay.idle();
      const stored = await leads.findOne({ _id: new ObjectId(lead._id) });
      expect(stored).not.toHaveProperty('owed');
      expect(stored).not.toHaveProperty('owedSince');
    } finally {
      server.ctx.relay.hand = hand;
    }
  });

  it('makes no event of a change that did not happen', async () => {
    const tenant = await buildTenant(server);
    await buildHook(tenant, receiver.url);
    const lead = await createLead(tenant);
    await receiver.received(1);
    const path = `/leads/${lead._id}`;
    await tenant.api.patch(path).send({ name: lead.name });
    await tenant.api.patch(path).send({ name: '' });
    await tenant.api.post('/leads').send(buildLead({ mobileNumber: lead.mobileNumber }));
    await tenant.api.patch(path).set('If-Match', 'W/"2020-01-01T00:00:00.000Z-0"').send({ name: 'x' });
    await tenant.api.post(`${path}/archive`);
    await tenant.api.post(`${path}/archive`);
    await receiver.received(2);
    await tenant.api.post('/leads').send(buildLead());
    await receiver.received(3);
    expect(receiver.requests.map(({ headers }) => headers['x-qvoo-event'])).toEqual([
      'lead.created',
      'lead.updated',
      'lead.created',
    ]);
    expect(receiver.requests[1]?.body).toHaveProperty('archivedAt');
  });
});
