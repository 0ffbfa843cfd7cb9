import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Channel } from '../channels.ts';
import { type MessageLane, messageLanes } from './model.ts';

/**
 * Which lanes (a workspace's messages of one channel) have something to do, and when. The messages say it themselves by
 * `dueAt`; the lane's own `dueAt` says it once more for all of them, so that a sweep reads one small row per lane and a
 * workspace with a million waiting messages hides nobody else's one.
 *
 * The promise: while a message is due, its lane's `dueAt` lies in the past, or in the near future. A sender marks the
 * lane before it writes the message, so a message never lacks its mark. Whoever serves the lane first moves `dueAt` by a
 * lease, which keeps the sweep quiet meanwhile and brings the lane back if that process dies, and at the end to the next
 * message's time. It could then wipe out the mark of a sender that has marked and not yet written: so a lane marked
 * lately is looked at once more.
 */

/** Longer than a sender needs from the mark to the message. */
const settlingMs = 30_000;
const leaseMs = 15_000;
const lanesPerSweep = 500;

/** A lane that was taken to be served, with the time that it was lent until. */
export interface TakenLane {
  workspaceId: ObjectId;
  channel: Channel;
  lentUntil: Date;
  markedAt: Date;
  pausedUntil: Date | undefined;
}

export const laneId = (workspaceId: ObjectId, channel: Channel): string =>
  `${workspaceId.toHexString()}:${channel}`;

/**
 * Notes that a message is or will be due. Most marks change nothing, since the lane is due anyway.
 * @param pausedUntil the provider wants no message at all before
 */
export async function markLane(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
  dueAt: Date,
  pausedUntil?: Date,
): Promise<void> {
  const markedAt = ctx.clock.now();
  markedAt.setMilliseconds(0);
  const latest = { markedAt, ...(pausedUntil ? { pausedUntil } : {}) };
  await messageLanes(ctx.db).upsert(workspaceId, { channel }, { $min: { dueAt }, $max: latest });
}

/** Wakes a worker for the lane. */
export const nudgeLane = (ctx: Context, workspaceId: ObjectId, channel: Channel): Promise<void> =>
  ctx.queues.nudge('messages', laneId(workspaceId, channel), {
    workspaceId: workspaceId.toHexString(),
    channel,
  });

/** Takes the lane over for a moment; undefined when nothing was ever sent on it. */
export async function takeLane(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
): Promise<TakenLane | undefined> {
  const lentUntil = new Date(ctx.clock.now().getTime() + leaseMs);
  const lane = await messageLanes(ctx.db).findOneAndUpdate(
    workspaceId,
    { channel },
    { $set: { dueAt: lentUntil } },
  );
  if (!lane) return undefined;
  return { workspaceId, channel, lentUntil, markedAt: lane.markedAt, pausedUntil: lane.pausedUntil };
}

/**
 * Gives the lane back until its next message is due.
 * @param pausedUntil no sooner than this, whatever is due
 */
export async function giveBackLane(
  ctx: Context,
  lane: TakenLane,
  nextDueAt: Date | undefined,
  pausedUntil: Date | undefined,
): Promise<void> {
  const { workspaceId, channel, lentUntil, markedAt } = lane;
  const settledAt = new Date(markedAt.getTime() + settlingMs);
  const times = [
    ...(nextDueAt ? [later(nextDueAt, pausedUntil)] : []),
    ...(settledAt > ctx.clock.now() ? [settledAt] : []),
  ];
  const dueAt = times.length > 0 ? new Date(Math.min(...times.map(Number))) : undefined;
  // Marked meanwhile: then the mark stands, or the lease brings the lane back.
  const filter = { channel, dueAt: lentUntil, markedAt };
  const update = dueAt ? { $set: { dueAt } } : { $unset: { dueAt: '' as const } };
  await messageLanes(ctx.db).updateOne(workspaceId, filter, update, { hint: 'lane' });
}

const later = (time: Date, other: Date | undefined): Date => (other && other > time ? other : time);

/** Wakes workers for all lanes that are due and were left alone. The system's own work, so it reads across workspaces. */
export async function nudgeDueLanes(ctx: Context): Promise<void> {
  const due = await messageLanes(ctx.db)
    .acrossTenants.find(
      { dueAt: { $lte: ctx.clock.now() } },
      { sort: { dueAt: 1 }, limit: lanesPerSweep, hint: 'due_lanes' },
    )
    .toArray();
  await Promise.all(due.map((lane: MessageLane) => nudgeLane(ctx, lane.workspaceId, lane.channel)));
}
