import type { Context } from '../../../context.ts';
import { dispatchMessage } from './dispatch.ts';
import { type Message, messages } from './model.ts';
import { awaitMessageTurn } from './pace.ts';
import { newsKey, pendingStatuses } from './transitions.ts';

/** How long the workers have before whoever waits sends the message itself. */
const workersTurnMs = 500;
/** News may get lost; the database doesn't. */
const lookEveryMs = 250;

/**
 * Waits until the provider has decided about a message, or until the time is over. With Redis or the workers away this
 * process sends the message itself: the claim sees to it that it is sent once all the same.
 * @returns the message as it is then
 */
export async function awaitOutcome(
  ctx: Context,
  { workspaceId, _id }: Message,
  timeoutMs: number,
): Promise<Message> {
  const startedAt = Date.now();
  const news = listen(ctx, newsKey(_id));
  try {
    for (;;) {
      const message = await messages(ctx.db).findById(workspaceId, _id);
      if (!message) throw new Error('A message that was recorded is gone');
      const leftMs = startedAt + timeoutMs - Date.now();
      if (!isUndecided(message) || leftMs <= 0) return message;
      if (isOurTurn(ctx, message, Date.now() - startedAt)) {
        await awaitMessageTurn(ctx, workspaceId, message.channel);
        await dispatchMessage(ctx, workspaceId, _id);
      } else await news.next(Math.min(lookEveryMs, leftMs));
    }
  } finally {
    news.stop();
  }
}

const isUndecided = ({ status }: Message): boolean =>
  pendingStatuses.includes(status) || status === 'sending';

function isOurTurn(ctx: Context, { status, dueAt }: Message, waitedMs: number): boolean {
  const isDue = status === 'queued' && dueAt !== undefined && dueAt <= ctx.clock.now();
  return isDue && (ctx.redis.status !== 'ready' || waitedMs >= workersTurnMs);
}

/** News of one key: `next` waits for some, or for the given time. None that arrives between two calls is missed. */
function listen(ctx: Context, key: string) {
  let isHeard = false;
  let wake: (() => void) | undefined;
  const stop = ctx.cache.onInvalidate((changed) => {
    if (changed !== key) return;
    isHeard = true;
    wake?.();
  });
  return {
    stop,
    async next(timeoutMs: number) {
      if (!isHeard) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, timeoutMs);
        });
        clearTimeout(timer);
      }
      isHeard = false;
    },
  };
}
