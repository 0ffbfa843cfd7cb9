import { z } from 'zod';
import { calendarDay, dateTimeOut, envelope } from '../../../lib/schemas.ts';
import { periodKinds } from './periods.ts';

const amounts = z
  .record(z.string(), z.string())
  .describe('Exact decimal digits by currency; what has another currency is never added up');

const sums = z
  .object({ count: z.int(), value: amounts, weighted: amounts.describe('Value times probability') })
  .meta({ id: 'DealSums' });

const rate = z.number().describe('Percent, with two decimals');
const outcome = {
  all: sums,
  open: sums,
  won: sums,
  lost: sums,
  winRate: rate,
  lossRate: rate,
  averageValue: amounts,
};

const asOf = dateTimeOut.describe('What changed later may not be counted yet');

const stageOut = z.object({
  pipelineId: z.string(),
  stageId: z.string(),
  name: z.string(),
  deals: sums.describe('The deals that are there now'),
  entered: z.int().describe('Deals that were ever there'),
  wentOn: z.int().describe('Those of them that went on to a later stage, or were won'),
  conversionRate: rate,
  averageDays: z.number().describe('Of stays that ended'),
});

const conversionOut = z.object({
  pipelineId: z.string(),
  fromStageId: z.string(),
  toStageId: z.string(),
  entered: z.int(),
  wentOn: z.int(),
  conversionRate: rate,
  averageDays: z.number(),
});

export const metricsOut = envelope(
  z
    .object({
      asOf,
      summary: z.object(outcome),
      pipelines: z.array(z.object({ pipelineId: z.string(), name: z.string(), ...outcome })),
      stages: z.array(stageOut),
      funnel: z.array(conversionOut).describe('Neighbouring stages, without the lost ones'),
    })
    .meta({ id: 'DealMetrics' }),
);

export const agentsOut = envelope(
  z
    .object({
      asOf,
      agents: z
        .array(z.object({ userId: z.string(), name: z.string(), ...outcome }))
        .describe('Every member of the team, in the order of joining'),
    })
    .meta({ id: 'AgentMetrics' }),
);

const trendOut = z.object({
  period: z.string().describe('2026-W05, 2026-01, 2026-Q1 or 2026'),
  created: sums,
  won: sums,
  lost: sums,
  openValue: amounts.describe('What was open when the period ended'),
  averageDaysToWin: z.number(),
});
export const trendsOut = envelope(z.object({ asOf, trends: z.array(trendOut) }).meta({ id: 'DealTrends' }));

export const forecastOut = envelope(
  z
    .object({
      asOf,
      count: z.int(),
      expected: amounts,
      weighted: amounts,
      best: amounts.describe('Deals of 50 % or more'),
      worst: amounts.describe('Deals of 90 % or more'),
    })
    .meta({ id: 'DealForecast' }),
);

export const ofPipelineQuery = z.object({
  from: calendarDay.optional().describe('Deals created on this day of the workspace or later'),
  to: calendarDay.optional().describe('Deals created on this day of the workspace or before'),
});
const pipelineId = z.string().optional().describe('Of a live pipeline');
export const metricsQuery = ofPipelineQuery.extend({ pipelineId, stageId: z.string().optional() });

const periodsMax = 60;
export const trendsQuery = z.object({
  pipelineId,
  period: z.enum(periodKinds).default('month'),
  count: z.coerce.number().int().min(1).max(periodsMax).default(12),
});

const forecastDaysMax = 3_660;
export const forecastQuery = z.object({
  pipelineId,
  days: z.coerce.number().int().min(1).max(forecastDaysMax).default(30),
});
