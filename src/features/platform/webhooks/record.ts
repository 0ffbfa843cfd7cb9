import type { Context } from '../../../context.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { keepBodies } from './bodies.ts';
import { isGone, isSuccess, requestedPauseMs } from './health.ts';
import { type Attempt, attempts, deliveries, retentionMs } from './model.ts';
import type { SendResult } from './send.ts';
import type { Sendable } from './sendable.ts';

/** An attempt that was made. */
export interface Made {
  delivery: Sendable;
  at: Date;
  durationMs: number;
  result: SendResult;
}

/** Retries of many deliveries that failed together spread over this share of their delay, both ways. */
const jitter = 0.1;

/**
 * Records attempts: first the rows of the log, then what becomes of the deliveries. A process that dies before or in
 * between leaves deliveries pending, and they are sent again.
 */
export async function recordAttempts(ctx: Context, workspaceId: ObjectId, batch: Made[]): Promise<void> {
  const rejected = await attempts(ctx.db).insertMany(
    workspaceId,
    batch.map((made) => attemptOf(made)),
  );
  for (const error of rejected.values()) throw error;

  const expiresAt = new Date(ctx.clock.now().getTime() + retentionMs);
  const leaving = batch.filter(
    ({ delivery }) => delivery.bodyExpiresAt && delivery.bodyExpiresAt < expiresAt,
  );
  await keepBodies(
    ctx,
    workspaceId,
    leaving.map(({ delivery }) => delivery.eventId),
    expiresAt,
  );
  const delivered = batch.filter(({ result }) => isSuccess(result)).map(({ delivery }) => delivery._id);
  const operations = batch
    .filter(({ result }) => !isSuccess(result))
    .map((made) => ({
      updateOne: {
        // Only what is still pending: another run of the lane, or a person, may have been quicker.
        filter: { _id: made.delivery._id, workspaceId, status: 'pending' as const },
        update: failureUpdate(ctx, made, expiresAt),
        hint: { _id: 1 },
      },
    }));
  if (delivered.length > 0) {
    await deliveries(ctx.db).updateMany(
      workspaceId,
      { _id: { $in: delivered } },
      { $set: { status: 'delivered', expiresAt }, $inc: { attempts: 1 }, $unset: { nextAttemptAt: '' } },
      { hint: { _id: 1 } },
    );
  }
  if (operations.length > 0) await deliveries(ctx.db).acrossTenants.bulkWrite(operations, { ordered: false });
}

function attemptOf({ delivery, at, durationMs, result }: Made): Attempt {
  const { workspaceId, subscriptionId, eventId, event } = delivery;
  const { statusCode, responseBody, error } = result;
  return {
    _id: new ObjectId(),
    workspaceId,
    subscriptionId,
    deliveryId: delivery._id,
    eventId,
    event,
    outcome: isSuccess(result) ? 'success' : 'failure',
    statusCode,
    responseBody,
    error,
    durationMs,
    timestamp: at,
  };
}

/** The next attempt, or the end when the schedule is used up or the endpoint is gone. */
function failureUpdate(ctx: Context, { delivery, result }: Made, expiresAt: Date) {
  const delayMs = isGone(result) ? undefined : ctx.config.webhooks.retryDelaysMs[delivery.attempts];
  const $inc = { attempts: 1 };
  if (delayMs === undefined) {
    return { $set: { status: 'failed' as const, expiresAt }, $inc, $unset: { nextAttemptAt: '' as const } };
  }
  const spreadMs = delayMs * (1 + jitter * (2 * Math.random() - 1));
  const waitMs = Math.max(spreadMs, requestedPauseMs(result));
  return { $set: { nextAttemptAt: new Date(ctx.clock.now().getTime() + waitMs), expiresAt }, $inc };
}
