import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { jobWork } from '../../src/features/data/jobs/jobs.ts';
import type { Slice } from '../../src/features/data/jobs/kind.ts';
import { type Job, jobs } from '../../src/features/data/jobs/model.ts';
import { throughRecords } from '../../src/features/data/jobs/records.ts';
import { assertRoomForJob, type NewJob, startJob } from '../../src/features/data/jobs/service.ts';
import { leadEntity } from '../../src/features/people/leads/record.ts';
import { features } from '../../src/features.ts';
import { AppError } from '../../src/lib/errors.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { facet } from '../../src/records/facets.ts';
import type { Claimed, Lane } from '../../src/work/work.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import {
  apiOf,
  buildApiKey,
  buildTenant,
  startServer,
  type Tenant,
  type TestServer,
  workspacePath,
} from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';
import { until } from '../helpers/webhooks.ts';

/** Kinds of jobs as small as they can be; a test says what a slice does. */
let slice: (job: Job) => Promise<Slice>;
const chores = {
  name: 'chores',
  jobs: [
    { name: 'chore.do', slice: (_ctx: unknown, job: Job) => slice(job) },
    {
      name: 'chore.drop',
      cancelledWith: 'task.write' as const,
      slice: (_ctx: unknown, job: Job) => slice(job),
    },
  ],
};

let server: TestServer;
let worker: RunningWorker;
let tenant: Tenant;
beforeAll(async () => {
  server = await startServer({}, { features: [...features, chores] });
  worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
});
afterAll(async () => {
  await worker.close();
  await server.close();
});
beforeEach(async () => {
  tenant = await buildTenant(server);
  slice = async () => ({});
});

const subject = { type: 'chore', id: new ObjectId() };
const start = (given: Partial<NewJob> = {}) =>
  startJob(
    server.ctx,
    { kind: 'session', id: 'somebody', workspaceId: new ObjectId(tenant.workspaceId) },
    { kind: 'chore.do', subject, ...given },
  );
const read = async ({ _id }: Pick<Job, '_id'>, { api } = tenant) => (await api.get(`/jobs/${_id}`)).body.data;
const ended = (job: Job, owner = tenant) =>
  until(async () => {
    const shown = await read(job, owner);
    return shown.finishedAt ? shown : undefined;
  });
const stored = ({ workspaceId, _id }: Job) => jobs(server.ctx.db).findById(workspaceId, _id);

/** Slices that are done `count` at a time, as far as `total`. */
const counting =
  (total: number, count: number) =>
  async ({ cursor }: Job): Promise<Slice> => {
    const from = (cursor as { from: number } | undefined)?.from ?? 0;
    const next = Math.min(total, from + count);
    return { done: next - from, total, cursor: next < total ? { from: next } : undefined };
  };

