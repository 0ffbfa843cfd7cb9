import type { Context } from '../../../context.ts';
import { type Decimal, plus, zero } from '../../../lib/decimal.ts';
import { dayOf } from '../../../lib/time-zone.ts';
import { aggregateOf } from '../../../records/aggregates/aggregate.ts';
import type { Row } from '../../../records/aggregates/count.ts';
import { answerOf, numbersOf } from '../../../records/aggregates/keep.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { dealEntity } from '../deals/record.ts';
import { lastPeriods, type PeriodKind, periodOf } from './periods.ts';
import { type Amounts, addRow, averageDays, noSums, type Sums, total, without } from './sums.ts';

const created = aggregateOf(dealEntity, 'created');
const closed = aggregateOf(dealEntity, 'closed');

export interface Trend {
  period: string;
  created: Sums;
  won: Sums;
  lost: Sums;
  /** What was open when the period ended. */
  openValue: Amounts;
  /** From being created to being won. */
  averageDaysToWin: number;
}

export interface TrendQuery {
  pipelineId?: string | undefined;
  kind: PeriodKind;
  count: number;
}

/** The last periods up to today, newest first. @throws AppError unavailable */
export async function dealTrends(
  ctx: Context,
  { _id, timezone }: Pick<Workspace, '_id' | 'timezone'>,
  query: TrendQuery,
): Promise<{ asOf: Date; trends: Trend[] }> {
  const [made, ended] = await Promise.all([numbersOf(ctx, _id, created), numbersOf(ctx, _id, closed)]);
  const periods = lastPeriods(dayOf(ctx.clock.now(), timezone), query.kind, query.count);
  const question = JSON.stringify(['trends', query, periods[0]]);
  const newDeals = answerOf(made, question, (rows) => newIn(rows, periods, query));
  const closings = answerOf(ended, question, (rows) => closedIn(rows, periods, query));
  let openValue = without(newDeals.before.value, closings.before);
  // What was open at a period's end follows from the period before it.
  const trends = periods.toReversed().map((period): Trend => {
    const [fresh, { won, lost, wonMs }] = [newDeals.of(period), closings.of(period)];
    openValue = without(total([fresh, { ...noSums(), value: openValue }]).value, total([won, lost]).value);
    const wins = { units: BigInt(won.count), scale: 0 };
    return { period, created: fresh, won, lost, openValue, averageDaysToWin: averageDays(wonMs, wins) };
  });
  return { asOf: made.asOf < ended.asOf ? made.asOf : ended.asOf, trends: trends.toReversed() };
}

/** Rows of each period, and of the time before the first of them. */
function divide<P>(
  rows: Row[],
  periods: string[],
  kind: PeriodKind,
  make: () => P,
  add: (part: P, row: Row) => void,
) {
  const known = new Map(periods.map((period) => [period, make()]));
  const before = make();
  const oldest = periods.at(-1) ?? '';
  for (const row of rows) {
    const period = periodOf(row.by[0] ?? '', kind);
    const part = known.get(period) ?? (period < oldest ? before : undefined);
    if (part) add(part, row);
  }
  return { of: (period: string): P => known.get(period) ?? make(), before };
}

const isOf = ({ pipelineId }: TrendQuery, one: string | undefined): boolean =>
  pipelineId === undefined || pipelineId === one;

const newIn = (rows: Row[], periods: string[], query: TrendQuery) =>
  divide(rows, periods, query.kind, noSums, (sums, row) => {
    const [, pipelineId, , , currency = ''] = row.by;
    if (isOf(query, pipelineId)) addRow(sums, row, currency);
  });

interface Closings {
  won: Sums;
  lost: Sums;
  wonMs: Decimal;
}

function closedIn(rows: Row[], periods: string[], query: TrendQuery) {
  const none = (): Closings => ({ won: noSums(), lost: noSums(), wonMs: zero });
  const { of, before } = divide(rows, periods, query.kind, none, (closings, row) => {
    const [, pipelineId, status, currency = ''] = row.by;
    if (!isOf(query, pipelineId)) return;
    addRow(status === 'won' ? closings.won : closings.lost, row, currency);
    if (status === 'won') closings.wonMs = plus(closings.wonMs, row.sums.cycleMs ?? zero);
  });
  return { of, before: total([before.won, before.lost]).value };
}
