import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../lib/errors.ts';
import { createTurns } from '../lib/turns.ts';
import { createLease } from './lease.ts';
import type { Database } from './mongo.ts';

/** Longer than the reads of such work take; how long one that died keeps the others waiting. */
const leaseMs = 4_000;
const patienceMs = 5_000;
const askEveryMs = 25;

const inTurn = createTurns(patienceMs);

/**
 * Runs `work` while nobody else in the fleet does work of this name, for rules that take more than one document to see.
 * The write that `work` ends in has to name the time at which that is over, by the clock of the server that carries it
 * out: so whatever becomes of the writer, it is made while nobody else's is, or never.
 * @param work is told that time
 * @throws AppError unavailable with `busy` when others take too long
 */
export function alone<R>(
  db: Database,
  name: string,
  busy: string,
  work: (until: Date) => Promise<R>,
): Promise<R> {
  return inTurn(name, async () => {
    const lease = createLease(db, name, leaseMs);
    const until = await waitFor(() => lease.holdUntil(), busy);
    try {
      return await work(until);
    } finally {
      // A lease that can't be given back ends by itself.
      await lease.release().catch(() => {});
    }
  });
}

async function waitFor(hold: () => Promise<Date | undefined>, busy: string): Promise<Date> {
  const patientUntil = performance.now() + patienceMs;
  for (;;) {
    const until = await hold();
    if (until) return until;
    if (performance.now() > patientUntil)
      throw new AppError('unavailable', { message: busy, headers: { 'Retry-After': '1' } });
    await sleep(askEveryMs);
  }
}
