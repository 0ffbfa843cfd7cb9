import { Worker } from 'bullmq';
import type { Context } from './context.ts';
import { bullPrefix } from './infra/queues.ts';
import { connectionOptions, patienceOptions } from './infra/redis.ts';
import { startSweeper } from './infra/sweeper.ts';
import { withinTime } from './lib/time-limit.ts';

const sweepEveryMs = 1_000;
/** Longer than what a lane has begun takes to end, shorter than the patience of whoever stops the process. */
const closeMs = 11_000;
/** A worker that died keeps its jobs' locks for this long at most; the others look that often for jobs without one. */
const lockDurationMs = 10_000;
const stalledIntervalMs = 5_000;
const redisRetryMs = 1_000;

export interface RunningWorker {
  /** Finishes the jobs in hand, takes no more. */
  close(): Promise<void>;
}

/** Starts looking after queues and sweeping for lost work. Redis and MongoDB may come and go. */
export function startWorker(ctx: Context, redisUrl: string, options = { sweepEveryMs }): RunningWorker {
  const stopping = new AbortController();
  const jobs = ctx.features.flatMap((feature) => feature.jobs ?? []);
  const workers = jobs.map((job) => {
    const process = (task: { data: Record<string, string> }) => job.process(ctx, task.data, stopping.signal);
    const worker = new Worker(job.queue, process, {
      connection: { ...connectionOptions(redisUrl), ...patienceOptions.patient },
      prefix: bullPrefix(ctx.redisPrefix),
      concurrency: job.concurrency,
      // Both as soon as Redis is back, whose absence BullMQ would answer with growing pauses.
      runRetryDelay: redisRetryMs,
      lockDuration: lockDurationMs,
      stalledInterval: stalledIntervalMs,
      // A stalled lane is a worker that died; the sweep and the queue may bring it back as often as that happens.
      maxStalledCount: 1_000,
    });
    worker.on('error', (error) => ctx.log.debug({ err: error, queue: job.queue }, 'worker connection'));
    worker.on('failed', (_task, error) =>
      ctx.log.warn({ err: error, queue: job.queue }, 'job failed; the sweep will repeat it'),
    );
    return worker;
  });

  const sweeper = startSweeper(
    ctx,
    [
      (signal) => ctx.relay.sweep(signal),
      ...ctx.features.flatMap(({ sweeps = [] }) =>
        sweeps.map((one) => (signal: AbortSignal) => one(ctx, signal)),
      ),
      ...jobs.map((job) => () => job.sweep(ctx)),
    ],
    { everyMs: options.sweepEveryMs },
  );

  return {
    async close() {
      stopping.abort();
      await sweeper.stop();
      try {
        await withinTime(Promise.all(workers.map((worker) => worker.close())), closeMs);
      } catch {
        // Redis has been away since before the worker could connect, and BullMQ waits for it. Jobs are nudges: there is
        // nothing to tell it that a sweep would not find.
        ctx.log.warn('stopped without telling redis, which is away');
      }
    },
  };
}
