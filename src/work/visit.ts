import type { Context } from '../context.ts';
import { claimLane, holdLease, releaseLane } from './claim.ts';
import type { Claimed, Lane, LaneRef, Visit, Work, WorkItem } from './work.ts';
import { type VisitOptions, workOff } from './work-off.ts';

const faultPauseMs = 2_000;

/**
 * Claims a lane, does what is due in it, and gives it back.
 * @param signal aborted when the process stops: what is begun is finished, nothing more is begun
 */
export async function visitLane(
  ctx: Context,
  work: Work,
  ref: LaneRef,
  signal: AbortSignal,
  options: VisitOptions,
): Promise<void> {
  const lane = await claimLane(ctx, work, ref);
  if (!lane) return;
  const lease = holdLease(ctx, work, lane);
  const isStopped = () => lease.isLost() || signal.aborted;
  let visit: Visit<Lane, WorkItem, unknown> | undefined;
  try {
    visit = await work.open(ctx, lane);
    if (!visit) return await releaseLane(ctx, work, lane, undefined, { isAsleep: true });
    const nextDueAt = await workOff(ctx, visit, isStopped, options);
    await releaseLane(ctx, work, lane, nextDueAt, (await visit.end?.()) ?? {});
  } catch (error) {
    // Where even this fails the lease runs out by itself.
    await giveUp(ctx, work, lane, visit).catch(() => undefined);
    throw error;
  } finally {
    lease.stop();
  }
}

/** After a fault of our own, which must not be repeated at full speed. */
async function giveUp(
  ctx: Context,
  work: Work,
  lane: Claimed<Lane>,
  visit: Visit<Lane, WorkItem, unknown> | undefined,
): Promise<void> {
  const pausedUntil = new Date(ctx.clock.now().getTime() + faultPauseMs);
  await releaseLane(ctx, work, lane, pausedUntil, { ...(await visit?.end?.()), pausedUntil });
}
