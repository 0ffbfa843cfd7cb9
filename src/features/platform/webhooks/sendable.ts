import type { Context } from '../../../context.ts';
import { soon } from '../../../work/lanes.ts';
import { readBodies } from './bodies.ts';
import { type Delivery, deliveries, type Lane } from './model.ts';

/** A delivery with what there is to send. */
export interface Sendable extends Delivery {
  /** Absent where it should never be: the event is gone before the delivery. */
  body?: string;
  /** Until when the event is kept. */
  bodyExpiresAt?: Date;
}

/** Read in one go; the rest is read when these are done. */
const readMax = 2_000;
/** Bodies are fetched for so many deliveries together, and for fewer when they are large. */
const chunkRows = 100;
const chunkBytes = 512 * 1_024;

/** What an endpoint has to be sent now, oldest first. The bodies of the next ones are read while these are sent. */
export async function* sendables(ctx: Context, lane: Lane): AsyncGenerator<Sendable> {
  const due = deliveries(ctx.db).find(
    lane.workspaceId,
    { subscriptionId: lane._id, status: 'pending', nextAttemptAt: { $lte: soon(ctx) } },
    { sort: { nextAttemptAt: 1 }, hint: 'due', limit: readMax, batchSize: chunkRows },
  );
  let ready: Promise<Sendable[]> | undefined;
  for await (const chunk of chunksOf(due)) {
    const next = withBodies(ctx, lane, chunk);
    // Whoever stops before it is needed does not wait for it.
    next.catch(() => undefined);
    if (ready) yield* await ready;
    ready = next;
  }
  if (ready) yield* await ready;
}

async function* chunksOf(due: AsyncIterable<Delivery>): AsyncGenerator<Delivery[]> {
  let chunk: Delivery[] = [];
  let bytes = 0;
  for await (const delivery of due) {
    chunk.push(delivery);
    bytes += delivery.size ?? 0;
    if (chunk.length < chunkRows && bytes < chunkBytes) continue;
    yield chunk;
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield chunk;
}

async function withBodies(ctx: Context, { workspaceId }: Lane, chunk: Delivery[]): Promise<Sendable[]> {
  const referring = chunk.filter(({ body }) => body === undefined);
  const bodies = await readBodies(
    ctx,
    workspaceId,
    referring.map(({ eventId }) => eventId),
  );
  return chunk.map((delivery) => {
    const found = bodies.get(delivery.eventId.toHexString());
    return found ? { ...delivery, body: found.body, bodyExpiresAt: found.expiresAt } : delivery;
  });
}

/** When the endpoint has to be sent something next. */
export async function nextAttemptAt(ctx: Context, lane: Lane): Promise<Date | undefined> {
  const next = await deliveries(ctx.db).findOne(
    lane.workspaceId,
    { subscriptionId: lane._id, status: 'pending' },
    { sort: { nextAttemptAt: 1 }, hint: 'due', projection: { nextAttemptAt: 1 } },
  );
  return next?.nextAttemptAt;
}
