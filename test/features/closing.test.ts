import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { jobWork } from '../../src/features/data/jobs/jobs.ts';
import { type Job, jobs } from '../../src/features/data/jobs/model.ts';
import { forgetBoard } from '../../src/features/sales/boards/board.ts';
import { type Deal, dealEntity } from '../../src/features/sales/deals/record.ts';
import { close } from '../../src/features/sales/pipelines/closing.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { newRecord } from '../../src/records/insert.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import type { Claimed, Lane } from '../../src/work/work.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import {
  type Api,
  apiOf,
  buildTenant,
  startServer,
  type Tenant,
  type TestServer,
  useServer,
  workspacePath,
} from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import { buildDeal, createDeal, createPipeline, firstPipelineOf } from '../helpers/factories.ts';
import { Died, mortal } from '../helpers/mortal.ts';
import { type SlowDatabase, startSlowDatabase } from '../helpers/slow-database.ts';
import { until } from '../helpers/webhooks.ts';

/** Removing stages and archiving pipelines, beside those who put deals there. */

const server = useServer();
const events = useEvents(server);
let worker: RunningWorker;
let database: SlowDatabase;
/** A second process over the same data, whose network a test can hold up. */
let slow: TestServer;

beforeAll(async () => {
  database = await startSlowDatabase(inject('mongoUrl'));
  slow = await startServer({}, { name: server.ctx.redisPrefix, mongoUrl: database.url });
  worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
});
afterAll(async () => {
  await worker.close();
  await slow.close();
  await database.close();
});

const other = ({ workspaceId, apiKey }: Tenant): Api =>
  apiOf(slow, workspacePath(workspaceId), { 'X-API-Key': apiKey });

/** A tenant with a pipeline besides its first, and the stages of that. */
async function buildPipeline() {
  const tenant = await buildTenant(server);
  await firstPipelineOf(tenant);
  const { _id: id, stages } = await createPipeline(tenant);
  const [fresh, pending, done] = stages.map(({ stageId }) => stageId) as [string, string, string];
  return { tenant, id, fresh, pending, done };
}

const remove = ({ api }: Pick<Tenant, 'api'>, pipelineId: string, stageId: string, moveToStageId?: string) =>
  api.post(`/pipelines/${pipelineId}/stages/${stageId}/remove`).send({ moveToStageId });
const read = async ({ api }: Tenant, path: string) => (await api.get(path)).body.data;
const stageIdsOf = async (tenant: Tenant, id: string): Promise<string[]> =>
  (await read(tenant, `/pipelines/${id}`)).stages.map(({ stageId }: { stageId: string }) => stageId);
const dealsOf = ({ workspaceId }: Tenant): Promise<Deal[]> =>
  dealEntity.collection(server.ctx.db).find(new ObjectId(workspaceId), {}, { hint: 'list' }).toArray();

