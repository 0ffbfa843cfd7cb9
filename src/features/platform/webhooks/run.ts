import type { Context } from '../../../context.ts';
import { createCrew } from '../../../lib/concurrency.ts';
import { createHealth, type Health, isSuccess } from './health.ts';
import { createJournal, type Journal } from './journal.ts';
import {
  type ClaimedLane,
  claimLane,
  type Endpoint,
  holdLease,
  releaseLane,
  retireLane,
  sliceMs,
  soon,
} from './lanes.ts';
import { webhookMeasures } from './measures.ts';
import { type Delivery, deliveries, type Subscription, subscriptions } from './model.ts';
import { webhookIdOf } from './present.ts';
import { requeueNext } from './replay.ts';
import { type Sender, senderOf } from './send.ts';
import { disableHopeless } from './service.ts';
import { signatureHeader, signingKeyOf } from './sign.ts';

/** Read in one go; the rest is read when these are done. */
const readMax = 2_000;
const readBatchSize = 100;
const faultPauseMs = 2_000;
/** How often a lane whose endpoint is slow looks for what else is due. */
const waitMsMin = 125;
const waitMsMax = 1_000;
const userAgent = 'Qvoo-Webhooks/1.0';

/**
 * Sends an endpoint what it is owed, oldest first, until nothing is due, its time slice is over, or it turns out to be
 * in trouble. @param signal aborted when the process stops: no further request is begun
 */
export async function runLane(ctx: Context, endpoint: Endpoint, signal: AbortSignal): Promise<void> {
  const lane = await claimLane(ctx, endpoint);
  if (!lane) return;
  const subscription = await subscriptions(ctx.db).findById(endpoint.workspaceId, endpoint.subscriptionId);
  if (!subscription?.isActive) return retireLane(ctx, lane);
  const health = createHealth(lane, ctx.config.webhooks);
  const lease = holdLease(ctx, lane);
  const isOver = () => signal.aborted || lease.isLost();
  try {
    await deliverDue(ctx, lane, subscription, health, isOver);
  } catch (error) {
    // The next run need not wait for the lease to end, but a fault of our own must not be repeated at full speed.
    const pausedUntil = new Date(ctx.clock.now().getTime() + faultPauseMs);
    await releaseLane(ctx, lane, { ...health.state(), pausedUntil }).catch(() => undefined);
    throw error;
  } finally {
    lease.stop();
  }
  const reason = health.hopelessBecause();
  if (!reason) return releaseLane(ctx, lane, health.state());
  await disableHopeless(ctx, subscription, reason);
  await retireLane(ctx, lane);
}

async function deliverDue(
  ctx: Context,
  lane: ClaimedLane,
  subscription: Subscription,
  health: Health,
  isOver: () => boolean,
): Promise<void> {
  const journal = createJournal(ctx, subscription);
  const deliver = courier(ctx, subscription, health, journal);
  const crew = createCrew(health.limit);
  /** Begun and maybe not recorded: the database may still show them as due. */
  const inHand = new Set<string>();
  const endsAt = Date.now() + sliceMs;
  const shouldStop = () => isOver() || Date.now() >= endsAt || health.isResting() || journal.isOutdated();

  const settleRecorded = () => {
    for (const { _id } of journal.takeRecorded()) inHand.delete(_id.toHexString());
  };
  const beginDue = async () => {
    let begun = 0;
    for await (const delivery of dueDeliveries(ctx, lane)) {
      const id = delivery._id.toHexString();
      if (inHand.has(id)) continue;
      await crew.room();
      if (shouldStop()) break;
      inHand.add(id);
      crew.start(deliver(delivery));
      begun += 1;
    }
    return begun;
  };

  let waitMs = waitMsMin;
  try {
    while (!shouldStop()) {
      // Only between two readings: one that is under way may still show as due what was recorded since.
      settleRecorded();
      const begun = await beginDue();
      waitMs = begun > 0 ? waitMsMin : Math.min(waitMs * 2, waitMsMax);
      // Something new may come to be due while an answer is slow to come.
      if (crew.size > 0) await crew.change(waitMs);
      if (crew.size > 0) continue;
      await journal.flush();
      // What happens now goes before what is replayed, so a replay moves on only when nothing else is due.
      if (begun === 0 && !(await requeueNext(ctx, lane))) break;
    }
  } finally {
    await crew.done();
  }
  await journal.flush();
}

const dueDeliveries = (ctx: Context, lane: ClaimedLane) =>
  deliveries(ctx.db).find(
    lane.workspaceId,
    { subscriptionId: lane._id, status: 'pending', nextAttemptAt: { $lte: soon(ctx) } },
    { sort: { nextAttemptAt: 1 }, hint: 'due', limit: readMax, batchSize: readBatchSize },
  );

/** Makes one attempt at a delivery and passes on how it went. */
function courier(ctx: Context, subscription: Subscription, health: Health, journal: Journal) {
  const sender: Sender = senderOf(ctx);
  const keys = signingKeys(ctx, subscription);
  return async (delivery: Delivery): Promise<void> => {
    const at = ctx.clock.now();
    // Neither retries nor replays.
    if (delivery.nextAttemptAt?.getTime() === delivery.createdAt.getTime()) {
      ctx.metrics.of(webhookMeasures).eventLag.observe((at.getTime() - delivery.createdAt.getTime()) / 1_000);
    }
    const startedAt = performance.now();
    const result = await sender.post(subscription.url, headersOf(delivery, keys, at), delivery.body);
    const durationMs = Math.round(performance.now() - startedAt);
    health.record(result, ctx.clock.now());
    ctx.metrics.of(webhookMeasures).deliveries.inc({ outcome: isSuccess(result) ? 'success' : 'failure' });
    await journal.add({ delivery, at, durationMs, result });
  };
}

function signingKeys(ctx: Context, { secret, previousSecret }: Subscription): Buffer[] {
  const isPreviousValid = previousSecret && previousSecret.expiresAt > ctx.clock.now();
  const sealed = [secret, ...(isPreviousValid ? [previousSecret.secret] : [])];
  return sealed.map((text) => signingKeyOf(ctx.secretBox.open(text)));
}

function headersOf(delivery: Delivery, keys: readonly Buffer[], at: Date): Record<string, string> {
  const id = webhookIdOf(delivery);
  const timestamp = Math.floor(at.getTime() / 1_000);
  return {
    'content-type': 'application/json',
    'user-agent': userAgent,
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatureHeader(keys, { id, timestamp, body: delivery.body }),
    'x-qvoo-event': delivery.event,
  };
}
