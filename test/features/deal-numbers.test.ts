import { describe, expect, it } from 'vitest';
import { lastPeriods, periodOf } from '../../src/features/sales/deal-numbers/periods.ts';
import { type Deal, dealEntity } from '../../src/features/sales/deals/record.ts';
import { plus, ratio, textOf, times, toDecimal, zero } from '../../src/lib/decimal.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { dayOf } from '../../src/lib/time-zone.ts';
import { aggregateOf } from '../../src/records/aggregates/aggregate.ts';
import { countNumbers } from '../../src/records/aggregates/keep.ts';
import { newRecord } from '../../src/records/insert.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import { buildTenant, type Tenant, useServer } from '../helpers/app.ts';
import { createRecord } from '../helpers/factories.ts';

const server = useServer();
const timezone = 'Asia/Kolkata';

const aggregates = [
  ...['created', 'closed', 'expected', 'assigned'].map((group) => aggregateOf(dealEntity, group)),
  aggregateOf(dealEntity, 'steps', ['ended', 'endedMs']),
];
/** Numbers are as fresh as this, whatever was kept. */
const countAll = ({ workspaceId }: Tenant) =>
  Promise.all(aggregates.map((aggregate) => countNumbers(server.ctx, new ObjectId(workspaceId), aggregate)));

async function get(tenant: Tenant, path: string) {
  const answer = await tenant.api.get(path);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data;
}

interface Stage {
  stageId: string;
  isWon: boolean;
  isLost: boolean;
}
interface Pipeline {
  _id: string;
  stages: Stage[];
}

async function buildSales(): Promise<{ tenant: Tenant; pipelines: Pipeline[] }> {
  const tenant = await buildTenant(server, { settings: { timezone, currency: 'INR' } });
  const stages = [
    { name: 'First', probability: 10 },
    { name: 'Second', probability: 50 },
    { name: 'Third', probability: 90 },
    { name: 'Lost', probability: 0, isLost: true },
    { name: 'Won', probability: 100, isWon: true },
  ];
  await createRecord(tenant, '/pipelines', { name: 'Another', stages });
  const { data } = (await tenant.api.get('/pipelines?sort=createdAt')).body;
  return { tenant, pipelines: data };
}

function randomFrom(seed: number) {
  let state = seed;
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  return { next, pick: <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T };
}

/** What was seen of a deal, in the order in which it happened. */
interface Seen {
  id: string;
  visits: { stageId: string; pipelineId: string; at: number }[];
  isWonAfter: number;
}

const sumOf = (deals: Deal[], worth = (deal: Deal) => toDecimal(deal.value.amount)) => {
  const sums: Record<string, ReturnType<typeof toDecimal>> = {};
  for (const deal of deals) sums[deal.value.currency] = plus(sums[deal.value.currency] ?? zero, worth(deal));
  return Object.fromEntries(Object.entries(sums).map(([currency, sum]) => [currency, textOf(sum)]));
};
const weightOf = ({ value, probability }: Deal) =>
  times(toDecimal(value.amount), ratio(toDecimal(String(probability)), toDecimal('100'), 12));
const sums = (deals: Deal[]) => ({
  count: deals.length,
  value: sumOf(deals),
  weighted: sumOf(deals, weightOf),
});
const percent = (part: number, whole: number) =>
  whole === 0 ? 0 : Math.round((10_000 * part) / whole) / 100;

