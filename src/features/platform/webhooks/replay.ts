import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { keepBodies } from './bodies.ts';
import { type Delivery, deliveries, type Lane, lanes, retentionMs } from './model.ts';

/** How many deliveries a replay looks at in one go. */
const chunkSize = 1_000;

/**
 * Queues the next chunk of a replay again; the lane's worker calls it whenever nothing else is due. The position is
 * kept after the chunk is queued, so a process that dies in between only has it queued once more.
 * @returns whether there was anything to do
 */
export async function requeueNext(ctx: Context, lane: Lane): Promise<boolean> {
  const { replay } = lane;
  if (!replay) return false;
  const chunk = await nextChunk(ctx, lane);
  const wanted = chunk.filter(({ event }) => !replay.events || replay.events.includes(event));
  await requeue(ctx, lane.workspaceId, wanted, ctx.clock.now());
  const last = chunk.at(-1);
  const position = chunk.length === chunkSize && last ? { time: last.createdAt, id: last._id } : undefined;
  lane.replay = position ? { ...replay, position } : undefined;
  await lanes(ctx.db).updateOne(
    lane.workspaceId,
    { _id: lane._id, 'replay.id': replay.id },
    position ? { $set: { 'replay.position': position } } : { $unset: { replay: '' } },
  );
  return true;
}

function nextChunk(
  ctx: Context,
  lane: Lane,
): Promise<Pick<Delivery, '_id' | 'eventId' | 'event' | 'createdAt'>[]> {
  const { since, until, position } = lane.replay as NonNullable<Lane['replay']>;
  const after = position && {
    createdAt: { $gte: position.time, $lt: until },
    $nor: [{ createdAt: position.time, _id: { $lte: position.id } }],
  };
  return deliveries(ctx.db)
    .find(
      lane.workspaceId,
      { subscriptionId: lane._id, createdAt: { $gte: since, $lt: until }, ...after },
      {
        sort: { createdAt: 1, _id: 1 },
        hint: 'window',
        limit: chunkSize,
        projection: { eventId: 1, event: 1, createdAt: 1 },
      },
    )
    .toArray();
}

/** Makes deliveries that came to an end pending again, with a fresh schedule; those still pending stay as they are. */
export async function requeue(
  ctx: Context,
  workspaceId: ObjectId,
  found: Pick<Delivery, '_id' | 'eventId'>[],
  nextAttemptAt: Date,
): Promise<void> {
  if (found.length === 0) return;
  const expiresAt = new Date(ctx.clock.now().getTime() + retentionMs);
  await keepBodies(
    ctx,
    workspaceId,
    found.map(({ eventId }) => eventId),
    expiresAt,
  );
  await deliveries(ctx.db).updateMany(
    workspaceId,
    { _id: { $in: found.map(({ _id }) => _id) }, status: { $in: ['delivered', 'failed'] } },
    { $set: { status: 'pending', attempts: 0, nextAttemptAt, expiresAt } },
    { hint: { _id: 1 } },
  );
}
