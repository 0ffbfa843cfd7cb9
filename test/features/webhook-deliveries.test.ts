import { beforeAll, describe, expect, it } from 'vitest';
import { endpointLanes } from '../../src/features/platform/webhooks/lanes.ts';
import { logFilter } from '../../src/features/platform/webhooks/log.ts';
import {
  type Attempt,
  attempts,
  deliveries,
  lanes,
  type Outcome,
  retentionMs,
  type WebhookEvent,
} from '../../src/features/platform/webhooks/model.ts';
import { queueDeliveries } from '../../src/features/platform/webhooks/queue.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { createLaneSweep } from '../../src/work/sweep.ts';
import { buildTenant, type Tenant, useServer } from '../helpers/app.ts';
import { buildHook, type Hook, type LogRow } from '../helpers/webhooks.ts';

const server = useServer();
const unknownId = '0123456789abcdef01234567';

interface Seed {
  event?: WebhookEvent;
  outcome?: Outcome;
  ageMs?: number;
}

/** Rows of the log as the worker writes them, oldest last; each with a delivery of its own. */
async function seedLog(tenant: Tenant, hook: Hook, seeds: Seed[]): Promise<Attempt[]> {
  const workspaceId = new ObjectId(tenant.workspaceId);
  const subscriptionId = new ObjectId(hook._id);
  const now = Date.now();
  const rows = seeds.map(({ event = 'lead.created', outcome = 'success', ageMs }, index) => ({
    _id: new ObjectId(),
    workspaceId,
    subscriptionId,
    deliveryId: new ObjectId(),
    eventId: new ObjectId(),
    event,
    outcome,
    durationMs: 5,
    timestamp: new Date(now - (ageMs ?? index * 1_000)),
  }));
  await attempts(server.ctx.db).insertMany(workspaceId, rows);
  await deliveries(server.ctx.db).insertMany(
    workspaceId,
    rows.map(({ deliveryId, eventId, event, timestamp }, index) => ({
      _id: deliveryId,
      workspaceId,
      subscriptionId,
      eventId,
      event,
      body: JSON.stringify({ index }),
      status: 'delivered',
      attempts: 1,
      createdAt: timestamp,
      expiresAt: new Date(now + retentionMs),
    })),
  );
  return rows;
}

