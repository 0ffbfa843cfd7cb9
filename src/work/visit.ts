import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { createCrew } from '../lib/concurrency.ts';
import { createJournal } from './journal.ts';
import { claimLane, clockToleranceMs, holdLease, releaseLane } from './lanes.ts';
import type { Place } from './places.ts';
import type { Claimed, Lane, LaneRef, Visit, Work, WorkItem } from './work.ts';

/** After this time a visit ends as soon as others wait for a place, so that lanes take turns. */
const sliceMs = 10_000;
/** And after this one anyway, so that lanes move between processes. */
const visitMsMax = 60_000;
/** A lane that finishes nothing for so long hangs, and gives its place away. */
const stallMs = 1_000;
/** How often a lane whose work is slow looks for what else is due, unless somebody rings. */
const lookMsMin = 125;
const lookMsMax = 1_000;
/** Many lanes may hang at the same time, and each look costs a query. */
const hangingLookMs = 5_000;
const faultPauseMs = 2_000;
/** Rows that fail by a fault of our own, in one visit, before it ends. */
const faultsMax = 10;

export interface VisitOptions {
  place: Place;
  /** Whether others wait for a place. */
  isContended(): boolean;
  /** Aborted when the process stops: what is begun is finished, nothing more is begun. */
  signal: AbortSignal;
  bell: Bell;
}

/** Tells a visit that its lane was woken meanwhile. */
export interface Bell {
  /** Since the visit looked last. */
  isRung: boolean;
  /** What to call on ringing; the visit sets it. */
  look?: () => void;
}

/** Does what is due in a lane until nothing is, others wait for the place, or the lane is to be left alone. */
export async function visitLane(
  ctx: Context,
  work: Work,
  ref: LaneRef,
  options: VisitOptions,
): Promise<void> {
  const lane = await claimLane(ctx, work, ref);
  if (!lane) return;
  const lease = holdLease(ctx, work, lane);
  const isStopped = () => lease.isLost() || options.signal.aborted;
  let visit: Visit<Lane, WorkItem, unknown> | undefined;
  try {
    visit = await work.open(ctx, lane);
    if (!visit) return await releaseLane(ctx, work, lane, undefined, { isAsleep: true });
    const nextDueAt = await workOff(ctx, visit, isStopped, options);
    await releaseLane(ctx, work, lane, nextDueAt, (await visit.end?.()) ?? {});
  } catch (error) {
    // Where even this fails the lease runs out by itself.
    await giveUp(ctx, work, lane, visit).catch(() => undefined);
    throw error;
  } finally {
    lease.stop();
  }
}

/** After a fault of our own, which must not be repeated at full speed. */
async function giveUp(
  ctx: Context,
  work: Work,
  lane: Claimed<Lane>,
  visit: Visit<Lane, WorkItem, unknown> | undefined,
): Promise<void> {
  const pausedUntil = new Date(ctx.clock.now().getTime() + faultPauseMs);
  await releaseLane(ctx, work, lane, pausedUntil, { ...(await visit?.end?.()), pausedUntil });
}

/** @returns when the lane is to be visited next */
async function workOff(
  ctx: Context,
  visit: Visit<Lane, WorkItem, unknown>,
  isStopped: () => boolean,
  { place, isContended, bell }: VisitOptions,
): Promise<Date | undefined> {
  const journal = createJournal(visit.record?.bind(visit));
  const crew = createCrew(() => visit.limit());
  /** Begun and maybe not stored: the database may still show them as due. */
  const inHand = new Set<string>();
  const faults: unknown[] = [];
  const startedAt = Date.now();
  let finishedAt = startedAt;
  let nextDueAt: Date | undefined;
  bell.look = crew.look;

  const isSliceOver = () => {
    const ms = Date.now() - startedAt;
    return ms >= visitMsMax || (ms >= sliceMs && isContended());
  };
  const shouldStop = () =>
    isStopped() || isSliceOver() || faults.length >= faultsMax || (visit.isOver?.() ?? false);
  const isHanging = () => crew.size > 0 && Date.now() - finishedAt >= stallMs;
  const stall = setInterval(() => {
    if (isHanging()) place.giveAway();
  }, stallMs);

  const doOne = async (item: WorkItem, id: string) => {
    let outcome: unknown;
    try {
      outcome = await visit.process(item);
    } catch (error) {
      // Stays in hand, so that this visit leaves it alone.
      faults.push(error);
      return;
    } finally {
      finishedAt = Date.now();
    }
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
      crew.start(doOne(item, id));
      begun += 1;
    }
    return begun;
  };

  let lookMs = lookMsMin;
  let isIdle = false;
  try {
    while (!shouldStop()) {
      // Only between two readings: one that is under way may still show as due what was stored since.
      for (const id of journal.takeStored()) inHand.delete(id);
      bell.isRung = false;
      const begun = await beginDue();
      lookMs = begun > 0 ? lookMsMin : Math.min(lookMs * 2, isHanging() ? hangingLookMs : lookMsMax);
      // Something new may come to be due while an answer is slow to come.
      if (crew.size > 0 && !bell.isRung) await crew.change(lookMs);
      if (crew.size > 0 || bell.isRung) continue;
      await journal.flush();
      if (begun > 0 || (await visit.refill?.()) || (await isAlmostDue())) continue;
      isIdle = true;
      break;
    }
  } finally {
    if (crew.size > 0) place.giveAway();
    await crew.done();
    clearInterval(stall);
  }
  await journal.flush();
  if (faults.length > 0) throw faults[0];
  return isIdle ? nextDueAt : visit.nextDueAt();
}
