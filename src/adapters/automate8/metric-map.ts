import { z } from 'zod';
import type { Forecast } from '../../features/sales/deal-numbers/forecast.ts';
import {
  type Conversion,
  funnelOf,
  type Metrics,
  type PipelineMetrics,
  type StageMetrics,
} from '../../features/sales/deal-numbers/metrics.ts';
import { periodKinds } from '../../features/sales/deal-numbers/periods.ts';
import { averageIn, numberIn, percent } from '../../features/sales/deal-numbers/sums.ts';
import type { Trend } from '../../features/sales/deal-numbers/trends.ts';
import { toUuid } from '../../lib/uuid.ts';
import { uuidOf, uuidOut } from './schema.ts';

/** Numbers over deals in this contract's words. They are in one currency; what is in others is counted only. */

const count = z.int();
const money = z.number();
const rate = z.number();

const outcomeOut = {
  total_opportunities: count,
  total_value: money,
  won_opportunities: count,
  won_value: money,
  lost_opportunities: count,
  lost_value: money,
  win_rate: rate,
  loss_rate: rate,
  average_deal_size: money,
  weighted_pipeline_value: money,
};
const stageOut = z.object({
  stage_id: uuidOut,
  stage_name: z.string(),
  pipeline_name: z.string(),
  count,
  total_value: money,
  average_value: money,
  conversion_rate: rate,
  avg_time_in_stage_days: z.number(),
});
const stepOut = {
  from_stage: z.string(),
  to_stage: z.string(),
  conversion_rate: rate,
  opportunities_moved: count,
  total_opportunities: count,
};
const trendOut = {
  period: z.string(),
  new_opportunities: count,
  closed_won: count,
  closed_lost: count,
  revenue: money,
};
const forecastOut = {
  expected_revenue: money,
  weighted_revenue: money,
  best_case: money,
  worst_case: money,
};
const closingOut = z.object({ ...forecastOut, opportunities_closing: count });

export const metricsOut = z
  .object({
    summary: z.object({ ...outcomeOut, total_pipeline_value: money }),
    by_pipeline: z.array(
      z.object({
        pipeline_id: uuidOut,
        pipeline_name: z.string(),
        total_opportunities: count,
        total_value: money,
        win_rate: rate,
        active_value: money,
      }),
    ),
    by_stage: z.array(stageOut),
    conversion_funnel: z.array(
      z.object({ ...stepOut, pipeline_name: z.string(), average_time_days: z.number() }),
    ),
    trends: z.array(z.object({ ...trendOut, pipeline_value: money })),
  })
  .meta({ id: 'Metrics' });

export const pipelineMetricsOut = z
  .object({
    pipeline_info: z.object({ id: uuidOut, name: z.string(), description: z.string().nullable() }),
    summary: z.object({ ...outcomeOut, active_pipeline_value: money }),
    by_stage: z.array(stageOut),
    forecast: z.object({ next_30_days: closingOut, next_90_days: closingOut }),
  })
  .meta({ id: 'PipelineMetrics' });

export const overviewOut = z
  .object({
    totalOpportunities: count,
    totalValue: money,
    avgDealSize: money,
    wonOpportunities: count,
    wonValue: money,
    winRate: rate.describe('Of all'),
    stageDistribution: z.array(z.object({ stage_id: uuidOut, stage_name: z.string(), count, value: money })),
  })
  .meta({ id: 'MetricsOverview' });

export const conversionOut = z
  .object({
    conversionRates: z.array(z.object(stepOut)),
    avgTimeInStage: z.array(z.object({ stage_name: z.string(), avg_days: z.number() })),
  })
  .meta({ id: 'ConversionRates' });

export const performanceOut = z
  .object({
    period: z.enum(periodKinds),
    forecast: z.object(forecastOut),
    trends: z.array(z.object(trendOut)),
  })
  .meta({ id: 'Performance' });

const presentOutcome = (
  { all, open, won, lost, winRate, lossRate }: Metrics['summary'],
  currency: string,
) => ({
  total_opportunities: all.count,
  total_value: numberIn(all.value, currency),
  won_opportunities: won.count,
  won_value: numberIn(won.value, currency),
  lost_opportunities: lost.count,
  lost_value: numberIn(lost.value, currency),
  win_rate: winRate,
  loss_rate: lossRate,
  average_deal_size: averageIn(all.value, currency, all.count),
  weighted_pipeline_value: numberIn(open.weighted, currency),
});

