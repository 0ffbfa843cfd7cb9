import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { createCrew } from '../lib/concurrency.ts';
import { createJournal } from './journal.ts';
import { clockToleranceMs } from './lanes.ts';
import type { Place } from './places.ts';
import type { Lane, Visit, WorkItem } from './work.ts';

/** After this time a visit ends as soon as others wait for a place, so that lanes take turns. */
const sliceMs = 10_000;
/** And after this one anyway, so that lanes move between processes. */
const visitMsMax = 60_000;
/** A lane that makes no progress for so long hangs, and gives its place away. */
const stallMs = 500;
/** How often a lane whose work is slow looks for what else is due, unless somebody rings. */
const lookMs = 1_000;
/** Many lanes may hang at the same time, and each look costs a query. */
const hangingLookMs = 5_000;
/** Rows that fail by a fault of our own, in one visit, before it ends. */
const faultsMax = 10;

export interface VisitOptions {
  place: Place;
  /** Whether others wait for a place. */
  isContended(): boolean;
  bell: Bell;
  account: Account;
}

/** What the lane's workspace may have done, while others have something to do. */
export interface Account {
  charge(priceMs: number): void;
  /** Whether it has to let the others go first. */
  isUsedUp(): boolean;
}

/** Tells a visit that its lane was woken meanwhile. */
export interface Bell {
  /** Since the visit looked last. */
  isRung: boolean;
  /** What to call on ringing; the visit sets it. */
  look?: () => void;
}

/**
 * Does what is due in a lane until nothing is, others go first, or the lane is to be left alone. What was
 * begun is always waited for. @returns when the lane is to be visited next
 */
export async function workOff(
  ctx: Context,
  visit: Visit<Lane, WorkItem, unknown>,
  isStopped: () => boolean,
  { place, isContended, bell, account }: VisitOptions,
): Promise<Date | undefined> {
  const journal = createJournal(visit.record?.bind(visit));
  const crew = createCrew(() => visit.limit());
  /** Begun and maybe not stored: the database may still show them as due. */
  const inHand = new Set<string>();
  const faults: unknown[] = [];
  const startedAt = Date.now();
  let progressAt = startedAt;
  let nextDueAt: Date | undefined;
  let hasBegun = false;
  bell.look = crew.look;

  const isSliceOver = () => {
    const ms = Date.now() - startedAt;
    return ms >= visitMsMax || (ms >= sliceMs && isContended());
  };
  /** A visit that had its turn begins one row at least. */
  const isShareUsedUp = () => hasBegun && account.isUsedUp();
  const shouldStop = () =>
    isStopped() ||
    isSliceOver() ||
    isShareUsedUp() ||
    faults.length >= faultsMax ||
    (visit.isOver?.() ?? false);
  const isHanging = () => crew.size > 0 && Date.now() - progressAt >= stallMs;
  const stall = setInterval(() => {
    if (isHanging()) place.giveAway();
  }, stallMs);

  const doOne = async (item: WorkItem, id: string) => {
    let outcome: unknown;
    const priceMs = visit.priceMs?.(item) ?? 0;
    account.charge(priceMs);
    try {
      outcome = await visit.process(item);
    } catch (error) {
      // Stays in hand, so that this visit leaves it alone.
      faults.push(error);
      return;
    } finally {
      progressAt = Date.now();
    }
    if (visit.priceMs) account.charge(visit.priceMs(item, outcome) - priceMs);
    await journal.add(id, outcome);
  };
  /** A clock that is a little behind another one sees nothing due yet: not worth another visit. */
  const isAlmostDue = async () => {
    nextDueAt = await visit.nextDueAt();
    const waitMs = nextDueAt ? nextDueAt.getTime() - ctx.clock.now().getTime() : 0;
    if (waitMs <= 0 || waitMs > clockToleranceMs) return false;
    await sleep(waitMs);
    return true;
  };
  const beginDue = async () => {
    let begun = 0;
    for await (const item of visit.due()) {
      const id = item._id.toHexString();
      if (inHand.has(id)) continue;
      await crew.room();
      if (shouldStop()) break;
      inHand.add(id);
      hasBegun = true;
      progressAt = Date.now();
      crew.start(doOne(item, id));
      begun += 1;
    }
    return begun;
  };

  let isIdle = false;
  try {
    while (!shouldStop()) {
      // Only between two readings: one that is under way may still show as due what was stored since.
      for (const id of journal.takeStored()) inHand.delete(id);
      bell.isRung = false;
      const begun = await beginDue();
      // Something new may come to be due while an answer is slow to come.
      if (crew.size > 0 && !bell.isRung) await crew.change(isHanging() ? hangingLookMs : lookMs);
      if (crew.size > 0 || bell.isRung) continue;
      await journal.flush();
      if (begun > 0 || (await visit.refill?.()) || (await isAlmostDue())) continue;
      isIdle = true;
      break;
    }
  } finally {
    clearInterval(stall);
    if (crew.size > 0) place.giveAway();
    await crew.done();
  }
  await journal.flush();
  if (faults.length > 0) throw faults[0];
  return isIdle ? nextDueAt : visit.nextDueAt();
}
