import type { mongo } from 'mongoose';
import type { Context } from '../context.ts';
import { ObjectId } from '../lib/ids.ts';
import { nudge, rowsOf, soon, urgently } from './lanes.ts';
import type { Claimed, Lane, LaneRef, Lanes, Rest } from './work.ts';

/** How long a lane waits for a process that died; a live one renews its lease well before. */
const leaseMs = 12_000;
/** Longer than it takes from announcing a row to storing it. */
const settlingMs = 30_000;

/** The lane, when it is due and nobody visits it; from now on the caller does. */
export async function claimLane(
  ctx: Context,
  kind: Lanes,
  { workspaceId, key }: LaneRef,
): Promise<Claimed<Lane> | null> {
  const now = ctx.clock.now();
  const until = new Date(now.getTime() + leaseMs);
  const lease = { id: new ObjectId(), until };
  const { fields, hint } = kind.locate(key);
  const isFree = { dueAt: { $lte: soon(ctx) }, 'lease.until': { $not: { $gt: now } } };
  const claimed = await rowsOf(ctx, kind).findOneAndUpdate(
    workspaceId,
    { ...fields, ...isFree } as mongo.Filter<Lane>,
    [{ $set: { lease, dueAt: until } }],
    { hint },
  );
  return claimed as Claimed<Lane> | null;
}

/** Nobody woke the lane since it was claimed. */
const isUntouched = { $eq: ['$dueAt', '$lease.until'] };

export interface HeldLease {
  /** Whether the lane may be somebody else's by now. */
  isLost(): boolean;
  stop(): void;
}

/** Keeps a claimed lane until it is stopped. */
export function holdLease(ctx: Context, kind: Lanes, lane: Claimed<Lane>): HeldLease {
  let { until } = lane.lease;
  let isTaken = false;
  const renew = async () => {
    const next = new Date(ctx.clock.now().getTime() + leaseMs);
    try {
      isTaken = !(await updateClaimed(ctx, kind, lane, [
        { $set: { dueAt: { $cond: [isUntouched, next, '$dueAt'] }, 'lease.until': next } },
      ]));
      until = next;
    } catch (error) {
      ctx.log.debug({ err: error }, 'a lease could not be renewed; the next try follows');
    }
  };
  const timer = setInterval(() => void renew(), leaseMs / 3);
  return { isLost: () => isTaken || ctx.clock.now() > until, stop: () => clearInterval(timer) };
}

/** @returns whether the lane is still the caller's */
const updateClaimed = (
  ctx: Context,
  kind: Lanes,
  { workspaceId, _id, lease }: Claimed<Lane>,
  update: object[],
): Promise<boolean> =>
  rowsOf(ctx, kind).updateOne(workspaceId, { _id, 'lease.id': lease.id }, update, { hint: { _id: 1 } });

/**
 * Gives the lane back until its next row is due, and at once when it was woken meanwhile. A row may have been announced
 * that this visit could not see yet, so a lane with a fresh mark is visited once more.
 */
export async function releaseLane(
  ctx: Context,
  kind: Lanes,
  lane: Claimed<Lane>,
  nextDueAt: Date | undefined,
  { isAsleep = false, pausedUntil, state = {} }: Rest<Lane>,
): Promise<void> {
  const now = ctx.clock.now();
  const notBefore = pausedUntil ?? urgently;
  const settledAt = { $add: ['$markedAt', settlingMs] };
  const looks = { $cond: [{ $gt: [settledAt, now] }, { $max: [settledAt, notBefore] }, null] };
  const next = nextDueAt && !isAsleep ? [{ $max: [nextDueAt, notBefore] }] : [];
  const woken = { $cond: [{ $lte: ['$dueAt', urgently] }, '$dueAt', { $max: ['$dueAt', notBefore] }] };
  const kept = isAsleep ? state : { ...state, pausedUntil };
  const values = Object.entries(kept).map(([name, value]) => [
    name,
    value === undefined ? '$$REMOVE' : { $literal: value },
  ]);
  const dueAt = { $cond: [isUntouched, { $ifNull: [{ $min: [...next, looks] }, '$$REMOVE'] }, woken] };
  const released = await rowsOf(ctx, kind).findOneAndUpdate(
    lane.workspaceId,
    { _id: lane._id, 'lease.id': lane.lease.id },
    [{ $set: { ...Object.fromEntries(values), dueAt } }, { $unset: 'lease' }],
    { hint: { _id: 1 } },
  );
  if (released?.dueAt && released.dueAt <= soon(ctx)) {
    await nudge(ctx, kind, { workspaceId: lane.workspaceId, key: kind.keyOf(released) });
  }
}
