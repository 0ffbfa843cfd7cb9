import type { Context } from '../context.ts';
import { nudgeAll, rowsOf } from './lanes.ts';
import { dueLanes, type Lane, type Lanes } from './work.ts';

const sweptLanesMax = 500;

/**
 * Nudges for lanes that are due and that nobody visits: work of the system, across workspaces. A sweep looks at the lanes that have waited longest, and the next one goes on where it ended: were it to begin anew
 * each time, many lanes that find no place would hide all those behind them.
 */
export function createLaneSweep(kind: Lanes): (ctx: Context) => Promise<void> {
  let from: Date | undefined;
  return async (ctx) => {
    const now = ctx.clock.now();
    const due = await rowsOf(ctx, kind)
      .acrossTenants.find(
        { dueAt: { ...(from ? { $gte: from } : {}), $lte: now } },
        {
          sort: dueLanes,
          limit: sweptLanesMax,
          hint: dueLanes,
        },
      )
      .toArray();
    from = due.length === sweptLanesMax ? startAfter(due) : undefined;
    const free = due.filter(({ lease }) => !lease || lease.until <= now);
    const refs = free.map((lane) => ({ workspaceId: lane.workspaceId, key: kind.keyOf(lane) }));
    await nudgeAll(ctx, kind, refs, { isLate: true });
  };
}

/** The last lane's time, as others may share it; where all of them do, the next one. */
function startAfter(due: Lane[]): Date | undefined {
  const [first, last] = [due[0]?.dueAt, due.at(-1)?.dueAt];
  if (!first || !last) return undefined;
  return first < last ? last : new Date(last.getTime() + 1);
}
