import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { aggregateOf } from '../../../records/aggregates/aggregate.ts';
import type { Row } from '../../../records/aggregates/count.ts';
import { answerOf, numbersOf } from '../../../records/aggregates/keep.ts';
import { listMembers } from '../../../tenancy/members/service.ts';
import { dealEntity } from '../deals/record.ts';
import { type Outcome, outcomeOf } from './metrics.ts';
import { addRow, noSums, type Sums } from './sums.ts';

const assigned = aggregateOf(dealEntity, 'assigned');

export interface AgentMetrics extends Outcome {
  userId: string;
  name: string;
}

/** What became of the deals of each member of the team, in the order of joining. @throws AppError unavailable */
export async function agentMetrics(
  ctx: Context,
  workspaceId: ObjectId,
): Promise<{ asOf: Date; agents: AgentMetrics[] }> {
  const [members, numbers] = await Promise.all([
    listMembers(ctx, workspaceId),
    numbersOf(ctx, workspaceId, assigned),
  ]);
  const byMember = answerOf(numbers, 'by member', sumsByMember);
  return {
    asOf: numbers.asOf,
    agents: members.map(({ userId, name }) => {
      const id = userId.toHexString();
      return { userId: id, name, ...outcomeOf(byMember.get(id) ?? []) };
    }),
  };
}

/** By user id, and then by status. */
function sumsByMember(rows: Row[]): Map<string, [string, Sums][]> {
  const found = new Map<string, [string, Sums][]>();
  for (const row of rows) {
    const [member = '', status = '', currency = ''] = row.by;
    const sums = noSums();
    addRow(sums, row, currency);
    found.set(member, [...(found.get(member) ?? []), [status, sums]]);
  }
  return found;
}
