import { Worker } from 'bullmq';
import type { Context } from '../context.ts';
import { bullPrefix } from '../infra/queues.ts';
import { connectionOptions, patienceOptions } from '../infra/redis.ts';
import { createFairShare, type FairShare } from '../lib/fair-share.ts';
import { ObjectId } from '../lib/ids.ts';
import type { Nudge } from './lanes.ts';
import { createPlaces } from './places.ts';
import { visitLane } from './visit.ts';
import type { LaneRef, Work } from './work.ts';
import type { Account, Bell } from './work-off.ts';

/**
 * Lanes that one process works in at the same time. More would only compete for the database; those that wait for
 * somebody else's answer have given their place away.
 */
const placesTotal = 100;
/** Of them for one workspace. */
const placesShare = 25;
const stay = { total: 1_000, share: 100 };
/** Lanes that wait in this process; others are left to other processes and to the sweep. */
const lineMax = 5_000;
/**
 * What a workspace's work may cost this process while others have something to do too. Nobody is refused: what is due
 * waits, and the lane holds neither a place nor its lease meanwhile.
 */
const workShare = { burstMs: 100 };
/** A visit pays for so much before it begins, and what it leaves of it is given back. */
const slicePriceMs = 50;
/** Of that, to claim a lane, to look what is due in it, and to give it back. */
const visitPriceMs = 5;
/** Nudges taken from the queue at the same time; each is dealt with at once. */
const nudgesAtOnce = 50;
const redisRetryMs = 1_000;
/** A worker that died keeps its nudges' locks for this long at most; the others look that often for those without one. */
const lockDurationMs = 10_000;
const stalledIntervalMs = 5_000;

/** What a visit may do: its slice, and after that whatever is left of the workspace's share. */
function openAccount(share: FairShare, workspace: string): Account & { close(): void } {
  let leftMs = slicePriceMs - visitPriceMs;
  return {
    charge(priceMs) {
      leftMs -= priceMs;
      if (leftMs >= 0) return;
      share.charge(workspace, -leftMs);
      leftMs = 0;
    },
    isUsedUp: () => leftMs === 0 && share.isUsedUp(workspace),
    close: () => share.charge(workspace, -leftMs),
  };
}

export interface Runner {
  /** Ends when all visits have; begins none from the moment the signal is aborted. */
  close(): Promise<void>;
}

/** Visits the lanes that nudges name. @param signal aborted when the process stops */
export function startRunner(ctx: Context, work: Work, redisUrl: string, signal: AbortSignal): Runner {
  const places = createPlaces({ total: placesTotal, share: placesShare, stay, lineMax });
  const share = createFairShare({ share: ctx.config.fairShare, ...workShare });
  /** The lanes that are in line or visited. */
  const bells = new Map<string, Bell>();
  const running = new Set<Promise<void>>();
  signal.addEventListener('abort', () => places.close(), { once: true });

  const visit = async (ref: LaneRef, bell: Bell) => {
    const workspace = ref.workspaceId.toHexString();
    do {
      share.touch(workspace);
      await share.enter(workspace, slicePriceMs, signal);
      const account = openAccount(share, workspace);
      const place = await places.enter(workspace);
      if (!place) return;
      bell.isRung = false;
      try {
        await visitLane(ctx, work, ref, signal, { place, isContended: places.isContended, bell, account });
      } catch (error) {
        ctx.log.warn({ err: error, work: work.name }, 'a lane could not be worked off; it is visited again');
      } finally {
        place.leave();
        account.close();
      }
    } while (bell.isRung && !signal.aborted);
  };
  const ring = (ref: LaneRef) => {
    const id = `${ref.workspaceId.toHexString()}:${ref.key}`;
    const known = bells.get(id);
    if (known) {
      known.isRung = true;
      known.look?.();
      return;
    }
    if (bells.size >= lineMax) return;
    const bell = { isRung: false };
    bells.set(id, bell);
    const done: Promise<void> = visit(ref, bell).finally(() => {
      bells.delete(id);
      running.delete(done);
    });
    running.add(done);
  };

  const take = async ({ data }: { data: Nudge }) => {
    for (const key of data.keys) ring({ workspaceId: new ObjectId(data.workspaceId), key });
  };
  const worker = new Worker(work.name, take, {
    connection: { ...connectionOptions(redisUrl), ...patienceOptions.patient },
    prefix: bullPrefix(ctx.redisPrefix),
    concurrency: nudgesAtOnce,
    // Both as soon as Redis is back, whose absence BullMQ would answer with growing pauses.
    runRetryDelay: redisRetryMs,
    lockDuration: lockDurationMs,
    stalledInterval: stalledIntervalMs,
    // A worker that died over a nudge says nothing about the lane.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  worker.on('error', (error) => ctx.log.debug({ err: error, queue: work.name }, 'worker connection'));

  return {
    async close() {
      await Promise.all([worker.close(), ...running]);
    },
  };
}
