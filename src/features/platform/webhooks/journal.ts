import type { Context } from '../../../context.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { isGone, isSuccess, requestedPauseMs } from './health.ts';
import {
  type Attempt,
  attempts,
  type Delivery,
  deliveries,
  retentionMs,
  type Subscription,
  subscriptions,
} from './model.ts';
import type { SendResult } from './send.ts';

/** An attempt that was made. */
export interface Made {
  delivery: Delivery;
  at: Date;
  durationMs: number;
  result: SendResult;
}

/**
 * Records attempts in batches, while the next requests are under way: first the rows of the log, then what becomes of
 * the deliveries. A process that dies before or in between leaves deliveries pending, and they are sent again.
 */
export interface Journal {
  /** Waits while too much is unrecorded. */
  add(made: Made): Promise<void>;
  /** Waits until all is recorded. @throws when something could not be */
  flush(): Promise<void>;
  /** The deliveries whose attempts have been recorded since the last call. */
  takeRecorded(): Delivery[];
  /** Whether the subscription has changed since the run began. */
  isOutdated(): boolean;
}

const batchSize = 100;
/** How long a row may be missing from the log. */
const lingerMs = 100;
/** How long a run goes on with a subscription as it was. */
const checkEveryMs = 500;
/** Retries of many deliveries that failed together spread over this share of their delay, both ways. */
const jitter = 0.1;

export function createJournal(ctx: Context, subscription: Subscription): Journal {
  let unwritten: Made[] = [];
  let writing = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let recorded: Delivery[] = [];
  let isOutdated = false;
  let checkedAt = Date.now();

  const write = async (batch: Made[]) => {
    await recordAttempts(ctx, subscription.workspaceId, batch);
    recorded.push(...batch.map(({ delivery }) => delivery));
    if (Date.now() - checkedAt < checkEveryMs) return;
    checkedAt = Date.now();
    const current = await subscriptions(ctx.db).findById(subscription.workspaceId, subscription._id, {
      projection: { workspaceId: 1, version: 1 },
    });
    isOutdated = current?.version !== subscription.version;
  };
  const begin = () => {
    clearTimeout(timer);
    timer = undefined;
    const batch = unwritten;
    unwritten = [];
    if (batch.length > 0) writing = writing.then(() => write(batch));
    // The error is for `add` and `flush`, which wait; nobody may be waiting yet.
    writing.catch(() => undefined);
    return writing;
  };

  return {
    async add(made) {
      unwritten.push(made);
      timer ??= setTimeout(begin, lingerMs);
      if (unwritten.length < batchSize) return;
      const earlier = writing;
      begin();
      await earlier;
    },
    flush: begin,
    takeRecorded() {
      const taken = recorded;
      recorded = [];
      return taken;
    },
    isOutdated: () => isOutdated,
  };
}

async function recordAttempts(ctx: Context, workspaceId: ObjectId, batch: Made[]): Promise<void> {
  const rejected = await attempts(ctx.db).insertMany(
    workspaceId,
    batch.map((made) => attemptOf(made)),
  );
  for (const error of rejected.values()) throw error;

  const expiresAt = new Date(ctx.clock.now().getTime() + retentionMs);
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
