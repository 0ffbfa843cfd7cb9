import type { Context } from '../../context.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { facet } from '../../records/facets.ts';
import { completed, taskEntity } from '../engagement/tasks/record.ts';
import { leadEntity } from '../people/leads/record.ts';
import { dealEntity } from '../sales/deals/record.ts';

/** Of one kind; whoever has more has stopped counting. */
const countedMax = 100_000;
const options = { hint: 'filtered_list', limit: countedMax };

/** How much a member has in hand just now: open deals, live leads, open tasks. */
export async function countAssignments(
  ctx: Context,
  workspaceId: ObjectId,
  userId: ObjectId,
): Promise<number> {
  const assigned = { archived: false, facets: facet('assignedTo', userId.toHexString()) };
  const counts = await Promise.all([
    dealEntity.collection(ctx.db).count(workspaceId, { ...assigned, status: 'open' }, options),
    leadEntity.collection(ctx.db).count(workspaceId, assigned, options),
    taskEntity.collection(ctx.db).count(workspaceId, { ...assigned, status: { $ne: completed } }, options),
  ]);
  return counts.reduce((sum, count) => sum + count, 0);
}
