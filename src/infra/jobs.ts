import type { Context } from '../context.ts';

/** Background work of a feature: what to do for a nudge, and how to find work whose nudge was lost. */
export interface Job {
  queue: string;
  /** How many lanes one worker process looks after at the same time. */
  concurrency: number;
  /**
   * Loads the present state, does what is due, and is safe to run twice.
   * @param signal aborted when the worker stops: what is begun is finished, nothing more is begun
   */
  process(ctx: Context, data: Record<string, string>, signal: AbortSignal): Promise<void>;
  /** Nudges for whatever is due in the database; runs about every second in one of the workers. */
  sweep(ctx: Context): Promise<void>;
}
