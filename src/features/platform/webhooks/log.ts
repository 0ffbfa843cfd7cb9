import type { Context } from '../../../context.ts';
import { decodeCursor, encodeCursor } from '../../../lib/cursor.ts';
import { AppError, invalid, notFound } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { eventTypes } from '../../../records/entity/names.ts';
import { bodiesSent } from './bodies.ts';
import { wakeEndpoints } from './lanes.ts';
import {
  attempts,
  type Delivery,
  deliveries,
  lanes,
  outcomes,
  retentionMs,
  type Subscription,
  testEvent,
  type WebhookEvent,
} from './model.ts';
import { presentAttempt } from './present.ts';
import { firstOfAll } from './queue.ts';
import { requeue } from './replay.ts';
import type { AttemptOut, DeliveriesQuery, ReplayInput } from './schema.ts';

/** Rows that numbered pages reach; the server would have to count past all before. */
const skippedMax = 10_000;

/** An event's time may come from a clock that is a little ahead; twice is better than not at all. */
const clockMarginMs = 2_000;

const allEvents = (): WebhookEvent[] => [...eventTypes(), testEvent];

/** A page of the deliveries log, newest first. */
export async function listAttempts(
  ctx: Context,
  { workspaceId, _id: subscriptionId }: Subscription,
  query: DeliveriesQuery,
): Promise<{ rows: AttemptOut[]; nextCursor: string | null }> {
  const { limit, page } = query;
  const skip = (page - 1) * limit;
  if (skip + limit > skippedMax)
    throw invalid('page', `Numbered pages end at row ${skippedMax}; use the cursor`);
  if (skip > 0 && query.cursor) throw invalid('page', 'Give page or cursor, not both');
  const found = await attempts(ctx.db)
    .find(workspaceId, logFilter(ctx, subscriptionId, query), {
      sort: { timestamp: -1, _id: -1 },
      hint: 'log',
      skip,
      limit: limit + 1,
    })
    .toArray();
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const bodies = await bodiesSent(ctx, workspaceId, shown);
  return {
    rows: shown.map((attempt) => presentAttempt(attempt, bodies.get(attempt.eventId.toHexString()) ?? '{}')),
    nextCursor: found.length > limit && last ? encodeCursor({ value: last.timestamp, id: last._id }) : null,
  };
}

/** Every event and outcome is named, so that each is a range of the index in the order of time (see model.ts). */
export function logFilter(
  ctx: Context,
  subscriptionId: ObjectId,
  { event, outcome, cursor }: Pick<DeliveriesQuery, 'event' | 'outcome' | 'cursor'>,
) {
  const position = cursor ? decodeCursor(cursor) : undefined;
  return {
    subscriptionId,
    event: { $in: event ? [event] : allEvents() },
    outcome: { $in: outcome ? [outcome] : [...outcomes] },
    // The index's expiry may lag behind.
    timestamp: {
      $gt: new Date(ctx.clock.now().getTime() - retentionMs),
      ...(position ? { $lte: position.value } : {}),
    },
    ...(position ? { $nor: [{ timestamp: position.value, _id: { $gte: position.id } }] } : {}),
  };
}

/**
 * Sends one delivery again, now, under the same webhook-id. @param id the delivery's, or a log row's
 * @throws AppError not_found
 */
export async function retryDelivery(ctx: Context, subscription: Subscription, id: ObjectId): Promise<void> {
  const { workspaceId, _id: subscriptionId } = subscription;
  const delivery = await findDelivery(ctx, subscription, id);
  if (delivery.status === 'pending') {
    const filter = { _id: delivery._id, status: 'pending' as const };
    const update = { $set: { nextAttemptAt: firstOfAll } };
    await deliveries(ctx.db).updateOne(workspaceId, filter, update, { hint: { _id: 1 } });
  } else await requeue(ctx, workspaceId, [delivery], firstOfAll);
  await wakeEndpoints(ctx, [{ workspaceId, subscriptionId }], { urgency: 'now' });
}

async function findDelivery(
  ctx: Context,
  { workspaceId, _id: subscriptionId }: Subscription,
  id: ObjectId,
): Promise<Delivery> {
  const attempt = await attempts(ctx.db).findById(workspaceId, id);
  const delivery = await deliveries(ctx.db).findById(workspaceId, attempt?.deliveryId ?? id);
  if (!delivery?.subscriptionId.equals(subscriptionId)) throw notFound('Delivery');
  return delivery;
}

/**
 * Begins to send everything again that happened in a window of time, under the same webhook-ids. The worker queues it
 * piece by piece, behind what happens meanwhile. @throws AppError conflict while another replay is under way
 */
export async function startReplay(
  ctx: Context,
  { workspaceId, _id: subscriptionId }: Subscription,
  { since, until, events }: ReplayInput,
): Promise<void> {
  const now = ctx.clock.now();
  const replay = {
    id: new ObjectId(),
    since,
    // Without an end the replay would run after what happens meanwhile.
    until: until ?? new Date(now.getTime() + clockMarginMs),
    ...(events ? { events } : {}),
  };
  const lane = { workspaceId, subscriptionId };
  // A lane exists from its first delivery on.
  await wakeEndpoints(ctx, [lane]);
  const isBegun = await lanes(ctx.db).updateOne(
    workspaceId,
    { _id: subscriptionId, replay: { $exists: false } },
    { $set: { replay, dueAt: now }, $unset: { pausedUntil: '' } },
    { hint: { _id: 1 } },
  );
  if (!isBegun) throw new AppError('conflict', { message: 'A replay of this webhook is under way' });
  await wakeEndpoints(ctx, [lane]);
}
