import type { Config } from '../../../config.ts';
import type { Rest } from '../../../work/work.ts';
import type { Lane } from './model.ts';
import type { SendResult } from './send.ts';

/**
 * How an endpoint is doing. After several failures in a row it is left alone for a while, then tried with a single
 * request, and with its full pace again as soon as one succeeds. So a receiver that is down costs little, and what is
 * owed to it does not use up its attempts meanwhile.
 */
export interface Health {
  /** How many requests may be under way. */
  limit(): number;
  /** Whether the endpoint is to be left alone for now. */
  isResting(): boolean;
  record(result: SendResult, at: Date): void;
  /** Why the endpoint has to be disabled, if it has. */
  hopelessBecause(): string | undefined;
  /** What to remember for the next visit. */
  rest(): Rest<Lane>;
}

const concurrency = 8;
const failuresInARow = 5;
const pauseMsMax = 30_000;
/** A receiver may ask for more patience than the schedule has, but not for ever. */
const retryAfterMsMax = 60 * 60 * 1_000;
const failingMsMax = 5 * 24 * 60 * 60 * 1_000;

const goneStatus = 410;

export const isSuccess = ({ statusCode = 0 }: SendResult): boolean => statusCode >= 200 && statusCode < 300;
export const isGone = ({ statusCode }: SendResult): boolean => statusCode === goneStatus;

/** How long the receiver asks to be left alone; only 429 and 503 mean it. */
export const requestedPauseMs = ({ statusCode, retryAfterMs = 0 }: SendResult): number =>
  statusCode === 429 || statusCode === 503 ? Math.min(retryAfterMs, retryAfterMsMax) : 0;

export function createHealth(lane: Lane, { retryDelaysMs }: Config['webhooks']): Health {
  let { consecutiveFailures = 0, failingSince } = lane;
  let pausedUntil: Date | undefined;
  let hopeless: string | undefined;

  const pauseMs = (result: SendResult) => {
    const beyond = consecutiveFailures - failuresInARow;
    const ownPauseMs = beyond < 0 ? 0 : Math.min((retryDelaysMs[0] ?? 0) * (beyond + 1), pauseMsMax);
    return Math.max(ownPauseMs, requestedPauseMs(result));
  };
  const succeed = () => {
    consecutiveFailures = 0;
    failingSince = undefined;
    pausedUntil = undefined;
  };
  const fail = (result: SendResult, at: Date) => {
    consecutiveFailures += 1;
    failingSince ??= at;
    const ms = pauseMs(result);
    if (ms > 0) pausedUntil = new Date(at.getTime() + ms);
    if (isGone(result)) hopeless = 'The endpoint answered 410 Gone';
    else if (at.getTime() - failingSince.getTime() >= failingMsMax)
      hopeless = 'Every delivery of five days failed';
  };

  return {
    limit: () => (consecutiveFailures >= failuresInARow ? 1 : concurrency),
    isResting: () => pausedUntil !== undefined || hopeless !== undefined,
    record: (result, at) => (isSuccess(result) ? succeed() : fail(result, at)),
    hopelessBecause: () => hopeless,
    rest: () => ({
      pausedUntil,
      state: {
        consecutiveFailures: consecutiveFailures > 0 ? consecutiveFailures : undefined,
        failingSince,
      },
    }),
  };
}
