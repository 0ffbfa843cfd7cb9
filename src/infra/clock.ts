import type { Logger } from './logger.ts';

/**
 * The time that records carry: this process's clock corrected by its measured distance from the database server's, so
 * that several processes whose clocks disagree still write one order.
 */
export interface Clock {
  now(): Date;
  stop(): void;
}

const measureEveryMs = 30_000;
/** A measurement is off by half its round trip at most; what took longer, because the server was busy, tells nothing. */
const roundTripMsMax = 500;
const firstAttempts = 3;

/** Starts measuring; the first measurement is done when this returns. */
export async function startClock(serverTime: () => Promise<Date>, log: Logger): Promise<Clock> {
  let offsetMs = 0;
  /** @returns whether the measurement is good for something */
  const measure = async () => {
    try {
      const sentAt = Date.now();
      const server = await serverTime();
      const receivedAt = Date.now();
      if (receivedAt - sentAt > roundTripMsMax) return false;
      offsetMs = Math.round(server.getTime() - (sentAt + receivedAt) / 2);
      return true;
    } catch (error) {
      log.debug({ err: error }, 'the clock could not be measured against the database server');
      return false;
    }
  };
  for (let attempt = 1; !(await measure()) && attempt < firstAttempts; attempt++);
  const timer = setInterval(() => void measure(), measureEveryMs);
  timer.unref();
  return { now: () => new Date(Date.now() + offsetMs), stop: () => clearInterval(timer) };
}
