import { describe, expect, it } from 'vitest';
import { automate8Examples } from '../../contract/automate8.ts';
import { useServer } from '../../helpers/app.ts';
import { buildAutomate8, lacks } from '../../helpers/automate8.ts';

const server = useServer();

interface Shown {
  id: string;
  [field: string]: unknown;
}

const today = (days = 0): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

/**
 * Two open deals (100 at 10 %, expected in ten days; 300 at 50 %, in sixty), two won (200, 400) and one lost (50), all in
 * the workspace's currency; and one won in another.
 */
async function buildSales() {
  const client = await buildAutomate8(server, { rateLimitPerMinute: 1_000 });
  const { api } = client;
  const [pipeline] = (await api.get('/api/pipeline/pipelines')).body.data;
  const [fresh, pending, won] = pipeline.stages.map(({ id }: Shown) => id) as [string, string, string];
  const lost = (
    await api.post('/api/pipeline/stages', { name: 'Lost', pipeline_id: pipeline.id, is_lost_stage: true })
  ).body.data.id as string;
  const create = async (amount: number, body: object = {}): Promise<string> => {
    const given = { title: `Deal of ${amount}`, amount, currency: 'INR', stage_id: fresh, ...body };
    return (await api.post('/api/pipeline/opportunities', given)).body.data.id;
  };
  const move = (id: string, stage_id: string) =>
    api.put(`/api/pipeline/opportunities/${id}/move`, { stage_id });
  await create(100, { expected_close_date: today(10) });
  await move(await create(300, { expected_close_date: today(60) }), pending);
  const two = await create(200);
  await move(two, pending);
  await move(two, won);
  await move(await create(400), won);
  await move(await create(50), lost);
  await create(7, { currency: 'USD', stage_id: won });
  const get = async (path: string) => (await api.get(`/api/pipeline/metrics${path}`)).body;
  // The numbers may lag behind.
  await expect
    .poll(async () => (await get('')).data.summary.total_opportunities, { timeout: 10_000 })
    .toBe(6);
  return { ...client, pipeline: pipeline as Shown, fresh, pending, won, lost, get };
}

