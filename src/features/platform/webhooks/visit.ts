import { LRUCache } from 'lru-cache';
import type { Context } from '../../../context.ts';
import { priceOfBytes } from '../../../lib/fair-share.ts';
import type { Claimed, Visit } from '../../../work/work.ts';
import { createHealth, isSuccess } from './health.ts';
import { webhookMeasures } from './measures.ts';
import { type Lane, type Subscription, subscriptions } from './model.ts';
import { webhookIdOf } from './present.ts';
import { type Made, recordAttempts } from './record.ts';
import { requeueNext } from './replay.ts';
import { earlierSecrets } from './secrets.ts';
import { type SendResult, senderOf } from './send.ts';
import { nextAttemptAt, type Sendable, sendables } from './sendable.ts';
import { disableHopeless } from './service.ts';
import { signatureHeader, signingKeyOf } from './sign.ts';

/** How long a visit goes on with a subscription as it was. */
const checkEveryMs = 500;
/** An attempt that is answered, as those of one endpoint are by the thousand, and one that hangs or fails. */
const [answeredPriceMs, unansweredPriceMs] = [0.4, 40];
/** How long an endpoint is believed to answer after it did. */
const answeringMs = 60 * 60 * 1_000;
const answeringMax = 10_000;
const userAgent = 'Qvoo-Webhooks/1.0';

/** Sends an endpoint what it is owed, until it turns out to be in trouble or to have been changed. */
export async function visitEndpoint(
  ctx: Context,
  lane: Claimed<Lane>,
): Promise<Visit<Lane, Sendable, Made> | undefined> {
  const { workspaceId } = lane;
  const subscription = await subscriptions(ctx.db).findById(workspaceId, lane._id);
  if (!subscription?.isActive) return undefined;
  const health = createHealth(lane, ctx.config.webhooks);
  const post = poster(ctx, subscription);
  const isOutdated = changeOf(ctx, subscription);
  const answering = answeringOf(ctx);
  const key = lane._id.toHexString();
  let isChanged = false;

  return {
    due: () => sendables(ctx, lane),
    async process(delivery) {
      const at = ctx.clock.now();
      // Neither retries nor replays.
      if (delivery.nextAttemptAt?.getTime() === delivery.createdAt.getTime()) {
        ctx.metrics
          .of(webhookMeasures)
          .eventLag.observe((at.getTime() - delivery.createdAt.getTime()) / 1_000);
      }
      const startedAt = performance.now();
      const result = await post(delivery, at);
      const durationMs = Math.round(performance.now() - startedAt);
      health.record(result, ctx.clock.now());
      if (isSuccess(result)) answering.set(key, true);
      else answering.delete(key);
      ctx.metrics.of(webhookMeasures).deliveries.inc({ outcome: isSuccess(result) ? 'success' : 'failure' });
      return { delivery, at, durationMs, result };
    },
    async record(batch) {
      await recordAttempts(ctx, workspaceId, batch);
      isChanged = await isOutdated();
    },
    priceMs({ body = '' }, made) {
      const isAnswered = made ? isSuccess(made.result) : answering.has(key);
      return (isAnswered ? answeredPriceMs : unansweredPriceMs) + priceOfBytes(body.length);
    },
    limit: health.limit,
    isOver: () => isChanged || health.isResting(),
    // What happens now goes before what is replayed, so a replay moves on only when nothing else is due.
    refill: () => requeueNext(ctx, lane),
    // A replay that another process has begun meanwhile wakes the lane.
    nextDueAt: () => (lane.replay ? Promise.resolve(ctx.clock.now()) : nextAttemptAt(ctx, lane)),
    async end() {
      const reason = health.hopelessBecause();
      if (reason === undefined) return health.rest();
      await disableHopeless(ctx, subscription, reason);
      return { isAsleep: true };
    },
  };
}

const known = new WeakMap<Context, LRUCache<string, true>>();

/** The endpoints that answered this process lately: an attempt at another one is expected to hang, and costs as much. */
function answeringOf(ctx: Context): LRUCache<string, true> {
  const answering = known.get(ctx) ?? new LRUCache({ max: answeringMax, ttl: answeringMs });
  known.set(ctx, answering);
  return answering;
}

/** Tells from time to time whether the subscription has been changed. */
function changeOf(ctx: Context, { workspaceId, _id, version }: Subscription): () => Promise<boolean> {
  let checkedAt = Date.now();
  return async () => {
    if (Date.now() - checkedAt < checkEveryMs) return false;
    checkedAt = Date.now();
    const projection = { workspaceId: 1, version: 1 };
    const current = await subscriptions(ctx.db).findById(workspaceId, _id, { projection });
    return current?.version !== version;
  };
}

/** Makes one attempt at a delivery. */
function poster(ctx: Context, subscription: Subscription) {
  const sender = senderOf(ctx);
  const keys = signingKeys(ctx, subscription);
  return async (delivery: Sendable, at: Date): Promise<SendResult> => {
    const { body } = delivery;
    if (body === undefined) return { error: 'What was to be sent is no longer stored' };
    return sender.post(subscription.url, headersOf(delivery, body, keys, at), body);
  };
}

function signingKeys(ctx: Context, subscription: Subscription): Buffer[] {
  const sealed = [subscription.secret, ...earlierSecrets(ctx, subscription).map(({ secret }) => secret)];
  return sealed.map((text) => signingKeyOf(ctx.secretBox.open(text)));
}

function headersOf(
  delivery: Sendable,
  body: string,
  keys: readonly Buffer[],
  at: Date,
): Record<string, string> {
  const id = webhookIdOf(delivery);
  const timestamp = Math.floor(at.getTime() / 1_000);
  return {
    'content-type': 'application/json',
    'user-agent': userAgent,
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatureHeader(keys, { id, timestamp, body }),
    'x-qvoo-event': delivery.event,
  };
}
