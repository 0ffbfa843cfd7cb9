import type { Context } from './context.ts';
import { startSweeper } from './infra/sweeper.ts';
import { withinTime } from './lib/time-limit.ts';
import { createMarkSweep } from './records/marks.ts';
import { startRunner } from './work/runner.ts';
import { createLaneSweep } from './work/sweep.ts';

const sweepEveryMs = 1_000;
/** Longer than what a lane has begun takes to end, shorter than the patience of whoever stops the process. */
const closeMs = 11_000;

export interface RunningWorker {
  /** Finishes what is in hand, begins nothing more. */
  close(): Promise<void>;
}

/** Does the features' durable work, and sweeps for what was lost. Redis and MongoDB may come and go. */
export function startWorker(ctx: Context, redisUrl: string, options = { sweepEveryMs }): RunningWorker {
  const stopping = new AbortController();
  const works = ctx.features.flatMap((feature) => feature.work ?? []);
  const runners = works.map((work) => startRunner(ctx, work, redisUrl, stopping.signal));
  const sweeps = [
    (_ctx: Context, signal: AbortSignal) => ctx.relay.sweep(signal),
    createMarkSweep(),
    ...ctx.features.flatMap((feature) => feature.sweeps ?? []),
    ...works.map(createLaneSweep),
  ];
  const sweeper = startSweeper(
    ctx,
    sweeps.map((sweep) => (signal) => sweep(ctx, signal)),
    { everyMs: options.sweepEveryMs },
  );

  return {
    async close() {
      stopping.abort();
      await sweeper.stop();
      try {
        await withinTime(Promise.all(runners.map((runner) => runner.close())), closeMs);
      } catch {
        // Redis has been away since before the worker could connect, and BullMQ waits for it. Jobs are nudges: there is
        // nothing to tell it that a sweep would not find.
        ctx.log.warn('stopped without telling redis, which is away');
      }
    },
  };
}
