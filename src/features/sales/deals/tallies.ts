import { ratio, textOf, times, toDecimal } from '../../../lib/decimal.ts';
import type { Money } from '../../../lib/money.ts';
import { dayOf } from '../../../lib/time-zone.ts';
import type { Tallies } from '../../../records/tally.ts';
import type { Step } from './path.ts';

/** What of a deal is counted. */
interface Counted {
  createdAt: Date;
  closedAt?: Date;
  expectedCloseDate?: string;
  pipelineId: string;
  stageId: string;
  status: string;
  value: Money;
  probability: number;
  assignedTo?: string;
  path?: Step[];
}

/** A deal's value times its probability. */
const weighted = ({ value, probability }: Counted): string =>
  textOf(times(toDecimal(value.amount), ratio(toDecimal(String(probability)), hundred, probabilityDecimals)));
const hundred = toDecimal('100');
const probabilityDecimals = 12;

/** How likely deals are that a best and a worst case count on. */
const likelihood = ({ probability }: Counted): string =>
  probability >= 90 ? 'likely' : probability >= 50 ? 'possible' : '';

/**
 * What the numbers over deals are made of. Days are those of the workspace's time zone at the time of writing. The
 * functions in `features/sales/deal-numbers` take the parts in this order.
 */
export const dealTallies: Tallies<Counted> = {
  groups: {
    created: (deal, timezone) => [
      dayOf(deal.createdAt, timezone),
      deal.pipelineId,
      deal.stageId,
      deal.status,
      deal.value.currency,
    ],
    closed: ({ closedAt, pipelineId, status, value }, timezone) =>
      closedAt && [dayOf(closedAt, timezone), pipelineId, status, value.currency],
    expected: (deal) =>
      deal.status === 'open' && deal.expectedCloseDate !== undefined
        ? [deal.expectedCloseDate, deal.pipelineId, likelihood(deal), deal.value.currency]
        : undefined,
    assigned: ({ assignedTo, status, value }) =>
      assignedTo === undefined ? undefined : [assignedTo, status, value.currency],
  },
  sums: {
    value: ({ value }) => value.amount,
    weighted,
    cycleMs: ({ createdAt, closedAt }) =>
      closedAt && String(Math.max(0, closedAt.getTime() - createdAt.getTime())),
  },
  lists: {
    // A deal that never left the stage that it is in says nothing that `created` doesn't say.
    steps: ({ createdAt, stageId: now, path = [] }, timezone) =>
      path
        .filter(({ stageId, ended, wentOn }) => stageId !== now || ended > 0 || wentOn)
        .map(({ pipelineId, stageId, wentOn, ended, endedMs }) => ({
          by: [dayOf(createdAt, timezone), pipelineId, stageId, wentOn, stageId === now],
          sums: { ended: String(ended), endedMs: String(endedMs) },
        })),
  },
};
