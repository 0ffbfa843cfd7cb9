/** Every attempt at a request, with its time and how it ended. */
export function createTraffic() {
  const attempts = [];
  return {
    attempts,
    /** @param {{ startedAt: number, status?: number, isTooLate?: boolean, isSlow?: boolean, isWrite: boolean }} attempt */
    add: (attempt) => attempts.push({ ...attempt, endedAt: performance.now() }),
  };
}

const isUnanswered = ({ status }) => status === undefined || status >= 500;
const longest = (attempts) =>
  Math.round(attempts.reduce((ms, { startedAt, endedAt }) => Math.max(ms, endedAt - startedAt), 0));

/** What is known of the attempts once the run is over. Those that wait for a provider are left out of the times. */
export function summarise({ attempts }, outages) {
  const quick = attempts.filter(({ isSlow }) => !isSlow);
  const unavailable = quick.filter(({ status }) => status === 503);
  // What waits for a provider also fails with it.
  const duringRedisOutage = quick.filter((attempt) => isOnlyWithout('redis', attempt, outages));
  return {
    attempts: attempts.length,
    unavailable: unavailable.length,
    longestUnavailableMs: longest(unavailable),
    brokenConnections: attempts.filter(({ status, isTooLate }) => status === undefined && !isTooLate).length,
    tooLate: attempts.filter(({ isTooLate }) => isTooLate).length,
    internalErrors: attempts.filter(({ status }) => status >= 500 && status !== 503).length,
    withoutRedis: {
      reads: duringRedisOutage.filter(({ isWrite }) => !isWrite).length,
      writes: duringRedisOutage.filter(({ isWrite }) => isWrite).length,
      failed: duringRedisOutage.filter(isUnanswered).length,
      longestMs: longest(duringRedisOutage),
    },
  };
}

/** An API that has just come back, or a database, may still be busy with what piled up. */
const aftermathMs = 1_000;

/** Whether an attempt began and ended while this part was away and the others that requests need were not. */
function isOnlyWithout(part, { startedAt, endedAt }, outages) {
  const isWithin = outages.some((one) => one.part === part && startedAt >= one.from && endedAt <= one.to);
  const others = outages.filter((one) => one.part !== part && one.part !== 'worker');
  return isWithin && !others.some(({ from, to }) => startedAt < to + aftermathMs && endedAt > from);
}
