import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { leadEntity } from '../../src/features/people/leads/record.ts';
import { type Embedded, startEmbedded } from '../../src/infra/embedded/index.ts';
import { connectMongo } from '../../src/infra/mongo.ts';
import { isMongoUnavailable } from '../../src/infra/mongo-errors.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { newRecord } from '../../src/records/insert.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import { startWorker } from '../../src/worker.ts';
import { buildLead, buildTenant, startServer, type Tenant, type TestServer } from '../helpers/app.ts';
import { followSync, type SyncedRecord } from '../helpers/sync.ts';
import { until } from '../helpers/webhooks.ts';

/** A server whose MongoDB and Redis are its own, to be killed and frozen. */

vi.setConfig({ testTimeout: 60_000 });

/** A database that hangs is found out within three seconds; the rest is for a busy machine. */
const quicklyMs = 8_000;
const quiet = { info: () => {}, warn: () => {}, error: () => {} };

let dataDir: string;
let embedded: Embedded;
let server: TestServer;
let tenant: Tenant;
const pidOf = (name: 'mongo' | 'redis') => embedded.pids()[name] as number;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'crm-outages-'));
  embedded = await startEmbedded({ dataDir, log: quiet, mongo: true, redis: true });
  server = await startServer({}, { mongoUrl: embedded.mongoUrl, redisUrl: embedded.redisUrl });
  tenant = await buildTenant(server);
});
afterAll(async () => {
  await server.close();
  await embedded.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Runs `work` while the process does not. */
async function whileFrozen<T>(name: 'mongo' | 'redis', work: () => Promise<T>): Promise<T> {
  const pid = pidOf(name);
  process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ answer: T; ms: number }> {
  const startedAt = performance.now();
  const answer = await work();
  return { answer, ms: performance.now() - startedAt };
}

const create = (key: string, body: object) =>
  tenant.api.post('/leads').set('Idempotency-Key', key).send(body);

describe('while MongoDB does not answer', () => {
  it('says so with 503 and Retry-After, quickly, and goes on afterwards with the same request', async () => {
    const body = buildLead();
    const { answer, ms } = await whileFrozen('mongo', () => timed(async () => create('frozen', body)));
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    expect(answer.body).toEqual({ success: false, error: expect.any(String) });
    expect(ms).toBeLessThan(quicklyMs);

    const retried = await until(async () => {
      const again = await create('frozen', body);
      return again.status !== 503 && again;
    });
    expect(retried.status).toBe(201);
    const found = await tenant.api.get(`/leads?q=${encodeURIComponent(body.mobileNumber)}`);
    expect(found.body.data).toHaveLength(1);
  });

  it('counts no row of a bulk as created that may not be there', async () => {
    const rows = [buildLead(), buildLead()];
    const send = () => tenant.api.post('/leads/bulk').set('Idempotency-Key', 'bulk').send({ leads: rows });
    const answer = await whileFrozen('mongo', async () => send());
    expect(answer.status).toBe(503);
    const retried = await until(async () => {
      const again = await send();
      return again.status !== 503 && again;
    });
    expect(retried.body).toMatchObject({ success: true, count: 2, skippedDuplicates: 0 });
  });

  it('makes nobody wait for those who wait before him', async () => {
    const { body } = await tenant.api.post('/leads').send(buildLead());
    const answers = await whileFrozen('mongo', () =>
      Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          timed(async () => tenant.api.patch(`/leads/${body.data._id}`).send({ city: `City ${index}` })),
        ),
      ),
    );
    expect(answers.map(({ answer }) => answer.status)).toEqual(Array(8).fill(503));
    expect(answers.map(({ answer }) => answer.headers['retry-after'])).not.toContain(undefined);
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(quicklyMs);
    await until(async () => (await tenant.api.get('/leads')).status === 200);
  });

  it('shows those who sync a lead that it stored later than its stamp says', async () => {
    const body = buildLead();
    await tenant.api.get('/leads?limit=1').expect(200);
    const lost = await whileFrozen('mongo', async () => create('late', body));
    expect(lost.status).toBe(503);
    const passed = await until(async () => {
      const answer = await tenant.api.post('/leads').send(buildLead());
      return answer.status === 201 && answer.body.data;
    });
    const seen = await followSync<SyncedRecord>(tenant.api, '/leads', (found) => found.has(passed._id));
    const retried = await create('late', body);
    expect(retried.status).toBe(201);
    const { _id: id } = retried.body.data;
    const since = [...seen.values()].at(-1)?.updatedAt ?? '';
    const { updatedAt } = (await tenant.api.get(`/leads/${id}`)).body.data;
    expect(seen.get(id)?.updatedAt === updatedAt || updatedAt > since).toBe(true);
  });

  it('is left by a server that stops, events and sweeps or not', async () => {
    const { ctx, ...stopping } = await startServer(
      {},
      { name: server.ctx.redisPrefix, mongoUrl: embedded.mongoUrl, redisUrl: embedded.redisUrl },
    );
    const worker = startWorker(ctx, embedded.redisUrl as string, { sweepEveryMs: 50 });
    const workspaceId = new ObjectId(tenant.workspaceId);
    const lead = await newRecord(ctx, leadEntity, systemIn(workspaceId), { name: 'Owing', priority: 'Low' });
    const { ms } = await whileFrozen('mongo', async () => {
      for (let count = 0; count < 2_000; count += 1) {
        const owed = [{ id: new ObjectId(), type: 'lead.created' as const, at: lead.createdAt }];
        ctx.relay.hand('leads', { ...lead, owed });
      }
      return timed(async () => {
        await worker.close();
        await stopping.close();
      });
    });
    expect(ms).toBeLessThan(15_000);
  });

  it('reports a lost insert of many documents as lost', async () => {
    const db = await connectMongo(embedded.mongoUrl as string, { databaseName: 'outages' });
    const workspaceId = new ObjectId();
    const documents = [{ _id: new ObjectId(), workspaceId }];
    const lost = await whileFrozen('mongo', () =>
      leadEntity
        .collection(db)
        .insertMany(workspaceId, documents as never)
        .then(
          () => undefined,
          (error: unknown) => error,
        ),
    );
    expect(isMongoUnavailable(lost)).toBe(true);
    await db.close();
  });

  it('recovers from its death without being started again', async () => {
    process.kill(pidOf('mongo'), 'SIGKILL');
    const { answer, ms } = await timed(async () => tenant.api.get('/leads'));
    // Its keeper may have been quicker than the request.
    expect([200, 503]).toContain(answer.status);
    expect(ms).toBeLessThan(quicklyMs);
    await until(async () => (await tenant.api.get('/leads')).status === 200);
  });

  it('leaves no request waiting on a connection that breaks under it', async () => {
    let isOver = false;
    let longestMs = 0;
    const work = async () => {
      while (!isOver) {
        const { answer, ms } = await timed(async () => tenant.api.post('/leads').send(buildLead()));
        expect([201, 503]).toContain(answer.status);
        longestMs = Math.max(longestMs, ms);
      }
    };
    const workers = Promise.all(Array.from({ length: 20 }, work));
    for (let deaths = 0; deaths < 4; deaths++) {
      process.kill(pidOf('mongo'), 'SIGKILL');
      await until(
        async () => pidOf('mongo') !== undefined && (await tenant.api.get('/leads')).status === 200,
      );
    }
    isOver = true;
    await workers;
    expect(longestMs).toBeLessThan(quicklyMs);
  });
});

describe('while Redis does not answer', () => {
  it('serves reads and writes, and messages are taken', async () => {
    await whileFrozen('redis', async () => {
      const created = await timed(async () => create('redis-frozen', buildLead()));
      expect(created.answer.status).toBe(201);
      expect(created.ms).toBeLessThan(quicklyMs);
      const read = await tenant.api.get(`/leads/${created.answer.body.data._id}`);
      expect(read.status).toBe(200);
      const sms = await timed(async () =>
        tenant.api.post('/messages/sms').send({ to: '+919812345678', body: 'Hello' }),
      );
      expect(sms.answer.status).toBe(201);
      expect(sms.ms).toBeLessThan(quicklyMs);
    });
  });
});