describe('a job', () => {
  it('is done slice by slice, shows how far it is, and goes a week after it has ended', async () => {
    const seen: unknown[] = [];
    const inSlices = counting(25, 10);
    slice = async (job) => {
      const { status, progress } = await read(job);
      seen.push({ status, ...progress });
      return inSlices(job);
    };
    const shown = await ended(await start());
    expect(seen).toEqual([
      { status: 'running', done: 0, failed: 0 },
      { status: 'running', total: 25, done: 10, failed: 0 },
      { status: 'running', total: 25, done: 20, failed: 0 },
    ]);
    expect(shown).toEqual({
      _id: expect.any(String),
      workspaceId: tenant.workspaceId,
      type: 'chore.do',
      subject: { type: 'chore', id: subject.id.toHexString() },
      status: 'completed',
      progress: { total: 25, done: 25, failed: 0 },
      createdBy: 'somebody',
      createdAt: expect.any(String),
      updatedAt: shown.finishedAt,
      finishedAt: expect.any(String),
    });
    const row = await jobs(server.ctx.db).findById(new ObjectId(tenant.workspaceId), new ObjectId(shown._id));
    const weekMs = 7 * 24 * 3_600_000;
    expect(row?.expiresAt?.getTime()).toBe(new Date(shown.finishedAt).getTime() + weekMs);
    expect(row).not.toHaveProperty('dueAt');
  });

  it('counts a slice once that two processes do, or one does again after its death', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached: Job[] = [];
    const inSlices = counting(30, 10);
    slice = async (job) => {
      reached.push(job);
      if (reached.length === 2) await held;
      return inSlices(job);
    };
    const job = await start();
    const second = await until(async () => reached[1]);
    // The worker is at the second slice; another process believes it dead, and does the same one.
    const lane = { workspaceId: job.workspaceId } as Claimed<Lane>;
    const visit = await jobWork.open(server.ctx, lane);
    await visit?.process({ ...second });
    release();
    expect((await ended(job)).progress).toEqual({ total: 30, done: 30, failed: 0 });
  });

  it('is begun once by many who begin the same', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    slice = async () => {
      await held;
      return {};
    };
    const byKey = await Promise.all(Array.from({ length: 10 }, () => start({ key: 'the same' })));
    expect(new Set(byKey.map(({ _id }) => _id.toHexString())).size).toBe(1);
    const id = new ObjectId();
    const byId = await Promise.all(Array.from({ length: 10 }, () => start({ id })));
    expect(new Set(byId.map(({ _id }) => _id.toHexString()))).toEqual(new Set([id.toHexString()]));
    release();
    await ended(byId[0] as Job);
    await ended(byKey[0] as Job);
    const again = await start({ key: 'the same' });
    expect(again._id).not.toEqual(byKey[0]?._id);
    // With the id of one that has ended: nothing is begun anew.
    expect((await start({ id })).status).toBe('completed');
  });

  it('that goes wrong is tried again, and says in the end that it failed', async () => {
    let tries = 0;
    slice = async () => {
      tries += 1;
      if (tries === 1) throw new Error('A fault of ours');
      throw new AppError('conflict', { message: 'The list is closed' });
    };
    const shown = await ended(await start());
    expect(tries).toBe(2);
    expect(shown).toMatchObject({ status: 'failed', error: 'The list is closed' });
  });

  it('gives up after eight tries, with words of its own', async () => {
    slice = async () => {
      throw new Error('MongoServerError: secret words');
    };
    const job = await start();
    await until(async () => (await stored(job))?.attempts === 1);
    await jobs(server.ctx.db).updateOne(job.workspaceId, { _id: job._id }, { $set: { attempts: 7 } });
    const shown = await ended(job);
    expect(shown).toMatchObject({ status: 'failed', error: 'It went wrong again and again' });
  });

  it('of a kind that no feature does any more fails', async () => {
    const job = await start({ kind: 'chore.forgotten' });
    await jobs(server.ctx.db).updateOne(job.workspaceId, { _id: job._id }, { $set: { attempts: 7 } });
    await until(async () => (await stored(job))?.status === 'failed');
  });

  it('that is long lets the others of its workspace take turns', async () => {
    let isShortDone = false;
    const long = counting(1_000_000, 1);
    slice = async (job) => {
      if (job.input.isShort) return {};
      return isShortDone ? {} : long(job);
    };
    const longs = await Promise.all(Array.from({ length: 4 }, () => start()));
    const short = await start({ input: { isShort: true } });
    await ended(short);
    isShortDone = true;
    for (const job of longs) await ended(job);
  });

  it('is refused when a hundred are under way', async () => {
    const workspaceId = new ObjectId(tenant.workspaceId);
    const dueAt = new Date(Date.now() + 3_600_000);
    const row = (await stored(await start())) as Job;
    await jobs(server.ctx.db).insertMany(
      workspaceId,
      Array.from({ length: 99 }, () => ({ ...row, _id: new ObjectId(), dueAt })),
    );
    await until(async () => (await stored(row))?.finishedAt);
    await assertRoomForJob(server.ctx, workspaceId);
    await jobs(server.ctx.db).insertMany(workspaceId, [{ ...row, _id: new ObjectId(), dueAt }]);
    await expect(assertRoomForJob(server.ctx, workspaceId)).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('POST /jobs/:jobId/cancel', () => {
  const cancel = (job: Job, { api } = tenant) => api.post(`/jobs/${job._id}/cancel`);

  it('ends a job between two slices; what is done stays done', async () => {
    slice = counting(1_000_000, 1);
    const job = await start({ kind: 'chore.drop' });
    await until(async () => (await read(job)).progress.done > 2);
    const answer = await cancel(job);
    expect(answer.status).toBe(200);
    expect(answer.body.data).toMatchObject({ status: 'cancelled', finishedAt: expect.any(String) });
    expect((await cancel(job)).body).toEqual(answer.body);
    expect(await read(job)).toEqual(answer.body.data);
  });

  it('takes the scope that its kind names, and refuses where half of the job is nonsense', async () => {
    slice = counting(1_000_000, 1);
    const [droppable, whole] = [await start({ kind: 'chore.drop' }), await start()];
    const { apiKey } = await buildApiKey(server, tenant.workspaceId, { scopes: ['metadata.read'] });
    const api = apiOf(server, workspacePath(tenant.workspaceId), { 'X-API-Key': apiKey });
    expect((await api.post(`/jobs/${droppable._id}/cancel`)).status).toBe(403);
    expect((await cancel(whole)).status).toBe(409);
    await cancel(droppable).expect(200);
    slice = async () => ({});
    await ended(whole);
    const done = await start({ kind: 'chore.drop' });
    await ended(done);
    expect((await cancel(done)).body).toEqual({ success: false, error: 'The job has completed already' });
  });
});

describe('GET /jobs', () => {
  it('lists newest first, by status and type, and nobody else’s', async () => {
    const stranger = await buildTenant(server);
    const first = await start();
    await ended(first);
    slice = async () => {
      throw new AppError('conflict');
    };
    const second = await start({ kind: 'chore.drop' });
    await ended(second);
    const list = async (query: string, { api } = tenant) =>
      (await api.get(`/jobs${query}`)).body.data.map(({ _id }: { _id: string }) => _id);
    expect(await list('')).toEqual([String(second._id), String(first._id)]);
    expect(await list('?status=failed')).toEqual([String(second._id)]);
    expect(await list('?type=chore.do')).toEqual([String(first._id)]);
    expect(await list('', stranger)).toEqual([]);
    expect((await stranger.api.get(`/jobs/${first._id}`)).status).toBe(404);
    const { body } = await tenant.api.get('/jobs?limit=1');
    expect(await list(`?limit=1&cursor=${body.nextCursor}`)).toEqual([String(first._id)]);
  });
});

describe('a job through records', () => {
  it('meets each once, archived ones too, counts those that fail, and goes on where it was', async () => {
    const leads: Awaited<ReturnType<typeof createLead>>[] = [];
    for (let n = 0; n < 5; n += 1) leads.push(await createLead(tenant, { tags: ['vip'] }));
    await createLead(tenant, { tags: ['other'] });
    await tenant.api.post(`/leads/${leads[4]?._id}/archive`);
    const met: string[] = [];
    const source = { name: 'leads', entity: leadEntity as never, facet: facet('tags', 'VIP') };
    slice = (job) =>
      throughRecords(server.ctx, job, [source], async ({ _id }) => {
        met.push(_id.toHexString());
        if (_id.toHexString() === leads[1]?._id) throw new AppError('invalid');
      });
    const shown = await ended(await start());
    expect(met.sort()).toEqual(leads.map(({ _id }) => _id).sort());
    expect(shown.progress).toEqual({ total: 5, done: 4, failed: 1 });
  });
});
