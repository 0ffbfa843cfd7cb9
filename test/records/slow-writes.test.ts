import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { type Lead, leadEntity } from '../../src/features/people/leads/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import {
  type Api,
  apiOf,
  buildLead,
  buildTenant,
  startServer,
  type Tenant,
  type TestServer,
  useServer,
  workspacePath,
} from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';
import { type SlowDatabase, startSlowDatabase } from '../helpers/slow-database.ts';
import { followSync, type SyncedRecord } from '../helpers/sync.ts';
import { until } from '../helpers/webhooks.ts';

/**
 * Writes that the database stores some time after their server has stamped them, beside a reader of /sync that keeps up.
 * The server that writes sees the database through a network that holds its commands up; the other one does not.
 */

vi.setConfig({ testTimeout: 60_000 });

const server = useServer();
let database: SlowDatabase;
let slow: TestServer;
let tenant: Tenant;
let slowApi: Api;

beforeAll(async () => {
  database = await startSlowDatabase(inject('mongoUrl'));
  slow = await startServer({}, { name: server.ctx.redisPrefix, mongoUrl: database.url });
});
afterAll(async () => {
  await slow.close();
  await database.close();
});
beforeEach(async () => {
  tenant = await buildTenant(server);
  slowApi = apiOf(slow, workspacePath(tenant.workspaceId), { 'X-API-Key': tenant.apiKey });
  // Workspace and key are known to the slow server from here on.
  await slowApi.get('/leads').expect(200);
  // What the writes before owe is inserted and cleared by commands of its own, which no test is to hold up.
  await slow.ctx.relay.idle();
});

/** Longer than a reader waits for writes that are under way. */
const tooLongMs = 2_000;

/** Follows /sync until the reader has passed a lead that is created now, and then on until it has the wanted one. */
async function readPast(wanted: (seen: ReadonlyMap<string, SyncedRecord>) => boolean) {
  const marker = await createLead(tenant);
  let hasPassed: () => void = () => {};
  const passed = new Promise<void>((resolve) => {
    hasPassed = resolve;
  });
  const reading = followSync<SyncedRecord>(tenant.api, '/leads', (seen) => {
    if (seen.has(marker._id)) hasPassed();
    return wanted(seen);
  });
  return { passed, reading };
}

const storedLead = (id: string) =>
  leadEntity.collection(server.ctx.db).findById(new ObjectId(tenant.workspaceId), new ObjectId(id));
const leadOf = (phone: string) =>
  until(
    async () =>
      (await leadEntity
        .collection(server.ctx.db)
        .findOne(new ObjectId(tenant.workspaceId), { mobileNumber: phone })) ?? undefined,
  ) as Promise<Lead>;

