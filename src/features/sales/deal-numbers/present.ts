import type { AgentMetrics } from './agents.ts';
import type { Forecast } from './forecast.ts';
import { funnelOf, type Metrics, type Outcome, type StageMetrics } from './metrics.ts';
import { average, type Sums, shownAmounts } from './sums.ts';
import type { Trend } from './trends.ts';

const presentSums = ({ count, value, weighted }: Sums) => ({
  count,
  value: shownAmounts(value),
  weighted: shownAmounts(weighted),
});

const presentOutcome = ({ all, open, won, lost, winRate, lossRate }: Outcome) => ({
  all: presentSums(all),
  open: presentSums(open),
  won: presentSums(won),
  lost: presentSums(lost),
  winRate,
  lossRate,
  averageValue: shownAmounts(average(all.value, all.count)),
});

const presentConversion = ({ entered, wentOn, conversionRate, averageDays }: StageMetrics) => ({
  entered,
  wentOn,
  conversionRate,
  averageDays,
});

export const presentMetrics = ({ asOf, summary, pipelines, stages }: Metrics) => ({
  asOf: asOf.toISOString(),
  summary: presentOutcome(summary),
  pipelines: pipelines.map(({ pipeline, ...outcome }) => ({
    pipelineId: pipeline._id.toHexString(),
    name: pipeline.name,
    ...presentOutcome(outcome),
  })),
  stages: stages.map((one) => ({
    pipelineId: one.pipeline._id.toHexString(),
    stageId: one.stage.stageId,
    name: one.stage.name,
    deals: presentSums(one.deals),
    ...presentConversion(one),
  })),
  funnel: funnelOf(stages).map(({ from, to }) => ({
    pipelineId: from.pipeline._id.toHexString(),
    fromStageId: from.stage.stageId,
    toStageId: to.stage.stageId,
    ...presentConversion(from),
  })),
});

export const presentAgent = ({ userId, name, ...outcome }: AgentMetrics) => ({
  userId,
  name,
  ...presentOutcome(outcome),
});

export const presentTrend = ({ period, created, won, lost, openValue, averageDaysToWin }: Trend) => ({
  period,
  created: presentSums(created),
  won: presentSums(won),
  lost: presentSums(lost),
  openValue: shownAmounts(openValue),
  averageDaysToWin,
});

export const presentForecast = ({ asOf, all, best, worst }: Forecast) => ({
  asOf: asOf.toISOString(),
  count: all.count,
  expected: shownAmounts(all.value),
  weighted: shownAmounts(all.weighted),
  best: shownAmounts(best.value),
  worst: shownAmounts(worst.value),
});