describe('/api/pipeline/metrics', () => {
  it('has all shapes of the document, with its formulas', async () => {
    const sales = await buildSales();
    const all = await sales.get('');
    expect(lacks(automate8Examples['GET /api/pipeline/metrics'], all)).toEqual([]);
    expect(all.data.summary).toEqual({
      total_opportunities: 6,
      total_value: 1_050,
      won_opportunities: 3,
      won_value: 600,
      lost_opportunities: 1,
      lost_value: 50,
      win_rate: 75,
      loss_rate: 25,
      average_deal_size: 175,
      total_pipeline_value: 400,
      weighted_pipeline_value: 160,
    });
    expect(all.data.by_pipeline).toEqual([
      {
        pipeline_id: sales.pipeline.id,
        pipeline_name: 'Sales Pipeline',
        total_opportunities: 6,
        total_value: 1_050,
        win_rate: 75,
        active_value: 400,
      },
    ]);
    expect(all.data.by_stage).toMatchObject([
      { stage_name: 'New', count: 1, total_value: 100, average_value: 100, conversion_rate: 60 },
      { stage_name: 'Pending', count: 1, total_value: 300, conversion_rate: 50 },
      { stage_name: 'Done', count: 3, total_value: 600, average_value: 200 },
      { stage_name: 'Lost', count: 1, total_value: 50 },
    ]);
    expect(all.data.conversion_funnel).toMatchObject([
      {
        from_stage: 'New',
        to_stage: 'Pending',
        pipeline_name: 'Sales Pipeline',
        conversion_rate: 60,
        opportunities_moved: 3,
        total_opportunities: 5,
      },
      { from_stage: 'Pending', to_stage: 'Done', opportunities_moved: 1, total_opportunities: 2 },
    ]);
    expect(all.data.trends).toHaveLength(12);
    expect(all.data.trends[0]).toMatchObject({
      period: expect.stringMatching(/^\d{4}-\d\d$/),
      new_opportunities: 6,
      closed_won: 3,
      closed_lost: 1,
      revenue: 600,
      pipeline_value: 400,
    });
    expect(all.data.trends[11]).toMatchObject({ new_opportunities: 0, revenue: 0, pipeline_value: 0 });

    const one = await sales.get(`?pipeline_id=${sales.pipeline.id}`);
    expect(lacks(automate8Examples['GET /api/pipeline/metrics?pipeline_id'], one)).toEqual([]);
    expect(one.data.summary).toMatchObject({ total_opportunities: 6, active_pipeline_value: 400 });
    expect(one.data.forecast).toEqual({
      next_30_days: {
        expected_revenue: 100,
        weighted_revenue: 10,
        best_case: 0,
        worst_case: 0,
        opportunities_closing: 1,
      },
      next_90_days: {
        expected_revenue: 400,
        weighted_revenue: 160,
        best_case: 300,
        worst_case: 0,
        opportunities_closing: 2,
      },
    });

    const ofStage = await sales.get(`?stageId=${sales.won}`);
    expect(ofStage.data.summary).toMatchObject({ total_opportunities: 3, total_value: 600 });
    expect(ofStage.data.by_stage).toHaveLength(1);
    const yesterday = await sales.get(`?endDate=${today(-2)}`);
    expect(yesterday.data.summary).toMatchObject({
      total_opportunities: 0,
      win_rate: 0,
      average_deal_size: 0,
    });
  }, 30_000);

  it('has the legacy shapes', async () => {
    const sales = await buildSales();
    const workspace = `workspace_id=${sales.workspaceId}`;
    const overview = await sales.get(`/overview?${workspace}`);
    expect(lacks(automate8Examples['GET /api/pipeline/metrics/overview'], overview)).toEqual([]);
    expect(overview.data).toMatchObject({
      totalOpportunities: 6,
      totalValue: 1_050,
      avgDealSize: 175,
      wonOpportunities: 3,
      wonValue: 600,
      winRate: 50,
      stageDistribution: [
        { stage_name: 'New', count: 1, value: 100 },
        { stage_name: 'Pending', count: 1, value: 300 },
        { stage_name: 'Done', count: 3, value: 600 },
        { stage_name: 'Lost', count: 1, value: 50 },
      ],
    });
    const conversion = await sales.get(`/conversion?${workspace}&date_from=${today(-5)}&date_to=${today(5)}`);
    expect(lacks(automate8Examples['GET /api/pipeline/metrics/conversion'], conversion)).toEqual([]);
    expect(conversion.data.conversionRates).toHaveLength(2);
    for (const [period, pattern, expected] of [
      ['week', /^\d{4}-W\d\d$/, 0],
      ['month', /^\d{4}-\d\d$/, 100],
      ['quarter', /^\d{4}-Q\d$/, 400],
      ['year', /^\d{4}$/, 400],
    ] as const) {
      const performance = await sales.get(`/performance?${workspace}&period=${period}`);
      expect(lacks(automate8Examples['GET /api/pipeline/metrics/performance'], performance)).toEqual([]);
      expect(performance.data).toMatchObject({ period, forecast: { expected_revenue: expected } });
      expect(performance.data.trends).toHaveLength(12);
      expect(performance.data.trends[0].period).toMatch(pattern);
    }
    expect((await sales.get(`/performance?${workspace}`)).data.period).toBe('month');
  }, 30_000);

  it('refuses what is missing, wrong or unknown', async () => {
    const { api, workspaceId } = await buildAutomate8(server);
    const ask = async (path: string) => (await api.get(`/api/pipeline/metrics${path}`)).status;
    for (const legacy of ['overview', 'conversion', 'performance']) {
      const answer = await api.get(`/api/pipeline/metrics/${legacy}`);
      expect([answer.status, answer.body.error]).toEqual([400, 'Missing required fields: workspace_id']);
    }
    expect(await ask(`/performance?workspace_id=${workspaceId}&period=day`)).toBe(400);
    expect(await ask('?startDate=soon')).toBe(400);
    expect(await ask('?startDate=2026-02-01&endDate=2026-01-01')).toBe(400);
    const [theirs] = (await (await buildAutomate8(server)).api.get('/api/pipeline/pipelines')).body.data;
    for (const id of [theirs.id, 'unknown']) expect(await ask(`?pipeline_id=${id}`)).toBe(404);
    for (const id of [theirs.stages[0].id, 'unknown']) expect(await ask(`?stageId=${id}`)).toBe(404);
  });
});
