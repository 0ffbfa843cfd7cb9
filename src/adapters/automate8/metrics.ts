import { z } from 'zod';
import type { Context } from '../../context.ts';
import { findPipelines } from '../../features/sales/boards/board.ts';
import { dealForecast } from '../../features/sales/deal-numbers/forecast.ts';
import { type DealQuery, dealMetrics } from '../../features/sales/deal-numbers/metrics.ts';
import { type PeriodKind, periodKinds } from '../../features/sales/deal-numbers/periods.ts';
import { mainCurrency } from '../../features/sales/deal-numbers/sums.ts';
import { dealTrends } from '../../features/sales/deal-numbers/trends.ts';
import type { Routes } from '../../http.ts';
import { invalid, notFound } from '../../lib/errors.ts';
import { calendarDay, filterText } from '../../lib/schemas.ts';
import { fromUuid } from '../../lib/uuid.ts';
import type { Workspace } from '../../tenancy/workspaces/model.ts';
import {
  conversionOut,
  metricsOut,
  overviewOut,
  performanceOut,
  pipelineMetricsOut,
  toConversion,
  toForecast,
  toMetrics,
  toOverview,
  toPipelineMetrics,
  toTrend,
} from './metric-map.ts';
import { dataOf, errorOut, failures, found, optional, workspaceGiven } from './schema.ts';

const tags = ['Metrics'];
const config = { access: 'automate8:analytics:read', module: 'deals' } as const;

/** A day of the workspace; of a time its day counts. */
const day = optional(
  z
    .union([
      calendarDay,
      z.iso
        .datetime({ offset: true })
        .transform((text) => text.slice(0, 10))
        .pipe(calendarDay),
    ])
    .meta({ type: 'string', format: 'date' }),
);

const metricsQuery = z.object({
  pipeline_id: optional(filterText),
  startDate: day,
  endDate: day,
  stageId: optional(filterText),
  workspace_id: optional(workspaceGiven),
});
const legacyQuery = z.object({ workspace_id: workspaceGiven, date_from: day, date_to: day });
const performanceQuery = z.object({ workspace_id: workspaceGiven, period: optional(z.enum(periodKinds)) });

/** How far the legacy forecast looks ahead. */
const forecastDays: Record<PeriodKind, number> = { week: 7, month: 30, quarter: 90, year: 365 };
const trendPeriods = 12;

export const metricRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/api/pipeline/metrics',
    {
      config,
      schema: {
        operationId: 'getMetrics',
        summary: 'Numbers over opportunities: of all pipelines, or of one',
        tags,
        querystring: metricsQuery,
        response: { 200: dataOf(z.union([metricsOut, pipelineMetricsOut])), ...failures, 404: errorOut },
      },
    },
    async ({ workspace, query }) => {
      const wanted = await wantedBy(ctx, workspace, query);
      const metrics = await dealMetrics(ctx, workspace._id, wanted);
      const currency = mainCurrency(metrics.summary.all, workspace.currency);
      const { pipelineId } = wanted;
      if (pipelineId === undefined) {
        const { trends } = await dealTrends(ctx, workspace, { kind: 'month', count: trendPeriods });
        return found(toMetrics(metrics, trends, currency));
      }
      const [month, quarter] = await Promise.all(
        [forecastDays.month, forecastDays.quarter].map((days) =>
          dealForecast(ctx, workspace, { pipelineId, days }),
        ),
      );
      if (!month || !quarter) throw new Error('A forecast is missing');
      return found(toPipelineMetrics(metrics, { month, quarter }, currency));
    },
  );

  app.get(
    '/api/pipeline/metrics/overview',
    {
      config,
      schema: {
        operationId: 'getMetricsOverview',
        summary: 'Totals and where opportunities are (legacy)',
        tags,
        querystring: legacyQuery,
        response: { 200: dataOf(overviewOut), ...failures },
      },
    },
    async ({ workspace, query }) => {
      const metrics = await dealMetrics(
        ctx,
        workspace._id,
        spanOf(query.date_from, query.date_to, 'date_from'),
      );
      return found(toOverview(metrics, mainCurrency(metrics.summary.all, workspace.currency)));
    },
  );

  app.get(
    '/api/pipeline/metrics/conversion',
    {
      config,
      schema: {
        operationId: 'getConversionRates',
        summary: 'How opportunities go on from stage to stage (legacy)',
        tags,
        querystring: legacyQuery,
        response: { 200: dataOf(conversionOut), ...failures },
      },
    },
    async ({ workspace, query }) => {
      const span = spanOf(query.date_from, query.date_to, 'date_from');
      return found(toConversion(await dealMetrics(ctx, workspace._id, span)));
    },
  );

  app.get(
    '/api/pipeline/metrics/performance',
    {
      config,
      schema: {
        operationId: 'getPerformance',
        summary: 'What is expected, and what was won and lost period by period (legacy)',
        tags,
        querystring: performanceQuery,
        response: { 200: dataOf(performanceOut), ...failures },
      },
    },
    async ({ workspace, query }) => {
      const { period: kind = 'month' } = query;
      const [metrics, forecast, { trends }] = await Promise.all([
        dealMetrics(ctx, workspace._id, {}),
        dealForecast(ctx, workspace, { days: forecastDays[kind] }),
        dealTrends(ctx, workspace, { kind, count: trendPeriods }),
      ]);
      const currency = mainCurrency(metrics.summary.all, workspace.currency);
      const { opportunities_closing: _, ...expected } = toForecast(forecast, currency);
      return found({
        period: kind,
        forecast: expected,
        trends: trends.map((trend) => {
          const { pipeline_value: _value, ...shown } = toTrend(trend, currency);
          return shown;
        }),
      });
    },
  );
};

/** @throws AppError not_found for a pipeline or stage that there is not */
async function wantedBy(
  ctx: Context,
  { _id }: Workspace,
  { pipeline_id, stageId, startDate, endDate }: z.output<typeof metricsQuery>,
): Promise<DealQuery> {
  const wanted: DealQuery = spanOf(startDate, endDate, 'startDate');
  if (pipeline_id === undefined && stageId === undefined) return wanted;
  const pipelines = await findPipelines(ctx, _id);
  const idOf = (uuid: string | undefined) => (uuid === undefined ? undefined : fromUuid(uuid)?.toHexString());
  wanted.pipelineId = idOf(pipeline_id);
  const chosen = pipelines.filter(
    (one) => pipeline_id === undefined || one._id.toHexString() === wanted.pipelineId,
  );
  if (chosen.length === 0) throw notFound('Pipeline');
  wanted.stageId = idOf(stageId);
  const isKnown = chosen.some(({ stages }) => stages.some((stage) => stage.stageId === wanted.stageId));
  if (stageId !== undefined && !isKnown) throw notFound('Stage');
  return wanted;
}

/** @throws AppError invalid for an end before the beginning */
function spanOf(from: string | undefined, to: string | undefined, field: string): DealQuery {
  if (from !== undefined && to !== undefined && from > to)
    throw invalid(field, 'Must not be after the last day');
  return { from, to };
}