describe('POST /pipelines/:id/stages/:stageId/remove', () => {
  it('removes a stage without deals', async () => {
    const { tenant, id, fresh, pending, done } = await buildPipeline();
    const answer = await remove(tenant, id, pending);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ success: true, moved: 0, data: { _id: id } });
    expect(await stageIdsOf(tenant, id)).toEqual([fresh, done]);
    expect((await remove(tenant, id, pending)).status).toBe(404);
  });

  it('refuses one with deals unless it is told where they go, closed and archived ones too', async () => {
    const { tenant, id, fresh, pending } = await buildPipeline();
    const deal = await createDeal(tenant, { stageId: pending });
    await tenant.api.patch(`/deals/${deal._id}`).send({ status: 'lost' });
    await tenant.api.post(`/deals/${deal._id}/archive`);
    const refused = await remove(tenant, id, pending);
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ deals: 1, isMore: false });
    expect((await createDeal(tenant, { stageId: pending })).stageId).toBe(pending);
    const removed = await remove(tenant, id, pending, fresh);
    expect(removed.body).toMatchObject({ success: true, moved: 2 });
    expect(new Set((await dealsOf(tenant)).map(({ stageId }) => stageId))).toEqual(new Set([fresh]));
    expect(await events.of(deal._id)).toContain('deal.stage_changed');
  });

  it('takes only another stage of the pipeline for its deals, and leaves the last one', async () => {
    const { tenant, id, fresh, pending, done } = await buildPipeline();
    const [foreign] = (await firstPipelineOf(tenant)).stages;
    for (const target of [pending, foreign?.stageId, 'nonsense', '65b8c47f4e2cfc1df3a75111'])
      expect((await remove(tenant, id, pending, target)).status).toBe(422);
    expect((await remove(tenant, id, pending)).status).toBe(200);
    expect((await remove(tenant, id, done)).status).toBe(200);
    expect((await remove(tenant, id, fresh)).status).toBe(409);
  });

  it('leaves no deal behind while others create deals in the stage and move deals there', async () => {
    const { tenant, id, fresh, pending, done } = await buildPipeline();
    const deals = await Promise.all(Array.from({ length: 10 }, () => createDeal(tenant, { stageId: done })));
    let isRemoved = false;
    let created = deals.length;
    const write = async (api: Api, n: number) => {
      for (let round = 0; !isRemoved; round += 1) {
        const deal = deals[(n + round) % deals.length];
        const made = await api.post('/deals').send(buildDeal({ stageId: pending }));
        expect([201, 422]).toContain(made.status);
        if (made.status === 201) created += 1;
        for (const stageId of [pending, done]) {
          const { status } = await api.post(`/deals/${deal?._id}/move`).send({ stageId });
          expect([200, 422]).toContain(status);
        }
      }
    };
    const writing = Promise.all([tenant.api, other(tenant), tenant.api, other(tenant)].map(write));
    const removed = await remove(tenant, id, pending, fresh);
    if (removed.status === 202) await until(async () => !(await stageIdsOf(tenant, id)).includes(pending));
    isRemoved = true;
    await writing;
    const found = await dealsOf(tenant);
    expect(found).toHaveLength(created);
    expect(found.filter(({ stageId }) => ![fresh, done].includes(stageId))).toEqual([]);
  }, 60_000);

  it('lets a mover that was held up put nothing where nothing is any more', async () => {
    const { tenant, id, fresh, pending, done } = await buildPipeline();
    const deal = await createDeal(tenant, { stageId: done });
    await other(tenant).patch(`/deals/${deal._id}`).send({ title: 'Known to the slow one' });
    const held = database.holdNext('updates');
    const late = other(tenant).post(`/deals/${deal._id}/move`).send({ stageId: pending }).then();
    await held.reached;
    expect((await remove(tenant, id, pending, fresh)).body).toMatchObject({ moved: 0 });
    held.release();
    expect((await late).status).toBe(422);
    expect(await read(tenant, `/deals/${deal._id}`)).toMatchObject({ stageId: done });
  }, 30_000);

  it('finds a place for a deal that was on its way to the stage when its process died', async () => {
    const { tenant, id, fresh, pending } = await buildPipeline();
    const template = await createDeal(tenant, { stageId: pending });
    const [stored] = await dealsOf(tenant);
    await remove(tenant, id, pending, fresh);
    const { _id: _, ...fields } = stored as Deal;
    const author = systemIn(new ObjectId(tenant.workspaceId));
    const orphan = await newRecord(server.ctx, dealEntity, author, { ...fields, title: 'Late' });
    const owedSince = new Date(Date.now() - 60_000);
    const collection = dealEntity.collection(server.ctx.db);
    await collection.insertOne(author.workspaceId, { ...orphan, owedSince } as Deal);
    await until(async () => {
      const { stageId } = await read(tenant, `/deals/${orphan._id.toHexString()}`);
      return stageId === fresh;
    });
    expect(template.stageId).toBe(pending);
  });
});

describe('archiving a pipeline', () => {
  it('is refused while it has open deals, unless they go elsewhere', async () => {
    const { tenant, id, pending, done } = await buildPipeline();
    const open = await createDeal(tenant, { stageId: pending });
    const won = await createDeal(tenant, { stageId: done });
    expect((await tenant.api.post(`/pipelines/${id}/archive`)).status).toBe(409);
    const first = await firstPipelineOf(tenant);
    const closePipeline = (moveToStageId?: string) =>
      tenant.api.post(`/pipelines/${id}/close`).send({ moveToStageId });
    expect((await closePipeline(pending)).status).toBe(422);
    const closed = await closePipeline(first.stages[1]?.stageId);
    expect(closed.status).toBe(200);
    expect(closed.body).toMatchObject({ moved: 1, data: { archivedAt: expect.any(String) } });
    expect(await read(tenant, `/deals/${open._id}`)).toMatchObject({ pipelineId: first._id, status: 'open' });
    expect(await read(tenant, `/deals/${won._id}`)).toMatchObject({ pipelineId: id, status: 'won' });
    const reopened = await tenant.api.patch(`/deals/${won._id}`).send({ status: 'open' });
    expect(reopened.status).toBe(409);
    expect((await tenant.api.post('/deals').send(buildDeal({ stageId: pending }))).status).toBe(422);
    expect((await closePipeline()).status).toBe(200);
  });

  it('leaves the last one, and makes the oldest the default', async () => {
    const { tenant, id } = await buildPipeline();
    await tenant.api.patch(`/pipelines/${id}`).send({ isDefault: true });
    const first = await firstPipelineOf(tenant);
    const answers = await Promise.all([
      tenant.api.post(`/pipelines/${id}/archive`),
      other(tenant).post(`/pipelines/${first._id}/archive`),
    ]);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThan(2);
    for (const status of statuses) expect([200, 409]).toContain(status);
    const left = (await tenant.api.get('/pipelines')).body.data;
    expect(left.length).toBeGreaterThan(0);
    const deal = await createDeal(tenant);
    const { data } = (await tenant.api.get('/pipelines')).body;
    expect(data.filter(({ isDefault }: { isDefault: boolean }) => isDefault)).toMatchObject([
      { _id: deal.pipelineId },
    ]);
  });

  it('leaves no open deal in it while others create deals there', async () => {
    const { tenant, id, fresh } = await buildPipeline();
    let isOver = false;
    const write = async (api: Api) => {
      while (!isOver) {
        const { status } = await api.post('/deals').send(buildDeal({ stageId: fresh }));
        expect([201, 422]).toContain(status);
      }
    };
    const writing = Promise.all([tenant.api, other(tenant)].map(write));
    const [target] = (await firstPipelineOf(tenant)).stages;
    const closed = await tenant.api.post(`/pipelines/${id}/close`).send({ moveToStageId: target?.stageId });
    if (closed.status === 202) await until(async () => (await read(tenant, `/pipelines/${id}`)).archivedAt);
    isOver = true;
    await writing;
    const stranded = (await dealsOf(tenant)).filter(
      (deal) => deal.pipelineId === id && deal.status === 'open',
    );
    expect(stranded).toEqual([]);
  }, 60_000);
});

