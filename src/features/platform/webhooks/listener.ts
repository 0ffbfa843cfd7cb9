import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { EventListener, RelayedEvent } from '../../../records/relay.ts';
import { type Subscription, subscriptions } from './model.ts';
import { payloadOf } from './payload.ts';
import { type Outgoing, queueDeliveries } from './queue.ts';

const cacheKey = (workspaceId: ObjectId): string => `webhooks:${workspaceId.toHexString()}`;

type Subscriber = Pick<Subscription, '_id' | 'events'>;

/** The workspace's active subscriptions, from memory when they were read in the last seconds. */
async function activeSubscribers(ctx: Context, workspaceId: ObjectId): Promise<Subscriber[]> {
  const found = await ctx.cache.get(cacheKey(workspaceId), () =>
    subscriptions(ctx.db)
      .find(workspaceId, { isActive: true }, { hint: 'list', projection: { events: 1 } })
      .toArray(),
  );
  return found ?? [];
}

/** Makes a change of subscriptions known to every process, within the round trip of a Redis message. */
export const forgetSubscribers = (ctx: Context, workspaceId: ObjectId): Promise<void> =>
  ctx.cache.invalidate(cacheKey(workspaceId));

/** Turns events into deliveries to whoever subscribed to them. */
export const webhookListener = (ctx: Context): EventListener => ({
  name: 'webhooks',
  async isListening(workspaceId, type) {
    const subscribers = await activeSubscribers(ctx, workspaceId);
    return subscribers.some(({ events }) => events.includes(type));
  },
  async accept(events) {
    const outgoing = await Promise.all(events.map((event) => outgoingOf(ctx, event)));
    await queueDeliveries(ctx, outgoing.flat());
  },
});

async function outgoingOf(ctx: Context, event: RelayedEvent): Promise<Outgoing[]> {
  const { workspaceId, id: eventId, type, at, record } = event;
  const subscribers = (await activeSubscribers(ctx, workspaceId)).filter(({ events }) =>
    events.includes(type),
  );
  if (subscribers.length === 0) return [];
  let body: string;
  try {
    body = JSON.stringify(payloadOf(type, record));
  } catch (error) {
    // Nothing that our own writes produce; it must not hold up the events of everybody else.
    ctx.log.error({ err: error, eventId: eventId.toHexString(), type }, 'event of a broken record dropped');
    return [];
  }
  return subscribers.map(({ _id }) => ({
    workspaceId,
    subscriptionId: _id,
    eventId,
    event: type,
    at,
    body,
  }));
}