describe('a reader of /sync sees', () => {
  it('a lead that is stored within the settling time after it was stamped', async () => {
    const held = database.holdNext('insert');
    const creating = slowApi.post('/leads').send(buildLead()).then();
    await held.reached;
    const { passed, reading } = await readPast((seen) => seen.size === 2);
    await Promise.race([passed, delay(900)]);
    held.release();
    const { body } = await creating;
    const seen = await reading;
    expect(seen.get(body.data._id)?.updatedAt).toBe(body.data.updatedAt);
  });

  it('a lead whose insert took long', async () => {
    const held = database.holdNext('insert');
    const creating = slowApi.post('/leads').send(buildLead()).then();
    await held.reached;
    const { passed, reading } = await readPast((seen) => seen.size === 2);
    await Promise.all([passed, delay(tooLongMs)]);
    held.release();
    const { body } = await creating;
    expect((await reading).get(body.data._id)).toEqual(body.data);
  });

  it('leads of a bulk that took long', async () => {
    const held = database.holdNext('insert');
    const rows = [buildLead(), buildLead()];
    const creating = slowApi.post('/leads/bulk').set('Idempotency-Key', 'slow').send({ leads: rows }).then();
    await held.reached;
    const { passed, reading } = await readPast((seen) => seen.size === 3);
    await Promise.all([passed, delay(tooLongMs)]);
    held.release();
    const { body } = await creating;
    expect((await reading).size).toBe(3);
    const again = await tenant.api.post('/leads/bulk').set('Idempotency-Key', 'slow').send({ leads: rows });
    expect(again.body).toEqual(body);
  });

  it('a change that took long', async () => {
    const lead = await createLead(tenant);
    const held = database.holdNext('update');
    const changing = slowApi.patch(`/leads/${lead._id}`).send({ city: 'Pune' }).then();
    await held.reached;
    const changed = (seen: ReadonlyMap<string, SyncedRecord>) =>
      (seen.get(lead._id) as { city?: string } | undefined)?.city === 'Pune';
    const { passed, reading } = await readPast(changed);
    await Promise.all([passed, delay(tooLongMs)]);
    held.release();
    const { body } = await changing;
    expect((await reading).get(lead._id)).toEqual(body.data);
    expect((await storedLead(lead._id))?.version).toBe(2);
  });

  it('a change whose writer is gone only if it was in time', async () => {
    const lead = await createLead(tenant);
    const held = database.holdNext('update');
    const changing = slowApi.patch(`/leads/${lead._id}`).send({ city: 'Pune' }).then();
    await held.reached;
    await delay(tooLongMs);
    held.abandon();
    expect((await changing).status).toBe(503);
    held.release();
    await createLead(tenant);
    expect((await storedLead(lead._id))?.version).toBe(1);
  });

  it('a lead whose writer was told nothing, without anybody asking again', async () => {
    const body = buildLead();
    const held = database.holdNext('insert');
    const creating = slowApi.post('/leads').send(body).then();
    await held.reached;
    const { passed, reading } = await readPast((seen) => seen.size === 2);
    await Promise.all([passed, delay(tooLongMs)]);
    held.abandon();
    expect((await creating).status).toBe(503);
    held.release();
    const stored = await leadOf(body.mobileNumber);
    expect((await reading).has(stored._id.toHexString())).toBe(true);
  });

  it.each([
    [
      'a retry',
      async (key: string, body: object) => tenant.api.post('/leads').set('Idempotency-Key', key).send(body),
    ],
    ['the sweep', async () => server.ctx.relay.sweep()],
  ])('a lead whose writer died meanwhile, once %s comes across it', async (who, comeAcross) => {
    server.ctx.relay.addListener({ name: who, isListening: async () => true, accept: async () => {} });
    slow.ctx.relay.addListener({ name: who, isListening: async () => true, accept: async () => {} });
    slow.ctx.doubts.add = () => {};
    const body = buildLead();
    const held = database.holdNext('insert');
    const creating = slowApi.post('/leads').set('Idempotency-Key', 'dead').send(body).then();
    await held.reached;
    const { passed, reading } = await readPast((seen) => seen.size === 2);
    await Promise.all([passed, delay(tooLongMs)]);
    held.abandon();
    await creating;
    held.release();
    const stored = await leadOf(body.mobileNumber);
    await comeAcross('dead', body);
    const seen = await reading;
    expect(seen.get(stored._id.toHexString())?.updatedAt).toBe(
      (await storedLead(stored._id.toHexString()))?.updatedAt.toISOString(),
    );
  });
});

describe('a create that took long', () => {
  it('is answered the same to everybody who asks with its key, before and after it is stamped again', async () => {
    const body = buildLead();
    const ask = (api: Api) => api.post('/leads').set('Idempotency-Key', 'long').send(body).then();
    const insert = database.holdNext('insert');
    const first = ask(slowApi);
    await insert.reached;
    await delay(1_100);
    const stamping = database.holdNext('findAndModify');
    insert.release();
    await stamping.reached;
    const before = await ask(tenant.api);
    stamping.release();
    const answered = await first;
    const after = await ask(tenant.api);
    expect([answered.status, before.status, after.status]).toEqual([201, 201, 201]);
    expect(before.text).toBe(answered.text);
    expect(after.text).toBe(answered.text);
    const lead = answered.body.data;
    const now = await tenant.api.get(`/leads/${lead._id}`);
    expect(now.body.data.updatedAt > lead.updatedAt).toBe(true);
    const changed = await tenant.api
      .patch(`/leads/${lead._id}`)
      .set('If-Match', answered.headers.etag ?? '')
      .send({ city: 'Pune' });
    expect(changed.status).toBe(200);
    const stale = await tenant.api
      .patch(`/leads/${lead._id}`)
      .set('If-Match', answered.headers.etag ?? '')
      .send({ city: 'Goa' });
    expect(stale.status).toBe(412);
  });
});
