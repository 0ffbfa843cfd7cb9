import type { Context } from '../../../context.ts';
import { dayOf } from '../../../lib/time-zone.ts';
import { aggregateOf } from '../../../records/aggregates/aggregate.ts';
import { answerOf, numbersOf } from '../../../records/aggregates/keep.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { dealEntity } from '../deals/record.ts';
import { dayAfter } from './periods.ts';
import { addRow, noSums, type Sums, total } from './sums.ts';

const expected = aggregateOf(dealEntity, 'expected');

export interface Forecast {
  asOf: Date;
  /** Open deals that are expected to close in the window. */
  all: Sums;
  /** Those of 50 % or more. */
  best: Sums;
  /** Those of 90 % or more. */
  worst: Sums;
}

/** What is expected to close from today on, within so many days. @throws AppError unavailable */
export async function dealForecast(
  ctx: Context,
  { _id, timezone }: Pick<Workspace, '_id' | 'timezone'>,
  { pipelineId, days }: { pipelineId?: string | undefined; days: number },
): Promise<Forecast> {
  const numbers = await numbersOf(ctx, _id, expected);
  const first = dayOf(ctx.clock.now(), timezone);
  const last = dayAfter(first, days);
  const sums = answerOf(numbers, JSON.stringify([pipelineId, first, last]), (rows) => {
    const by: Record<string, Sums> = { '': noSums(), possible: noSums(), likely: noSums() };
    for (const row of rows) {
      const [day = '', pipeline, likelihood = '', currency = ''] = row.by;
      if (day < first || day > last || (pipelineId !== undefined && pipelineId !== pipeline)) continue;
      addRow(by[likelihood] ?? noSums(), row, currency);
    }
    const { '': rest = noSums(), possible = noSums(), likely = noSums() } = by;
    return { all: total([rest, possible, likely]), best: total([possible, likely]), worst: likely };
  });
  return { asOf: numbers.asOf, ...sums };
}