describe('GET /webhooks/{id}/deliveries', () => {
  let tenant: Tenant;
  let hook: Hook;
  let ids: string[];
  const read = (query = '') => tenant.api.get(`${hook.path}/deliveries${query}`);
  const idsOf = ({ body }: { body: { data: LogRow[] } }) => body.data.map(({ _id }) => _id);

  beforeAll(async () => {
    tenant = await buildTenant(server);
    hook = await buildHook(tenant, 'https://hooks.example.com/');
    const seeds = Array.from(
      { length: 45 },
      (_, index): Seed => ({
        event: index % 3 === 0 ? 'task.completed' : 'lead.created',
        outcome: index % 10 === 0 ? 'failure' : 'success',
      }),
    );
    ids = (await seedLog(tenant, hook, seeds)).map(({ _id }) => _id.toHexString());
    await seedLog(tenant, await buildHook(tenant, 'https://hooks.example.com/other'), [{}, {}]);
  });

  it('shows the attempts, newest first, 20 to a page', async () => {
    const answer = await read();
    expect(answer.status).toBe(200);
    expect(idsOf(answer)).toEqual(ids.slice(0, 20));
    expect(answer.body.data[3]).toEqual({
      _id: ids[3],
      deliveryId: expect.any(String),
      subscriptionId: hook._id,
      webhookId: expect.stringMatching(/^evt_[0-9a-f]{24}$/),
      event: 'task.completed',
      payload: { index: 3 },
      outcome: 'success',
      durationMs: 5,
      timestamp: expect.any(String),
    });
  });

  it('pages by number and by cursor alike', async () => {
    expect(idsOf(await read('?limit=20&page=2'))).toEqual(ids.slice(20, 40));
    expect(idsOf(await read('?limit=20&page=3'))).toEqual(ids.slice(40));
    expect(idsOf(await read('?page=4'))).toEqual([]);
    const followed: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const answer = await read(`?limit=7${cursor && `&cursor=${cursor}`}`);
      followed.push(...idsOf(answer));
      cursor = answer.body.nextCursor;
    }
    expect(followed).toEqual(ids);
  });

  it('can be filtered by event and outcome', async () => {
    const where = (matches: (index: number) => boolean) => ids.filter((_, index) => matches(index));
    expect(idsOf(await read('?limit=100&event=task.completed'))).toEqual(where((index) => index % 3 === 0));
    expect(idsOf(await read('?limit=100&outcome=failure'))).toEqual(where((index) => index % 10 === 0));
    expect(idsOf(await read('?event=lead.created&outcome=failure'))).toEqual([ids[10], ids[20], ids[40]]);
    expect(idsOf(await read('?event=webhook.test'))).toEqual([]);
  });

  it('ends after 30 days', async () => {
    const old = await buildHook(tenant, 'https://hooks.example.com/old');
    const rows = await seedLog(tenant, old, [
      { ageMs: retentionMs - 60_000 },
      { ageMs: retentionMs + 60_000 },
    ]);
    const answer = await tenant.api.get(`${old.path}/deliveries`);
    expect(idsOf(answer)).toEqual([rows[0]?._id.toHexString()]);
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'page=0',
    'page=1.5',
    'page=501',
    'page=2&cursor=eyJ1IjoiMjAyNi0wMS0wMVQwMDowMDowMFoiLCJpIjoiMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3In0',
    'cursor=garbage',
    'event=lead.exploded',
    'event[$ne]=x&event=y',
    'outcome=maybe',
  ])('refuses %s', async (query) => {
    expect((await read(`?${query}`)).status).toBe(422);
  });
});

describe('POST /webhooks/{id}/deliveries/{deliveryId}/retry', () => {
  it('answers 404 for what is no delivery of this subscription', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, 'https://hooks.example.com/');
    const [row] = await seedLog(tenant, hook, [{}]);
    const other = await buildHook(tenant, 'https://hooks.example.com/other');
    const attemptId = row?._id.toHexString();
    for (const path of [
      `${hook.path}/deliveries/${unknownId}`,
      `${hook.path}/deliveries/x`,
      `${other.path}/deliveries/${attemptId}`,
      `${other.path}/deliveries/${row?.deliveryId.toHexString()}`,
    ]) {
      const answer = await tenant.api.post(`${path}/retry`);
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual({ success: false, error: 'Delivery not found' });
    }
    expect((await tenant.api.post(`${hook.path}/deliveries/${attemptId}/retry`)).status).toBe(200);
  });

  it('answers 409 for a disabled subscription', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, 'https://hooks.example.com/');
    const [row] = await seedLog(tenant, hook, [{}]);
    await tenant.api.post(`${hook.path}/disable`);
    const answer = await tenant.api.post(`${hook.path}/deliveries/${row?._id.toHexString()}/retry`);
    expect(answer.status).toBe(409);
  });
});

/** The names of a plan's stages. */
function stagesOf(plan: unknown): string[] {
  if (Array.isArray(plan)) return plan.flatMap(stagesOf);
  if (typeof plan !== 'object' || plan === null) return [];
  const { stage, ...rest } = plan as Record<string, unknown>;
  return [...(typeof stage === 'string' ? [stage] : []), ...Object.values(rest).flatMap(stagesOf)];
}

