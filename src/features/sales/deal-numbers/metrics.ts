import type { Context } from '../../../context.ts';
import { type Decimal, plus, zero } from '../../../lib/decimal.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { aggregateOf } from '../../../records/aggregates/aggregate.ts';
import { answerOf, type Numbers, numbersOf } from '../../../records/aggregates/keep.ts';
import { findPipelines } from '../boards/board.ts';
import type { Pipeline } from '../boards/record.ts';
import type { Stage } from '../boards/stages.ts';
import { dealEntity } from '../deals/record.ts';
import { addRow, averageDays, noSums, percent, type Sums, total } from './sums.ts';

const created = aggregateOf(dealEntity, 'created');
const steps = aggregateOf(dealEntity, 'steps', ['ended', 'endedMs']);

/** Which deals: of a pipeline or a stage, created on some days of the workspace. */
export interface DealQuery {
  pipelineId?: string | undefined;
  stageId?: string | undefined;
  /** First day. */
  from?: string | undefined;
  /** Last day. */
  to?: string | undefined;
}

/** Deals by what became of them. */
export interface Outcome {
  all: Sums;
  open: Sums;
  won: Sums;
  lost: Sums;
  /** Percent of those that closed. */
  winRate: number;
  lossRate: number;
}

export interface PipelineMetrics extends Outcome {
  pipeline: Pipeline;
}

export interface StageMetrics {
  pipeline: Pipeline;
  stage: Stage;
  /** The deals that are there now. */
  deals: Sums;
  /** How many were ever there, and how many of these went on to a later stage or were won. */
  entered: number;
  wentOn: number;
  conversionRate: number;
  averageDays: number;
}

export interface Metrics {
  asOf: Date;
  summary: Outcome;
  /** Live pipelines, the default first, then the oldest. */
  pipelines: PipelineMetrics[];
  /** Their stages in their order. */
  stages: StageMetrics[];
}

/** What the workspace's deals are worth and how they move along, per pipeline and stage. @throws AppError unavailable */
export async function dealMetrics(ctx: Context, workspaceId: ObjectId, query: DealQuery): Promise<Metrics> {
  const [pipelines, deals, visits] = await Promise.all([
    findPipelines(ctx, workspaceId),
    numbersOf(ctx, workspaceId, created),
    numbersOf(ctx, workspaceId, steps),
  ]);
  const byStage = sumsByStage(deals, query);
  const stays = staysByStage(visits, query);
  const chosen = pipelines.filter(({ _id }) => isWanted(query.pipelineId, _id.toHexString()));
  const all = [...byStage.values()].flatMap((byStatus) => [...byStatus]);
  return {
    asOf: deals.asOf < visits.asOf ? deals.asOf : visits.asOf,
    summary: outcomeOf(all),
    pipelines: chosen.map((pipeline) => ({
      pipeline,
      ...outcomeOf(
        [...byStage].flatMap(([key, byStatus]) =>
          key.startsWith(pipeline._id.toHexString()) ? [...byStatus] : [],
        ),
      ),
    })),
    stages: chosen.flatMap((pipeline) =>
      pipeline.stages
        .filter(({ stageId }) => isWanted(query.stageId, stageId))
        .map((stage) => stageMetrics(pipeline, stage, byStage, stays)),
    ),
  };
}

const isWanted = (wanted: string | undefined, one: string | undefined): boolean =>
  wanted === undefined || wanted === one;

const isWithin = ({ from, to }: DealQuery, day: string): boolean =>
  (from === undefined || day >= from) && (to === undefined || day <= to);

const keyOf = (pipelineId: string | undefined, stageId: string | undefined): string =>
  `${pipelineId} ${stageId}`;

const questionOf = ({ pipelineId, stageId, from, to }: DealQuery): string =>
  JSON.stringify([pipelineId, stageId, from, to]);

type ByStatus = Map<string, Sums>;

/** By pipeline and stage, and then by status. */
const sumsByStage = (numbers: Numbers, query: DealQuery): Map<string, ByStatus> =>
  answerOf(numbers, questionOf(query), (rows) => {
    const found = new Map<string, ByStatus>();
    for (const row of rows) {
      const [day = '', pipelineId, stageId, status = '', currency = ''] = row.by;
      if (!isWanted(query.pipelineId, pipelineId) || !isWanted(query.stageId, stageId)) continue;
      if (!isWithin(query, day)) continue;
      const byStatus = getOrMake(found, keyOf(pipelineId, stageId), () => new Map<string, Sums>());
      addRow(getOrMake(byStatus, status, noSums), row, currency);
    }
    return found;
  });

function getOrMake<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

interface Stays {
  /** Deals that were there and are elsewhere. */
  left: number;
  wentOn: number;
  ended: Decimal;
  endedMs: Decimal;
}

const noStays = (): Stays => ({ left: 0, wentOn: 0, ended: zero, endedMs: zero });

const staysByStage = (numbers: Numbers, query: DealQuery): Map<string, Stays> =>
  answerOf(numbers, questionOf(query), (rows) => {
    const found = new Map<string, Stays>();
    for (const { by, count, sums } of rows) {
      const [day = '', pipelineId, stageId, wentOn, isThere] = by;
      if (!isWithin(query, day)) continue;
      const stays = getOrMake(found, keyOf(pipelineId, stageId), noStays);
      if (isThere !== 'true') stays.left += count;
      if (wentOn === 'true') stays.wentOn += count;
      stays.ended = plus(stays.ended, sums.ended ?? zero);
      stays.endedMs = plus(stays.endedMs, sums.endedMs ?? zero);
    }
    return found;
  });

export function outcomeOf(byStatus: Iterable<[string, Sums]>): Outcome {
  const all = [...byStatus];
  const having = (wanted: string) =>
    total(all.flatMap(([status, sums]) => (status === wanted ? [sums] : [])));
  const [won, lost] = [having('won'), having('lost')];
  const closed = won.count + lost.count;
  return {
    all: total(all.map(([, sums]) => sums)),
    open: having('open'),
    won,
    lost,
    winRate: percent(won.count, closed),
    lossRate: percent(lost.count, closed),
  };
}

function stageMetrics(
  pipeline: Pipeline,
  stage: Stage,
  byStage: Map<string, ByStatus>,
  stays: Map<string, Stays>,
): StageMetrics {
  const key = keyOf(pipeline._id.toHexString(), stage.stageId);
  const { left, wentOn, ended, endedMs } = stays.get(key) ?? noStays();
  const deals = total(byStage.get(key)?.values() ?? []);
  const entered = deals.count + left;
  return {
    pipeline,
    stage,
    deals,
    entered,
    wentOn,
    conversionRate: percent(wentOn, entered),
    averageDays: averageDays(endedMs, ended),
  };
}

export interface Conversion {
  from: StageMetrics;
  to: StageMetrics;
}

/** Neighbouring stages, without the lost ones. */
export function funnelOf(stages: readonly StageMetrics[]): Conversion[] {
  const steps = stages.filter(({ stage }) => !stage.isLost);
  return steps.flatMap((from, index) => {
    const to = steps[index + 1];
    return to?.pipeline === from.pipeline ? [{ from, to }] : [];
  });
}
