import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Entity } from '../../../records/record.ts';
import { updateRecord } from '../../../records/update.ts';
import { systemIn } from '../../../tenancy/actor.ts';
import { type Message, type MessageStatus, messages } from './model.ts';
import { presentMessage } from './present.ts';

/**
 * How a message moves from status to status. Every move names the statuses it may start from, so
 * of two that want to move a message one does, and none ever moves back:
 *
 *   scheduled, queued → sending → accepted → sent → delivered → read
 *                          ├→ queued (not taken, try again)      └→ failed (until delivered)
 *                          ├→ rejected, blocked, failed
 *                          └→ unknown → accepted, sent, … when a callback or a lookup tells
 *   scheduled, queued → cancelled
 */
export const messageEntity: Entity<Message> = {
  label: 'Message',
  collection: messages,
  facets: {
    channel: 'value',
    direction: 'value',
    status: 'value',
    to: 'value',
    from: 'value',
    conversationId: 'value',
    leadId: 'value',
    contactId: 'value',
  },
  events: {},
  present: presentMessage,
};

export const pendingStatuses: readonly MessageStatus[] = ['scheduled', 'queued'];

/** Reported statuses, and what they may follow. */
export const reportableFrom = {
  sent: ['sending', 'unknown', 'accepted'],
  delivered: ['sending', 'unknown', 'accepted', 'sent'],
  read: ['sending', 'unknown', 'accepted', 'sent', 'delivered'],
  failed: ['sending', 'unknown', 'accepted', 'sent'],
} as const satisfies Record<string, readonly MessageStatus[]>;

export interface Move {
  from: readonly MessageStatus[];
  to: MessageStatus;
  /** Only while this claim holds the message. */
  claim?: ObjectId | undefined;
  set?: Partial<Message> | ((message: Message) => Partial<Message>);
  unset?: (keyof Message)[];
}

/**
 * Moves a message if it is where the move begins, and leaves it alone otherwise.
 * @returns the message as it is now
 */
export async function moveMessage(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
  move: Move,
): Promise<Message> {
  const { from, to, claim, set = {}, unset = [] } = move;
  const isKept = to !== 'sending';
  const moved = await updateRecord(ctx, messageEntity, systemIn(workspaceId), id, (message) => {
    const isHeld = claim === undefined || message.claim?.equals(claim);
    if (!isHeld || !from.includes(message.status)) return undefined;
    const history = [...message.history, { status: to, at: ctx.clock.now() }];
    const given = typeof set === 'function' ? set(message) : set;
    return { set: { ...given, status: to, ...(isKept ? { history } : {}) }, unset };
  });
  if (isKept) await announce(ctx, moved);
  return moved;
}

/** What waits for news of a message hears. */
export const newsKey = (id: ObjectId): string => `message:${id.toHexString()}`;

/** Somebody may be waiting for the provider's answer to a WhatsApp message, in any process. */
async function announce(ctx: Context, message: Message): Promise<void> {
  const isAwaited = message.channel === 'whatsapp' && message.direction === 'outbound';
  // Without Redis nobody could hear it; those who wait look from time to time anyway.
  if (isAwaited && ctx.redis.status === 'ready') await ctx.cache.invalidate(newsKey(message._id));
}
