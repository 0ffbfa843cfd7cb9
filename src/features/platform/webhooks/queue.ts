import { createHash } from 'node:crypto';
import type { Context } from '../../../context.ts';
import { duplicateKeyFields } from '../../../infra/mongo-errors.ts';
import { priceOfBytes } from '../../../lib/fair-share.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { storeBodies } from './bodies.ts';
import { type Endpoint, type WakeOptions, wakeEndpoints } from './lanes.ts';
import { type Delivery, deliveries, retentionMs, type WebhookEvent } from './model.ts';

/** An event on its way to one subscription. */
export interface Outgoing extends Endpoint {
  eventId: ObjectId;
  event: WebhookEvent;
  /** When the change happened. */
  at: Date;
  /** The record as JSON. */
  body: string;
  /** A person waits for it: goes before all that is due. */
  isFirst?: boolean;
}

/** Sorts before every other time. */
export const firstOfAll = new Date(0);

/**
 * Stores deliveries and wakes their lanes. Safe to repeat: what is stored already is left as it is. A process that dies
 * after storing has not returned, so the caller's own debt (an event's mark, a request without an answer) leads to a
 * repetition, which wakes the lanes.
 */
export async function queueDeliveries(
  ctx: Context,
  outgoing: readonly Outgoing[],
  options: WakeOptions = {},
): Promise<void> {
  const groups = new Map<string, Outgoing[]>();
  for (const one of outgoing) {
    const id = one.workspaceId.toHexString();
    const group = groups.get(id);
    if (group) group.push(one);
    else groups.set(id, [one]);
  }
  await Promise.all([...groups.values()].map((group) => store(ctx, group)));
  const endpoints = new Map(outgoing.map((one) => [one.subscriptionId.toHexString(), one]));
  await wakeEndpoints(ctx, [...endpoints.values()], options);
}

/** To store a delivery and to wake its lane. */
const deliveryPriceMs = 0.3;

async function store(ctx: Context, group: Outgoing[]): Promise<void> {
  const [first] = group;
  if (!first) return;
  const { workspaceId } = first;
  const shared = sharedEvents(group);
  const bodyBytes = [...shared.values()].reduce((sum, { body }) => sum + body.length, 0);
  ctx.share.charge(workspaceId.toHexString(), group.length * deliveryPriceMs + priceOfBytes(bodyBytes));
  // Before the deliveries, which are worth nothing without.
  await storeBodies(
    ctx,
    workspaceId,
    [...shared.values()].map(({ eventId, body, at }) => ({ _id: eventId, workspaceId, body, at })),
  );
  const rejected = await deliveries(ctx.db).insertMany(
    workspaceId,
    group.map((one) => newDelivery(one, shared.has(one.eventId.toHexString()))),
  );
  for (const error of rejected.values()) if (!duplicateKeyFields(error)) throw error;
}

/** The events that go to several subscriptions; the others stand in their only delivery, which saves a row. */
function sharedEvents(group: Outgoing[]): Map<string, Outgoing> {
  const seen = new Set<string>();
  const shared = new Map<string, Outgoing>();
  for (const one of group) {
    const id = one.eventId.toHexString();
    if (seen.has(id)) shared.set(id, one);
    seen.add(id);
  }
  return shared;
}

function newDelivery(outgoing: Outgoing, isShared: boolean): Delivery {
  const { workspaceId, subscriptionId, eventId, event, at, body, isFirst = false } = outgoing;
  return {
    _id: deliveryId(eventId, subscriptionId),
    workspaceId,
    subscriptionId,
    eventId,
    event,
    ...(isShared ? { size: body.length } : { body }),
    status: 'pending',
    attempts: 0,
    nextAttemptAt: isFirst ? firstOfAll : at,
    createdAt: at,
    expiresAt: new Date(at.getTime() + retentionMs),
  };
}

/** An ObjectId made of the event's time, so that ids rise with time as others do, and a hash of both ids. */
function deliveryId(eventId: ObjectId, subscriptionId: ObjectId): ObjectId {
  const hash = createHash('sha256').update(eventId.id).update(subscriptionId.id).digest();
  return new ObjectId(Buffer.concat([eventId.id.subarray(0, 4), hash.subarray(0, 8)]));
}
