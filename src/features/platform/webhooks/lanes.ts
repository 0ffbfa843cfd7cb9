import type { Context } from '../../../context.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { deliveries, type Lane, lanes } from './model.ts';

/**
 * Each endpoint has a lane: one worker at a time looks after it, at the endpoint's own pace. A lane's `dueAt` says when
 * there is something to do next. Whoever queues a delivery sets it (wakes the lane) after the delivery is stored; the
 * worker that claims the lane moves it to the end of its lease, and when it releases the lane, to the next retry,
 * unless somebody woke the lane meanwhile. So whatever dies, some sweep finds the lane due again. BullMQ's jobs only
 * make it quick.
 */
export interface Endpoint {
  workspaceId: ObjectId;
  subscriptionId: ObjectId;
}

/** A worker begins no new request in a lane after this time, so that lanes take turns. */
export const sliceMs = 10_000;
/** How long a lane waits for a worker that died; a live one renews its lease well before. */
const leaseMs = 12_000;
/** Times are taken by several processes whose clocks agree up to this. */
const clockToleranceMs = 100;
/** A sweep looks at the lanes that have waited longest; the next one, a second later, goes on. */
const sweptLanesMax = 500;

export const soon = (ctx: Context): Date => new Date(ctx.clock.now().getTime() + clockToleranceMs);

export interface WakeOptions {
  /** `now` ends a pause that failures caused; `afresh` also forgets the failures. */
  urgency?: 'now' | 'afresh';
}

/** Makes the lanes due and nudges the workers. Call it after the deliveries are stored; repeating it is harmless. */
export async function wakeLanes(
  ctx: Context,
  endpoints: readonly Endpoint[],
  { urgency }: WakeOptions = {},
): Promise<void> {
  if (endpoints.length === 0) return;
  const now = ctx.clock.now();
  const forgotten =
    urgency === 'afresh' ? ['pausedUntil', 'consecutiveFailures', 'failingSince'] : ['pausedUntil'];
  const update = urgency
    ? [{ $set: { dueAt: now } }, { $unset: forgotten }]
    : [{ $set: { dueAt: { $min: ['$dueAt', { $max: [now, '$pausedUntil'] }] } } }];
  // Lanes of any workspaces at once: each filter names its own.
  await lanes(ctx.db).acrossTenants.bulkWrite(
    endpoints.map(({ workspaceId, subscriptionId }) => ({
      updateOne: { filter: { _id: subscriptionId, workspaceId }, update, upsert: true },
    })),
    { ordered: false },
  );
  await Promise.all(endpoints.map((endpoint) => nudgeLane(ctx, endpoint)));
}

function nudgeLane(ctx: Context, { workspaceId, subscriptionId }: Endpoint): Promise<void> {
  const id = subscriptionId.toHexString();
  return ctx.queues.nudge('webhooks', id, { workspaceId: workspaceId.toHexString(), subscriptionId: id });
}

export type ClaimedLane = Lane & Required<Pick<Lane, 'lease'>>;

/** The lane, when it is due and nobody looks after it; from now on the caller does. */
export async function claimLane(ctx: Context, endpoint: Endpoint): Promise<ClaimedLane | null> {
  const now = ctx.clock.now();
  const until = new Date(now.getTime() + leaseMs);
  const lease = { id: new ObjectId(), until };
  const claimed = await lanes(ctx.db).findOneAndUpdate(
    endpoint.workspaceId,
    { _id: endpoint.subscriptionId, dueAt: { $lte: soon(ctx) }, 'lease.until': { $not: { $gt: now } } },
    { $set: { lease, dueAt: until } },
    { hint: { _id: 1 } },
  );
  return claimed as ClaimedLane | null;
}

/** Nobody woke the lane since it was claimed. */
const isUntouched = { $eq: ['$dueAt', '$lease.until'] };

export interface HeldLease {
  /** Whether the lane may be somebody else's by now. */
  isLost(): boolean;
  stop(): void;
}

/** Keeps a claimed lane until it is stopped. */
export function holdLease(ctx: Context, lane: ClaimedLane): HeldLease {
  let isLost = false;
  const renew = async () => {
    const until = new Date(ctx.clock.now().getTime() + leaseMs);
    try {
      isLost = !(await updateClaimed(ctx, lane, [
        { $set: { dueAt: { $cond: [isUntouched, until, '$dueAt'] }, 'lease.until': until } },
      ]));
    } catch (error) {
      ctx.log.debug({ err: error }, 'a lease could not be renewed; the next try follows');
    }
  };
  const timer = setInterval(() => void renew(), leaseMs / 3);
  return { isLost: () => isLost, stop: () => clearInterval(timer) };
}

/** @returns whether the lane is still the caller's */
const updateClaimed = (ctx: Context, lane: ClaimedLane, update: object[]): Promise<boolean> =>
  lanes(ctx.db).updateOne(lane.workspaceId, { _id: lane._id, 'lease.id': lane.lease.id }, update, {
    hint: { _id: 1 },
  });

/** What a run leaves behind. */
export type LaneState = Pick<Lane, 'consecutiveFailures' | 'failingSince' | 'pausedUntil'>;

/** Gives the lane back, due again when its next delivery is. */
export async function releaseLane(ctx: Context, lane: ClaimedLane, state: LaneState): Promise<void> {
  const { pausedUntil, failingSince, consecutiveFailures } = state;
  const nextDueAt = lane.replay ? ctx.clock.now() : await nextAttemptAt(ctx, lane);
  const dueAt = nextDueAt && pausedUntil && pausedUntil > nextDueAt ? pausedUntil : nextDueAt;
  await updateClaimed(ctx, lane, [
    {
      $set: {
        dueAt: { $cond: [isUntouched, dueAt ?? '$$REMOVE', '$dueAt'] },
        pausedUntil: pausedUntil ?? '$$REMOVE',
        failingSince: failingSince ?? '$$REMOVE',
        consecutiveFailures: consecutiveFailures ?? '$$REMOVE',
      },
    },
    { $unset: 'lease' },
  ]);
  if (dueAt && dueAt <= soon(ctx)) await nudgeLane(ctx, { ...lane, subscriptionId: lane._id });
}

/** Gives back the lane of a subscription that is sent nothing; what waits goes on waiting until somebody wakes the lane. */
export async function retireLane(ctx: Context, lane: ClaimedLane): Promise<void> {
  await updateClaimed(ctx, lane, [
    { $set: { dueAt: { $cond: [isUntouched, '$$REMOVE', '$dueAt'] } } },
    { $unset: 'lease' },
  ]);
}

async function nextAttemptAt(ctx: Context, lane: Lane): Promise<Date | undefined> {
  const next = await deliveries(ctx.db).findOne(
    lane.workspaceId,
    { subscriptionId: lane._id, status: 'pending' },
    { sort: { nextAttemptAt: 1 }, hint: 'due', projection: { nextAttemptAt: 1 } },
  );
  return next?.nextAttemptAt;
}

/** Nudges for the lanes that are due and that nobody looks after: work of the system, across workspaces. */
export async function sweepLanes(ctx: Context): Promise<void> {
  const now = ctx.clock.now();
  const due = await lanes(ctx.db)
    .acrossTenants.find(
      { dueAt: { $lte: now } },
      { sort: { dueAt: 1 }, limit: sweptLanesMax, hint: 'due', projection: { workspaceId: 1, lease: 1 } },
    )
    .toArray();
  const free = due.filter(({ lease }) => !lease || lease.until <= now);
  await Promise.all(free.map((lane) => nudgeLane(ctx, { ...lane, subscriptionId: lane._id })));
}