const presentPipeline = ({ pipeline, all, open, winRate }: PipelineMetrics, currency: string) => ({
  pipeline_id: toUuid(pipeline._id),
  pipeline_name: pipeline.name,
  total_opportunities: all.count,
  total_value: numberIn(all.value, currency),
  win_rate: winRate,
  active_value: numberIn(open.value, currency),
});

const presentStage = (
  { pipeline, stage, deals, conversionRate, averageDays }: StageMetrics,
  currency: string,
) => ({
  stage_id: uuidOf(stage.stageId) ?? '',
  stage_name: stage.name,
  pipeline_name: pipeline.name,
  count: deals.count,
  total_value: numberIn(deals.value, currency),
  average_value: averageIn(deals.value, currency, deals.count),
  conversion_rate: conversionRate,
  avg_time_in_stage_days: averageDays,
});

const presentStep = ({ from, to }: Conversion) => ({
  from_stage: from.stage.name,
  to_stage: to.stage.name,
  conversion_rate: from.conversionRate,
  opportunities_moved: from.wentOn,
  total_opportunities: from.entered,
});

export const toTrend = ({ period, created, won, lost, openValue }: Trend, currency: string) => ({
  period,
  new_opportunities: created.count,
  closed_won: won.count,
  closed_lost: lost.count,
  revenue: numberIn(won.value, currency),
  pipeline_value: numberIn(openValue, currency),
});

export const toForecast = ({ all, best, worst }: Forecast, currency: string) => ({
  expected_revenue: numberIn(all.value, currency),
  weighted_revenue: numberIn(all.weighted, currency),
  best_case: numberIn(best.value, currency),
  worst_case: numberIn(worst.value, currency),
  opportunities_closing: all.count,
});

export const toMetrics = (
  { summary, pipelines, stages }: Metrics,
  trends: Trend[],
  currency: string,
): z.output<typeof metricsOut> => ({
  summary: {
    ...presentOutcome(summary, currency),
    total_pipeline_value: numberIn(summary.open.value, currency),
  },
  by_pipeline: pipelines.map((one) => presentPipeline(one, currency)),
  by_stage: stages.map((one) => presentStage(one, currency)),
  conversion_funnel: funnelOf(stages).map((step) => ({
    ...presentStep(step),
    pipeline_name: step.from.pipeline.name,
    average_time_days: step.from.averageDays,
  })),
  trends: trends.map((trend) => toTrend(trend, currency)),
});

export function toPipelineMetrics(
  { summary, pipelines, stages }: Metrics,
  { month, quarter }: { month: Forecast; quarter: Forecast },
  currency: string,
): z.output<typeof pipelineMetricsOut> {
  const [one] = pipelines;
  if (!one) throw new Error('Metrics of a pipeline have no pipeline');
  const { _id, name, description = null } = one.pipeline;
  return {
    pipeline_info: { id: toUuid(_id), name, description },
    summary: {
      ...presentOutcome(summary, currency),
      active_pipeline_value: numberIn(summary.open.value, currency),
    },
    by_stage: stages.map((stage) => presentStage(stage, currency)),
    forecast: {
      next_30_days: toForecast(month, currency),
      next_90_days: toForecast(quarter, currency),
    },
  };
}

export const toOverview = (
  { summary: { all, won }, stages }: Metrics,
  currency: string,
): z.output<typeof overviewOut> => ({
  totalOpportunities: all.count,
  totalValue: numberIn(all.value, currency),
  avgDealSize: averageIn(all.value, currency, all.count),
  wonOpportunities: won.count,
  wonValue: numberIn(won.value, currency),
  winRate: percent(won.count, all.count),
  stageDistribution: stages.map(({ stage, deals }) => ({
    stage_id: uuidOf(stage.stageId) ?? '',
    stage_name: stage.name,
    count: deals.count,
    value: numberIn(deals.value, currency),
  })),
});

export const toConversion = ({ stages }: Metrics): z.output<typeof conversionOut> => ({
  conversionRates: funnelOf(stages).map(presentStep),
  avgTimeInStage: stages.map(({ stage, averageDays }) => ({ stage_name: stage.name, avg_days: averageDays })),
});
