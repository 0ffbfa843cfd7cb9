import type { Logger } from '../infra/logger.ts';
import type { Database } from '../infra/mongo.ts';
import type { RecordDocument } from './record.ts';
import { restamp } from './restamp.ts';

/**
 * Writes that the database never answered. Each may yet have been carried out, or may still be, later than its
 * updatedAt says. So once the database answers again they are looked for for a while, and stamped again when found.
 */
export interface Doubts {
  /** @param records as they are if the write was carried out */
  add(collectionName: string, records: RecordDocument[]): void;
  close(): void;
}

interface Doubt {
  collectionName: string;
  record: RecordDocument;
  /** How often the database has said that there is no such version. */
  misses: number;
}

const lookEveryMs = 1_000;
/** What a server that was frozen had received is carried out within a moment of its waking. */
const missesMax = 5;
/** What lies beyond has its other guards (see timing). */
const doubtsMax = 10_000;

export function createDoubts(db: Database, log: Logger): Doubts {
  let doubts: Doubt[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;
  let isClosed = false;

  /** @returns whether the matter is settled */
  const look = async (doubt: Doubt): Promise<boolean> => {
    const { collectionName, record } = doubt;
    const stamped = await restamp(db.tenant<RecordDocument>(collectionName), record);
    doubt.misses += 1;
    return stamped !== record || doubt.misses >= missesMax;
  };
  const round = async () => {
    const open = doubts;
    doubts = [];
    isLooking = true;
    try {
      // With the database away one command is enough to find out.
      await db.serverTime();
      const outcomes = await Promise.allSettled(open.map(look));
      doubts.push(...open.filter((_, index) => !isSettled(outcomes[index])));
    } catch (error) {
      log.debug({ err: error, writes: open.length }, 'writes of unknown outcome are still in doubt');
      doubts.push(...open);
    }
    schedule();
  };
  const schedule = () => {
    timer = undefined;
    isLooking = false;
    if (doubts.length === 0 || isClosed) return;
    timer = setTimeout(() => void round(), lookEveryMs);
    timer.unref();
  };

  return {
    add(collectionName, records) {
      const room = records.slice(0, doubtsMax - doubts.length);
      doubts.push(...room.map((record) => ({ collectionName, record, misses: 0 })));
      if (!timer && !isLooking) schedule();
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

const isSettled = (outcome: PromiseSettledResult<boolean> | undefined): boolean =>
  outcome?.status === 'fulfilled' && outcome.value;