describe('numbers over deals', () => {
  it.each([1, 2, 3])(
    'are exactly what counting one by one gives, whatever happened to the deals (%i)',
    async (seed) => {
      const { next, pick } = randomFrom(seed);
      const { tenant, pipelines } = await buildSales();
      const places = pipelines.flatMap(({ _id, stages }) =>
        stages.map((stage) => ({ ...stage, pipelineId: _id })),
      );
      const today = dayOf(new Date(), timezone);
      const seen: Seen[] = [];
      const see = (
        one: Seen,
        deal: { stageId: string; pipelineId: string; stageEnteredAt: string; status: string },
      ) => {
        const at = Date.parse(deal.stageEnteredAt);
        if (one.visits.at(-1)?.at !== at)
          one.visits.push({ stageId: deal.stageId, pipelineId: deal.pipelineId, at });
        if (deal.status === 'won') one.isWonAfter = one.visits.length;
      };
      for (let step = 0; step < 90; step += 1) {
        const one = pick(seen);
        const dice = next();
        if (!one || dice < 0.35) {
          const deal = {
            title: `Deal ${step}`,
            value: Math.round(next() * 1e7) / 100,
            currency: pick(['INR', 'EUR', 'USD']),
            stageId: pick(places).stageId,
            ...(next() < 0.7 ? { assignedTo: tenant.memberId } : {}),
            ...(next() < 0.5 ? { probability: Math.round(next() * 1_000) / 10 } : {}),
            ...(next() < 0.8
              ? {
                  expectedCloseDate: new Date(Date.parse(today) + Math.round(next() * 80 - 20) * 86_400_000)
                    .toISOString()
                    .slice(0, 10),
                }
              : {}),
          };
          const made = await createRecord(tenant, '/deals', deal);
          seen.push({ id: made._id, visits: [], isWonAfter: 0 });
          see(seen.at(-1) as Seen, made as never);
          continue;
        }
        const answer =
          dice < 0.8
            ? await tenant.api.post(`/deals/${one.id}/move`).send({ stageId: pick(places).stageId })
            : dice < 0.95
              ? await tenant.api.patch(`/deals/${one.id}`).send({ status: pick(['open', 'won', 'lost']) })
              : await tenant.api.post(`/deals/${one.id}/archive`);
        if (answer.status === 200 && answer.body.data) see(one, answer.body.data);
      }
      const numbers = await countAll(tenant);
      const deals = await dealEntity
        .collection(server.ctx.db)
        .find(new ObjectId(tenant.workspaceId), { archived: false })
        .toArray();
      const having = (status: string, among = deals) => among.filter((deal) => deal.status === status);
      const outcome = (among: Deal[]) => {
        const [won, lost] = [having('won', among), having('lost', among)];
        const closed = won.length + lost.length;
        return {
          all: sums(among),
          open: sums(having('open', among)),
          won: sums(won),
          lost: sums(lost),
          winRate: percent(won.length, closed),
          lossRate: percent(lost.length, closed),
        };
      };

      const metrics = await get(tenant, '/deals/metrics');
      expect(metrics.summary).toMatchObject(outcome(deals));
      for (const { _id } of pipelines) {
        const ofPipeline = deals.filter(({ pipelineId }) => pipelineId === _id);
        const found = metrics.pipelines.find(({ pipelineId }: { pipelineId: string }) => pipelineId === _id);
        expect(found).toMatchObject(outcome(ofPipeline));
        expect((await get(tenant, `/pipelines/${_id}/metrics`)).summary).toMatchObject(outcome(ofPipeline));
      }
      expect((await get(tenant, `/deals/metrics?from=${today}&to=${today}`)).summary).toEqual(
        metrics.summary,
      );
      expect((await get(tenant, '/deals/metrics?to=2020-01-01')).summary.all).toEqual({
        count: 0,
        value: {},
        weighted: {},
      });

      const alive = new Set(deals.map(({ _id }) => _id.toHexString()));
      const positions = new Map(
        pipelines.flatMap(({ stages }) => stages.map(({ stageId }, index) => [stageId, index])),
      );
      const isLost = new Map(places.map((place) => [place.stageId, place.isLost]));
      for (const { stageId } of places) {
        let [entered, wentOn, ended, endedMs] = [0, 0, 0, 0];
        for (const { id, visits, isWonAfter } of seen) {
          const first = visits.findIndex((visit) => visit.stageId === stageId);
          if (first < 0 || !alive.has(id)) continue;
          entered += 1;
          const later = visits
            .slice(first + 1)
            .some(
              (visit) =>
                visit.pipelineId === visits[first]?.pipelineId &&
                !isLost.get(visit.stageId) &&
                Number(positions.get(visit.stageId)) > Number(positions.get(stageId)),
            );
          if (later || isWonAfter > first) wentOn += 1;
          for (const [index, visit] of visits.entries()) {
            const after = visits[index + 1];
            if (visit.stageId !== stageId || !after) continue;
            ended += 1;
            endedMs += after.at - visit.at;
          }
        }
        const found = metrics.stages.find((stage: Stage) => stage.stageId === stageId);
        expect(found).toMatchObject({ entered, wentOn, conversionRate: percent(wentOn, entered) });
        expect(found.deals).toEqual(sums(deals.filter((deal) => deal.stageId === stageId)));
        const rows = (numbers[4]?.rows ?? []).filter(({ by }) => by[2] === stageId);
        const sum = (name: string) =>
          textOf(rows.reduce((total, row) => plus(total, row.sums[name] ?? zero), zero));
        expect([sum('ended'), sum('endedMs')]).toEqual([String(ended), String(endedMs)]);
      }

      const { agents } = await get(tenant, '/deals/agents');
      expect(agents).toHaveLength(1);
      expect(agents[0]).toMatchObject({
        userId: tenant.memberId,
        ...outcome(deals.filter(({ assignedTo }) => assignedTo === tenant.memberId)),
      });

      const { trends } = await get(tenant, '/deals/trends');
      expect(trends).toHaveLength(12);
      expect(trends[0]).toMatchObject({
        period: today.slice(0, 7),
        created: sums(deals),
        won: sums(having('won')),
        lost: sums(having('lost')),
      });
      const isSomething = ([, amount]: [string, unknown]) => amount !== '0';
      expect(Object.entries(trends[0].openValue).filter(isSomething)).toEqual(
        Object.entries(sumOf(having('open')))
          .filter(isSomething)
          .sort(),
      );
      expect(trends[11]).toMatchObject({ created: { count: 0 }, won: { count: 0 }, openValue: {} });

      for (const days of [30, 45]) {
        const last = new Date(Date.parse(today) + days * 86_400_000).toISOString().slice(0, 10);
        const expected = having('open').filter(
          ({ expectedCloseDate: day }) => day !== undefined && day >= today && day <= last,
        );
        const likely = (least: number) => sumOf(expected.filter(({ probability }) => probability >= least));
        expect(await get(tenant, `/deals/forecast?days=${days}`)).toEqual({
          asOf: expect.any(String),
          count: expected.length,
          expected: sumOf(expected),
          weighted: sumOf(expected, weightOf),
          best: likely(50),
          worst: likely(90),
        });
      }
    },
  );

  it('attribute a deal to the day and period of the workspace in which it was created and closed', async () => {
    const { tenant, pipelines } = await buildSales();
    const [pipeline] = pipelines;
    const workspaceId = new ObjectId(tenant.workspaceId);
    const place = { pipelineId: pipeline?._id ?? '', stageId: pipeline?.stages[0]?.stageId ?? '' };
    const create = async (closedAt?: Date) => {
      const fields = {
        ...place,
        title: 'Old',
        value: { amount: '10', currency: 'INR' },
        probability: 10,
        status: closedAt ? ('won' as const) : ('open' as const),
        ...(closedAt ? { closedAt } : {}),
      };
      const deal = await newRecord(server.ctx, dealEntity, systemIn(workspaceId), fields as never);
      await dealEntity.collection(server.ctx.db).insertOne(workspaceId, deal);
    };
    const now = new Date();
    await create();
    // In Kolkata the new year had begun by then.
    await create(new Date('2025-12-31T18:30:00Z'));
    await create(new Date('2025-12-31T18:29:59Z'));
    await countAll(tenant);
    const { trends } = await get(tenant, '/deals/trends?period=year&count=3');
    const [year] = lastPeriods(dayOf(now, timezone), 'year', 1);
    const wonIn = Object.fromEntries(
      trends.map((trend: Deal & { period: string; won: { count: number } }) => [
        trend.period,
        trend.won.count,
      ]),
    );
    expect(wonIn).toMatchObject({ 2026: 1, 2025: 1 });
    expect(trends[0]).toMatchObject({ period: year, created: { count: 3 } });
  });

  it('answer 404 for a pipeline that there is not, and 422 for what is no day, period or number of days', async () => {
    const { tenant } = await buildSales();
    expect((await tenant.api.get('/pipelines/65b8c47f4e2cfc1df3a75111/metrics')).status).toBe(404);
    for (const path of [
      '/deals/metrics?from=soon',
      '/deals/trends?period=day',
      '/deals/trends?count=61',
      '/deals/forecast?days=0',
    ])
      expect((await tenant.api.get(path)).status).toBe(422);
    const nobody = await get(tenant, '/deals/metrics?pipelineId=65b8c47f4e2cfc1df3a75111');
    expect(nobody).toMatchObject({ summary: { all: { count: 0 } }, pipelines: [], stages: [] });
  });

  it('say of when they are, and are counted again soon', async () => {
    const { tenant, pipelines } = await buildSales();
    const { asOf, summary } = await get(tenant, '/deals/metrics');
    expect(summary.all.count).toBe(0);
    await createRecord(tenant, '/deals', {
      title: 'New',
      value: 1,
      stageId: pipelines[0]?.stages[0]?.stageId,
    });
    await expect
      .poll(async () => (await get(tenant, '/deals/metrics')).summary.all.count, {
        timeout: 8_000,
        interval: 300,
      })
      .toBe(1);
    expect((await get(tenant, '/deals/metrics')).asOf > asOf).toBe(true);
  }, 10_000);
});

describe('a period', () => {
  it.each([
    ['2026-01-01', '2026-W01', '2026-Q1'],
    ['2027-01-01', '2026-W53', '2027-Q1'],
    ['2024-12-30', '2025-W01', '2024-Q4'],
    ['2026-06-30', '2026-W27', '2026-Q2'],
  ])('of %s is the week %s and the quarter %s', (day, week, quarter) => {
    expect([periodOf(day, 'week'), periodOf(day, 'quarter')]).toEqual([week, quarter]);
  });

  it('follows another without a gap', () => {
    expect(lastPeriods('2026-03-31', 'month', 4)).toEqual(['2026-03', '2026-02', '2026-01', '2025-12']);
    expect(lastPeriods('2026-02-15', 'quarter', 3)).toEqual(['2026-Q1', '2025-Q4', '2025-Q3']);
    expect(lastPeriods('2026-01-05', 'week', 3)).toEqual(['2026-W02', '2026-W01', '2025-W52']);
  });
});
