import { setTimeout as sleep } from 'node:timers/promises';

/** A sender that died is given up for dead after a minute, and looked into some seconds later. */
const settleMs = 180_000;
/** What waits for an endpoint with bad days is much after a long run; it takes its time once the endpoint is well. */
const settleMsMax = 900_000;
const pollMs = 500;
/** Nothing may come up again within this time. */
const quietMs = 1_500;

/** Waits until nothing is left to do, for as long as it becomes less. @returns what is still unfinished; nothing when all is well */
export async function settle(store) {
  const lastDeadline = Date.now() + settleMsMax;
  let deadline = Date.now() + settleMs;
  let least = Number.POSITIVE_INFINITY;
  let quietSince;
  for (;;) {
    const unfinished = Object.entries(await store.unfinished()).filter(([, count]) => count > 0);
    const left = unfinished.reduce((sum, [, count]) => sum + count, 0);
    if (left < least) {
      least = left;
      deadline = Math.min(Date.now() + settleMs, lastDeadline);
    }
    if (unfinished.length > 0) quietSince = undefined;
    else quietSince ??= Date.now();
    if (quietSince !== undefined && Date.now() - quietSince >= quietMs) return {};
    if (Date.now() > deadline) return Object.fromEntries(unfinished);
    await sleep(pollMs);
  }
}
