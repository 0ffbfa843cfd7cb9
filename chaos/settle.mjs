import { setTimeout as sleep } from 'node:timers/promises';

/** A sender that died is given up for dead after a minute, and looked into some seconds later. */
const settleMs = 180_000;
const pollMs = 500;
/** Nothing may come up again within this time. */
const quietMs = 1_500;

/** Waits until nothing is left to do. @returns what is still unfinished; nothing when all is well */
export async function settle(store) {
  const deadline = Date.now() + settleMs;
  let quietSince;
  for (;;) {
    const unfinished = Object.entries(await store.unfinished()).filter(([, count]) => count > 0);
    if (unfinished.length > 0) quietSince = undefined;
    else quietSince ??= Date.now();
    if (quietSince !== undefined && Date.now() - quietSince >= quietMs) return {};
    if (Date.now() > deadline) return Object.fromEntries(unfinished);
    await sleep(pollMs);
  }
}