describe('a process that is killed', () => {
  /** Removes a stage in a process that dies after so many writes. @returns whether it died */
  async function killedAfter(writes: number): Promise<boolean> {
    const { tenant, id, fresh, pending } = await buildPipeline();
    const deal = await createDeal(tenant, { stageId: pending });
    const process = mortal(server.ctx, writes);
    const author = systemIn(new ObjectId(tenant.workspaceId));
    const subject = { pipelineId: new ObjectId(id), stageId: pending };
    const outcome = await close(process.ctx, author, subject, fresh).catch((error: unknown) => error);
    if (process.isDead()) expect(outcome).toBeInstanceOf(Died);
    forgetBoard(server.ctx, author.workspaceId);
    const { stages } = await read(tenant, `/pipelines/${id}`);
    const isNoted = stages.length < 3 || stages.some((stage: object) => 'isBeingRemoved' in stage);
    if (isNoted) await until(async () => (await stageIdsOf(tenant, id)).length === 2);
    expect(await read(tenant, `/deals/${deal._id}`)).toMatchObject({ stageId: isNoted ? fresh : pending });
    return process.isDead();
  }

  it('after any write of a removal leaves it to be brought to its end', async () => {
    const died = await Promise.all(Array.from({ length: 12 }, (_, n) => killedAfter(n + 1)));
    expect(died[0]).toBe(true);
    expect(died.at(-1)).toBe(false);
  }, 60_000);

  it('after any write of the job costs nothing: each deal is moved and counted once', async () => {
    const { tenant, id, fresh, pending } = await buildPipeline();
    const rows = Array.from({ length: 450 }, () => buildDeal({ stageId: pending }));
    await tenant.api.post('/deals/bulk').send({ deals: rows });
    await worker.close();
    const answer = await remove(tenant, id, pending, fresh);
    expect(answer.status).toBe(202);
    const workspaceId = new ObjectId(tenant.workspaceId);
    const jobId = new ObjectId(answer.body.jobId);
    const readJob = async () => (await jobs(server.ctx.db).findById(workspaceId, jobId)) as Job;
    // Every process gets a few writes further than the one before, and dies.
    for (let writes = 1; writes < 100 && !(await readJob()).finishedAt; writes += 7) {
      const { ctx } = mortal(server.ctx, writes);
      const visit = await jobWork.open(ctx, { workspaceId } as Claimed<Lane>);
      for (let slices = 0; slices < 3; slices += 1) {
        const job = await readJob();
        if (job.finishedAt || (job.dueAt && job.dueAt > server.ctx.clock.now())) break;
        await visit?.process(job).catch((error: unknown) => expect(error).toBeInstanceOf(Died));
      }
    }
    worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
    await until(async () => (await readJob()).finishedAt);
    expect(await readJob()).toMatchObject({ status: 'completed', total: 450, done: 450, failed: 0 });
    expect(await stageIdsOf(tenant, id)).not.toContain(pending);
    const deals = await dealsOf(tenant);
    for (const { stageId, version } of deals)
      expect({ stageId, version }).toEqual({ stageId: fresh, version: 2 });
  }, 60_000);
});
