import type { mongo } from 'mongoose';
import type { Context } from '../context.ts';
import { duplicateKeyFields } from '../infra/mongo-errors.ts';
import type { TenantCollection } from '../infra/tenant-collection.ts';
import { ObjectId } from '../lib/ids.ts';
import type { Claimed, Lane, LaneRef, Lanes, Rest } from './work.ts';

/** How long a lane waits for a process that died; a live one renews its lease well before. */
const leaseMs = 12_000;
/** Times are taken by several processes whose clocks agree up to this. */
export const clockToleranceMs = 100;
/** Longer than it takes from announcing a row to storing it. */
const settlingMs = 30_000;
const markPrecisionMs = 1_000;
/** Comes before every other time, and before every pause. */
const urgently = new Date(0);

const rowsOf = (ctx: Context, { collection }: Lanes): TenantCollection<Lane> =>
  ctx.db.tenant<Lane>(collection);

/** Up to when something counts as due now. */
export const soon = (ctx: Context): Date => new Date(ctx.clock.now().getTime() + clockToleranceMs);

export interface WakeOptions {
  /** Ends a pause too: a person waits for it. */
  isUrgent?: boolean;
  /** Fields that the lane forgets. */
  forget?: string[];
}

/** Makes lanes due and nudges the workers. Call it after the rows are stored; repeating it is harmless. */
export async function wake(
  ctx: Context,
  kind: Lanes,
  refs: readonly LaneRef[],
  { isUrgent = false, forget = [] }: WakeOptions = {},
): Promise<void> {
  if (refs.length === 0) return;
  const dueAt = isUrgent ? urgently : { $min: ['$dueAt', { $max: [ctx.clock.now(), '$pausedUntil'] }] };
  const forgotten = [...(isUrgent ? ['pausedUntil'] : []), ...forget];
  const update = [{ $set: { dueAt } }, ...(forgotten.length > 0 ? [{ $unset: forgotten }] : [])];
  await upsertAll(ctx, kind, refs, update);
  await Promise.all(refs.map((ref) => nudge(ctx, kind, ref)));
}

/**
 * Notes that a row will be due, before it is stored: a lane that is due for nothing is visited in vain, a row without a
 * lane that is due would be forgotten. Most announcements change nothing, since the lane is due anyway.
 * @param pausedUntil the lane is to be left alone before
 */
export function announce(
  ctx: Context,
  kind: Lanes,
  ref: LaneRef,
  dueAt: Date,
  pausedUntil?: Date,
): Promise<void> {
  const now = ctx.clock.now().getTime();
  const markedAt = new Date(now - (now % markPrecisionMs));
  const latest = { markedAt, ...(pausedUntil ? { pausedUntil } : {}) };
  const later = Object.entries(latest).map(([name, time]) => [name, { $max: [`$${name}`, time] }]);
  return upsertAll(
    ctx,
    kind,
    [ref],
    [
      { $set: Object.fromEntries(later) },
      { $set: { dueAt: { $min: ['$dueAt', { $max: [dueAt, '$pausedUntil'] }] } } },
    ],
  );
}

/** Lanes of any workspaces at once: each filter names its own. */
async function upsertAll(
  ctx: Context,
  kind: Lanes,
  refs: readonly LaneRef[],
  update: object[],
): Promise<void> {
  const operations = refs.map(({ workspaceId, key }) => {
    const { fields, hint } = kind.locate(key);
    const filter = { ...fields, workspaceId } as mongo.Filter<Lane>;
    return { updateOne: { filter, update, upsert: true, hint } };
  });
  const write = () => rowsOf(ctx, kind).acrossTenants.bulkWrite(operations, { ordered: false });
  try {
    await write();
  } catch (error) {
    // Two that make the same lane at once: now there is one to wake.
    if (!duplicateKeyFields(error)) throw error;
    await write();
  }
}

/** Tells some worker that a lane is due. */
export const nudge = (ctx: Context, { name }: Pick<Lanes, 'name'>, { workspaceId, key }: LaneRef) =>
  ctx.queues.nudge(name, `${workspaceId.toHexString()}:${key}`, {
    workspaceId: workspaceId.toHexString(),
    key,
  });

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
