import type { Logger } from './logger.ts';

/**
 * The time that records carry: this process's clock corrected by its measured distance from the database server's, so
 * that several processes whose clocks disagree still write one order. When the clock is set or the machine was asleep,
 * the later of two guesses holds until the next measurement, which is at once: a time too late shows a record late to
 * those who sync, a time too early would hide it from them for ever.
 */
export interface Clock {
  now(): Date;
  /** Measures now, for whoever has reason to doubt it. */
  measure(): Promise<void>;
  stop(): void;
}

const measureEveryMs = 30_000;
/** A measurement is off by half its round trip at most; what took longer, because the server was busy, tells nothing. */
const roundTripMsMax = 500;
const firstAttempts = 3;
/** The system's clock and its uptime drift apart by far less between two measurements, unless somebody sets the clock. */
const jumpMs = 500;
const measureAgainMs = 1_000;

/** Starts measuring; the first measurement is done when this returns. */
export async function startClock(serverTime: () => Promise<Date>, log: Logger): Promise<Clock> {
  /** From the system's clock and from its uptime to the server's time. */
  let clockOffsetMs = 0;
  let uptimeOffsetMs = Date.now() - performance.now();
  let measuredAt = 0;
  /** @returns whether the measurement is good for something */
  const measure = async () => {
    const sentAt = performance.now();
    measuredAt = sentAt;
    try {
      const server = (await serverTime()).getTime();
      const receivedAt = performance.now();
      if (receivedAt - sentAt > roundTripMsMax) return false;
      uptimeOffsetMs = server - (sentAt + receivedAt) / 2;
      clockOffsetMs = uptimeOffsetMs + receivedAt - Date.now();
      return true;
    } catch (error) {
      log.debug({ err: error }, 'the clock could not be measured against the database server');
      return false;
    }
  };
  let isMeasured = false;
  let isStopped = false;
  for (let attempt = 1; !isMeasured && attempt <= firstAttempts; attempt++) isMeasured = await measure();
  // Until there is a first measurement the next try is soon.
  let timer: NodeJS.Timeout;
  const measureLater = () => {
    timer = setTimeout(
      async () => {
        isMeasured = (await measure()) || isMeasured;
        if (!isStopped) measureLater();
      },
      isMeasured ? measureEveryMs : measureAgainMs,
    );
    timer.unref();
  };
  measureLater();
  return {
    now() {
      const byClock = Date.now() + clockOffsetMs;
      const byUptime = performance.now() + uptimeOffsetMs;
      const hasJumped = Math.abs(byClock - byUptime) > jumpMs;
      if (hasJumped && performance.now() - measuredAt > measureAgainMs) void measure();
      return new Date(Math.round(Math.max(byClock, byUptime)));
    },
    async measure() {
      await measure();
    },
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
