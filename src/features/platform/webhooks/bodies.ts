import { LRUCache } from 'lru-cache';
import type { Context } from '../../../context.ts';
import { duplicateKeyFields } from '../../../infra/mongo-errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { type Attempt, deliveries, type EventBody, eventBodies, retentionMs } from './model.ts';

/**
 * What an event says, stored once however many subscriptions it goes to: in its delivery where there is but one, else
 * on its own, and deliveries refer to it. It outlives them all:
 * at first by more than the schedule of retries, and whatever keeps a delivery beyond that keeps the body too.
 */

/** Longer than the schedule of retries; what is tried later than that extends the body's life itself. */
const scheduleMs = 3 * 24 * 60 * 60 * 1_000;
/** Bodies that a process keeps at hand, since several endpoints are sent the same at about the same time. */
const cachedBytesMax = 16 * 1_024 * 1_024;

export type NewBody = Pick<EventBody, '_id' | 'workspaceId' | 'body'> & { at: Date };

/** Stores the bodies of one workspace's events; what is stored already is left as it is. */
export async function storeBodies(ctx: Context, workspaceId: ObjectId, events: NewBody[]): Promise<void> {
  const rows = events.map(({ at, ...event }) => ({
    ...event,
    expiresAt: new Date(at.getTime() + retentionMs + scheduleMs),
  }));
  const rejected = await eventBodies(ctx.db).insertMany(workspaceId, rows);
  for (const error of rejected.values()) if (!duplicateKeyFields(error)) throw error;
}

export type BodyRow = Pick<EventBody, 'body' | 'expiresAt'>;

const caches = new WeakMap<Context, LRUCache<string, BodyRow>>();

function cacheOf(ctx: Context): LRUCache<string, BodyRow> {
  const cache =
    caches.get(ctx) ??
    new LRUCache<string, BodyRow>({
      maxSize: cachedBytesMax,
      sizeCalculation: ({ body }) => body.length + 1,
    });
  caches.set(ctx, cache);
  return cache;
}

/** The bodies of one workspace's events, by event. Those that are sent to one subscription stand in their delivery. */
export async function readBodies(
  ctx: Context,
  workspaceId: ObjectId,
  eventIds: ObjectId[],
): Promise<Map<string, BodyRow>> {
  const cache = cacheOf(ctx);
  const found = new Map<string, BodyRow>();
  const missing = new Map<string, ObjectId>();
  for (const id of eventIds) {
    const cached = cache.get(keyOf(workspaceId, id));
    if (cached) found.set(id.toHexString(), cached);
    else missing.set(id.toHexString(), id);
  }
  if (missing.size === 0) return found;
  const rows = await eventBodies(ctx.db).findPage(
    workspaceId,
    { _id: { $in: [...missing.values()] } },
    { hint: '_id_', limit: missing.size },
  );
  for (const { _id, body, expiresAt } of rows) {
    found.set(_id.toHexString(), { body, expiresAt });
    cache.set(keyOf(workspaceId, _id), { body, expiresAt });
  }
  return found;
}

const keyOf = (workspaceId: ObjectId, eventId: ObjectId): string =>
  `${workspaceId.toHexString()}:${eventId.toHexString()}`;

/** Sees to it that the bodies are there for as long as deliveries that are kept until `expiresAt`. */
export async function keepBodies(
  ctx: Context,
  workspaceId: ObjectId,
  eventIds: ObjectId[],
  expiresAt: Date,
): Promise<void> {
  if (eventIds.length === 0) return;
  const longer = { $max: { expiresAt: new Date(expiresAt.getTime() + scheduleMs) } };
  await eventBodies(ctx.db).updateMany(workspaceId, { _id: { $in: eventIds } }, longer, {
    hint: { _id: 1 },
  });
  const cache = cacheOf(ctx);
  for (const id of eventIds) cache.delete(keyOf(workspaceId, id));
}

/** What attempts have sent, by event. */
export async function bodiesSent(
  ctx: Context,
  workspaceId: ObjectId,
  rows: Pick<Attempt, 'eventId' | 'deliveryId'>[],
): Promise<Map<string, string>> {
  const found = await readBodies(
    ctx,
    workspaceId,
    rows.map(({ eventId }) => eventId),
  );
  const sent = new Map([...found].map(([id, { body }]) => [id, body]));
  const ids = rows
    .filter(({ eventId }) => !sent.has(eventId.toHexString()))
    .map(({ deliveryId }) => deliveryId);
  if (ids.length === 0) return sent;
  const own = await deliveries(ctx.db)
    .find(workspaceId, { _id: { $in: ids } }, { hint: { _id: 1 }, projection: { eventId: 1, body: 1 } })
    .toArray();
  for (const { eventId, body } of own) if (body !== undefined) sent.set(eventId.toHexString(), body);
  return sent;
}
