import { Worker } from 'bullmq';
import type { Context } from './context.ts';
import type { Job } from './infra/jobs.ts';
import { bullPrefix } from './infra/queues.ts';
import { connectionOptions } from './infra/redis.ts';

/** The list of background work. */
const jobs: Job[] = [];

const sweepEveryMs = 1_000;
/** A worker that died keeps its jobs' locks for this long at most. */
const lockDurationMs = 15_000;

export interface RunningWorker {
  /** Finishes the jobs in hand, takes no more. */
  close(): Promise<void>;
}

/** Starts looking after queues and sweeping for lost work. Redis and MongoDB may come and go. */
export function startWorker(ctx: Context, redisUrl: string, options = { sweepEveryMs }): RunningWorker {
  const workers = jobs.map((job) => {
    const worker = new Worker(job.queue, (task) => job.process(ctx, task.data as Record<string, string>), {
      connection: { ...connectionOptions(redisUrl), maxRetriesPerRequest: null },
      prefix: bullPrefix(ctx.redisPrefix),
      concurrency: job.concurrency,
      lockDuration: lockDurationMs,
      stalledInterval: lockDurationMs,
      // A stalled lane is a worker that died; the sweep and the queue may bring it back as often as that happens.
      maxStalledCount: 1_000,
    });
    worker.on('error', (error) => ctx.log.debug({ err: error, queue: job.queue }, 'worker connection'));
    worker.on('failed', (_task, error) =>
      ctx.log.warn({ err: error, queue: job.queue }, 'job failed; the sweep will repeat it'),
    );
    return worker;
  });

  const sweeps = [() => ctx.relay.sweep(), ...jobs.map((job) => () => job.sweep(ctx))];
  let sweeping: Promise<void> | undefined;
  const sweep = async () => {
    for (const one of sweeps) {
      try {
        await one();
      } catch (error) {
        ctx.log.debug({ err: error }, 'sweep failed; the next one follows');
      }
    }
    sweeping = undefined;
  };
  const timer = setInterval(() => {
    sweeping ??= sweep();
  }, options.sweepEveryMs);

  return {
    async close() {
      clearInterval(timer);
      await sweeping;
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}
