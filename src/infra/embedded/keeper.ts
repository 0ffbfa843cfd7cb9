/**
 * Keeps a child process alive: when it dies by itself it is started again, at once the first time and then more and
 * more slowly, so that a fault that repeats neither floods the log nor burns a processor. Only the first start can
 * fail for the caller.
 */
import type { Log, Running } from './types.ts';

const backoffMinMs = 200;
const backoffMaxMs = 5_000;
/** A child that lived this long is taken to be well; its next death starts the backoff anew. */
const healthyAfterMs = 30_000;

export interface Kept {
  pid(): number | undefined;
  stop(): Promise<void>;
}

/** Starts the child through `launch`, then keeps it running until `stop`. Rejects when the first start fails. */
export async function keepRunning(name: string, launch: () => Promise<Running>, log: Log): Promise<Kept> {
  const stopping = new AbortController();
  let running: Running | undefined = await launch();

  async function keep() {
    let delayMs = 0;
    while (running && !stopping.signal.aborted) {
      const startedAt = Date.now();
      const reason = await running.exited;
      running = undefined;
      if (Date.now() - startedAt > healthyAfterMs) delayMs = 0;
      if (!stopping.signal.aborted) log.warn(`${name} ended by itself (${reason}); starting it again`);
      while (!running && !stopping.signal.aborted) {
        await pause(delayMs, stopping.signal);
        delayMs = Math.min(Math.max(delayMs * 2, backoffMinMs), backoffMaxMs);
        if (!stopping.signal.aborted) running = await relaunch();
      }
    }
    // The stop may have come while a start was under way.
    await running?.stop();
  }

  async function relaunch() {
    try {
      return await launch();
    } catch (err) {
      log.error(`${name} does not start: ${err instanceof Error ? err.message : String(err)}`);
      return undefined;
    }
  }

  const kept = keep();
  return {
    pid: () => running?.pid,
    stop: async () => {
      stopping.abort();
      await running?.stop();
      await kept;
    },
  };
}

/** Waits that long, or until the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
