import { withinTime } from '../lib/time-limit.ts';
import { createLease } from './lease.ts';
import type { Logger } from './logger.ts';
import type { Database } from './mongo.ts';

/**
 * Looks for work that was left behind, and does some of it.
 * @param signal aborted when the time of a round is over or the process stops: what is begun is finished, the rest is
 * left to the next round
 */
export type Sweep = (signal: AbortSignal) => Promise<unknown>;

export interface Sweeper {
  /** Ends soon, whatever a sweep is waiting for. */
  stop(): Promise<void>;
}

/** One process sweeps for the whole fleet. When it dies another takes over within this time. */
const leaseMs = 5_000;
/** A round ends before its lease does. */
const roundMs = 3_000;
/** What a sweep has begun when the process stops gets this long. */
const stopMs = 2_000;

/** Runs the sweeps side by side, again and again, wherever in the fleet they don't run already. */
export function startSweeper(
  { db, log }: { db: Database; log: Logger },
  sweeps: Sweep[],
  { everyMs }: { everyMs: number },
): Sweeper {
  const lease = createLease(db, 'sweeper', leaseMs);
  let round: AbortController | undefined;
  let running: Promise<void> | undefined;

  const runRound = async (ending: AbortController) => {
    if (!(await lease.hold())) return;
    const timer = setTimeout(() => ending.abort(), roundMs);
    const outcomes = await Promise.allSettled(sweeps.map((sweep) => sweep(ending.signal)));
    clearTimeout(timer);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        log.debug({ err: outcome.reason }, 'sweep failed; the next one follows');
    }
  };
  const timer = setInterval(() => {
    if (running) return;
    round = new AbortController();
    running = runRound(round)
      .catch((error: unknown) => log.debug({ err: error }, 'no sweep; the next one follows'))
      .finally(() => {
        running = undefined;
      });
  }, everyMs);

  return {
    async stop() {
      clearInterval(timer);
      round?.abort();
      const end = async () => {
        await running;
        await lease.release();
      };
      try {
        await withinTime(end(), stopMs);
      } catch (error) {
        log.debug({ err: error }, 'stopped in the middle of a sweep; another process goes on');
      }
    },
  };
}
