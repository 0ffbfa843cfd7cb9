import type { Context } from '../../../context.ts';
import { forEachConcurrently } from '../../../lib/concurrency.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Channel } from '../channels.ts';
import { dispatchMessage, recoverMessage } from './dispatch.ts';
import { giveBackLane, nudgeLane, takeLane } from './lanes.ts';
import { type Message, messages } from './model.ts';
import { awaitTurn } from './pace.ts';

/** How long a lane is served before others get their turn. */
const sliceMs = 3_000;
/** Messages of one lane that are with the provider at the same time. */
const parallel = 20;
const batchSize = 100;

/** Sends what is due on a lane, at its pace, and sees to it that the rest is not forgotten. */
export async function runLane(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
  signal: AbortSignal,
): Promise<void> {
  const lane = await takeLane(ctx, workspaceId, channel);
  if (!lane) return;
  const isPaused = lane.pausedUntil !== undefined && lane.pausedUntil > ctx.clock.now();
  const pausedUntil = isPaused ? lane.pausedUntil : await serve(ctx, workspaceId, channel, signal);
  const nextDueAt = await findNextDueAt(ctx, workspaceId, channel);
  await giveBackLane(ctx, lane, nextDueAt, pausedUntil);
  const isLeft = nextDueAt !== undefined && nextDueAt <= ctx.clock.now();
  if (isLeft && !pausedUntil && !signal.aborted) await nudgeLane(ctx, workspaceId, channel);
}

/** Works off due messages for one slice of time. @returns until when the provider wants to be left alone */
async function serve(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
  signal: AbortSignal,
): Promise<Date | undefined> {
  const endsAt = Date.now() + sliceMs;
  let pausedUntil: Date | undefined;
  let failure: { error: unknown } | undefined;
  const shouldStop = () => Boolean(pausedUntil || failure || signal.aborted || Date.now() > endsAt);
  const handle = async (message: DueMessage) => {
    try {
      if (message.status === 'sending') return await recoverMessage(ctx, message);
      await awaitTurn(ctx, workspaceId, channel);
      const outcome = await dispatchMessage(ctx, workspaceId, message._id);
      pausedUntil = outcome.pausedUntil ?? pausedUntil;
    } catch (error) {
      failure ??= { error };
    }
  };
  const due = dueMessages(ctx, workspaceId, channel);
  await forEachConcurrently(due, { limit: () => parallel, shouldStop }, handle);
  if (failure) throw failure.error;
  return pausedUntil;
}

export type DueMessage = Pick<Message, '_id' | 'workspaceId' | 'status' | 'claim'>;

/** The lane's due messages, each once, the longest waiting first; asks for more when those are handed out. */
async function* dueMessages(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
): AsyncGenerator<DueMessage> {
  const seen = new Set<string>();
  for (;;) {
    const found = await messages(ctx.db)
      .find(
        workspaceId,
        { channel, dueAt: { $lte: ctx.clock.now() } },
        {
          sort: { dueAt: 1 },
          // Those in hand may still look due.
          limit: batchSize + parallel,
          hint: 'due_messages',
          projection: { workspaceId: 1, status: 1, claim: 1 },
        },
      )
      .toArray();
    const fresh = found.filter(({ _id }) => !seen.has(_id.toHexString()));
    if (fresh.length === 0) return;
    for (const message of fresh) {
      seen.add(message._id.toHexString());
      yield message;
    }
  }
}

async function findNextDueAt(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
): Promise<Date | undefined> {
  const next = await messages(ctx.db).findOne(
    workspaceId,
    { channel, dueAt: { $exists: true } },
    { sort: { dueAt: 1 }, hint: 'due_messages', projection: { workspaceId: 1, dueAt: 1 } },
  );
  return next?.dueAt;
}