describe('the queries', () => {
  const count = 3_000;
  let tenant: Tenant;
  let hook: Hook;
  let workspaceId: ObjectId;
  let subscriptionId: ObjectId;

  beforeAll(async () => {
    tenant = await buildTenant(server);
    hook = await buildHook(tenant, 'https://hooks.example.com/');
    workspaceId = new ObjectId(tenant.workspaceId);
    subscriptionId = new ObjectId(hook._id);
    const seeds = Array.from(
      { length: count },
      (_, index): Seed => ({
        event: index % 2 === 0 ? 'lead.created' : 'lead.updated',
        outcome: index % 1_000 === 999 ? 'failure' : 'success',
      }),
    );
    await seedLog(tenant, hook, seeds);
  });

  interface Explained {
    queryPlanner: { winningPlan: object };
    executionStats: { totalKeysExamined: number; totalDocsExamined: number; nReturned: number };
  }
  const explained = async (cursor: { explain(verbosity: 'executionStats'): Promise<unknown> }) => {
    const { queryPlanner, executionStats } = (await cursor.explain('executionStats')) as Explained;
    return { ...executionStats, stages: stagesOf(queryPlanner.winningPlan) };
  };

  it.each([
    ['all', {}],
    ['one event', { event: 'lead.updated' }],
    ['one outcome, a rare one', { outcome: 'failure' }],
    ['one event and outcome', { event: 'lead.created', outcome: 'success' }],
  ] as const)('of the log reads what it shows: %s', async (_, filter) => {
    const find = attempts(server.ctx.db).find(workspaceId, logFilter(server.ctx, subscriptionId, filter), {
      sort: { timestamp: -1, _id: -1 },
      hint: 'log',
      limit: 21,
    });
    const { stages, totalKeysExamined, totalDocsExamined, nReturned } = await explained(find);
    expect(stages).toContain('IXSCAN');
    expect(stages).not.toContain('SORT');
    expect(stages).not.toContain('COLLSCAN');
    expect(nReturned).toBe('outcome' in filter && filter.outcome === 'failure' ? 3 : 21);
    // One key more for each range that ends up merged.
    expect(totalKeysExamined).toBeLessThan(80);
    expect(totalDocsExamined).toBeLessThan(60);
  });

  it('of the worker read what is due, in its order', async () => {
    const at = new Date(Date.now() - 1_000);
    await queueDeliveries(
      server.ctx,
      Array.from({ length: 30 }, () => ({
        workspaceId,
        subscriptionId,
        eventId: new ObjectId(),
        event: 'lead.created' as const,
        at,
        body: '{}',
      })),
    );
    const due = deliveries(server.ctx.db).find(
      workspaceId,
      { subscriptionId, status: 'pending', nextAttemptAt: { $lte: new Date() } },
      { sort: { nextAttemptAt: 1 }, hint: 'due', limit: 10 },
    );
    const { stages, totalKeysExamined, nReturned } = await explained(due);
    expect(stages).not.toContain('SORT');
    expect(nReturned).toBe(10);
    expect(totalKeysExamined).toBe(10);
  });

  it('of a replay read a window, piece by piece', async () => {
    const since = new Date(Date.now() - count * 1_000);
    const window = deliveries(server.ctx.db).find(
      workspaceId,
      { subscriptionId, createdAt: { $gte: since, $lt: new Date() } },
      { sort: { createdAt: 1, _id: 1 }, hint: 'window', limit: 100 },
    );
    const { stages, totalKeysExamined } = await explained(window);
    expect(stages).not.toContain('SORT');
    expect(totalKeysExamined).toBe(100);
  });

  it('of the sweep read the lanes that are due, the longest waiting first', async () => {
    const later = new Date(Date.now() + 3_600_000);
    await lanes(server.ctx.db).insertMany(
      workspaceId,
      Array.from({ length: 200 }, () => ({ _id: new ObjectId(), workspaceId, dueAt: later })),
    );
    const swept = lanes(server.ctx.db).acrossTenants.find(
      { dueAt: { $lte: new Date() } },
      { sort: { dueAt: 1 }, limit: 500, hint: 'due' },
    );
    const { stages, totalKeysExamined, nReturned } = await explained(swept);
    expect(stages).not.toContain('SORT');
    expect(totalKeysExamined).toBe(nReturned);
    await createLaneSweep(endpointLanes)(server.ctx);
    expect((await server.ctx.queues.depths()).webhooks).toBeGreaterThan(0);
  });
});
