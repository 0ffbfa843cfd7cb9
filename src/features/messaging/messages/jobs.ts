import type { Context } from '../../../context.ts';
import type { Visit, Work } from '../../../work/work.ts';
import { dispatchMessage, recoverMessage } from './dispatch.ts';
import { channelLanes } from './lanes.ts';
import { type Message, type MessageLane, messages } from './model.ts';
import { awaitMessageTurn } from './pace.ts';

type DueMessage = Pick<Message, '_id' | 'workspaceId' | 'channel' | 'status' | 'claim' | 'dueAt'>;

/** Messages of one lane that are with the provider at the same time; one that hangs takes no more than these. */
const parallel = 20;
/** Read in one go, those in hand among them. */
const readMax = 120;
const dueFields = { workspaceId: 1, channel: 1, status: 1, claim: 1, dueAt: 1 } as const;

/** Sends messages. */
export const messageWork: Work<MessageLane, DueMessage, void> = {
  ...channelLanes,
  open: async (ctx, lane) => visitOf(ctx, lane),
};

function visitOf(ctx: Context, { workspaceId, channel }: MessageLane): Visit<MessageLane, DueMessage, void> {
  let pausedUntil: Date | undefined;
  const waiting = (before?: Date) => ({ channel, dueAt: before ? { $lte: before } : { $exists: true } });
  const options = { sort: { dueAt: 1 }, hint: 'due_messages', projection: dueFields } as const;
  return {
    // Not a moment early: a client named the time.
    due: () => messages(ctx.db).find(workspaceId, waiting(ctx.clock.now()), { ...options, limit: readMax }),
    async process(message) {
      if (message.status === 'sending') return recoverMessage(ctx, message);
      await awaitMessageTurn(ctx, workspaceId, channel);
      const outcome = await dispatchMessage(ctx, workspaceId, message._id);
      pausedUntil = outcome.pausedUntil ?? pausedUntil;
    },
    limit: () => parallel,
    isOver: () => pausedUntil !== undefined,
    nextDueAt: async () => (await messages(ctx.db).findOne(workspaceId, waiting(), options))?.dueAt,
    end: async () => ({ pausedUntil }),
  };
}
