import { LRUCache } from 'lru-cache';
import type { Logger } from '../infra/logger.ts';
import type { Database } from '../infra/mongo.ts';
import { isMongoUnavailable } from '../infra/mongo-errors.ts';
import type { ObjectId } from '../lib/ids.ts';
import { withinTime } from '../lib/time-limit.ts';
import { abandonedDebts, clearMarks, type Debt, debtOf, type Marked } from './debts.ts';
import { historyKeeper } from './history.ts';
import {
  countParked,
  findDueEvents,
  type ParkedEvent,
  parkEvent,
  postponeParked,
  type Refusal,
  removeParked,
} from './parked-events.ts';
import type { EventType, Owed, RecordDocument } from './record.ts';

/**
 * Passes on what writes owe. An event is born inside the changed document, in the operation that changes it; after
 * that the relay hands it to every listener, which stores what it makes of it, and only then clears the mark. A process
 * that dies in between leaves the mark, and the sweep finds it. Listeners may therefore hear of an event twice and must
 * know it by its id; none is ever skipped. An event that a listener refuses holds up no other: it is parked. Rows of the
 * history go the same way, to their keeper.
 *
 * Every write owes a row, so what it costs to pass one on is paid for hundreds together: rows wait a moment for each
 * other, marks longer, and the next change of a record takes away the marks of what was passed on before.
 */
export interface Relay {
  /** Whether anybody would listen to such an event; where nobody does, a write owes nothing. */
  isWanted(workspaceId: ObjectId, type: EventType): Promise<boolean>;
  /**
   * Takes over what a just written record owes; returns at once.
   * @param owed the part that is new
   */
  hand(collectionName: string, record: RecordDocument, owed?: readonly Owed[]): void;
  /** Whether this process has passed it on, a short while ago: it may still have its mark in the record. */
  hasPassedOn(id: ObjectId): boolean;
  /** Passes on what a record owes, now. @throws when the database can't be reached */
  settle(collectionName: string, record: RecordDocument): Promise<void>;
  /** Finds and passes on what dead processes left, and offers parked events again; returns how many events. */
  sweep(signal?: AbortSignal): Promise<number>;
  /** How many events wait for a person to mend what keeps them. */
  countParked(): Promise<number>;
  addListener(listener: EventListener): void;
  /** Waits until everything handed over so far has been passed on or has failed. */
  idle(): Promise<void>;
  /** Passes on what it can within a short time; the rest is in the records, for the sweep. */
  close(): Promise<void>;
}

export interface RelayedEvent {
  id: ObjectId;
  type: EventType;
  at: Date;
  workspaceId: ObjectId;
  record: Record<string, unknown>;
}

/** A consumer of events, with a cheap check that keeps the write path free of events that nobody wants. */
export interface EventListener {
  /** What its parked events are kept under: it stays the same from version to version. */
  readonly name: string;
  isListening(workspaceId: ObjectId, type: EventType): Promise<boolean>;
  /**
   * Stores what follows from the events. Has to be safe to repeat. A rejection says that some of them could not be
   * stored; they are offered again in smaller groups, until it is clear which.
   */
  accept(events: RelayedEvent[]): Promise<void>;
}

/** An event this old was left behind: its writer would have passed it on long ago. */
const abandonedAfterMs = 2_000;
/** Of small snapshots; the records of a sweep may be large. */
const batchSize = 500;
const sweepBatchSize = 100;
const closeMs = 3_000;
/** How long rows wait for each other where no event is in a hurry. */
const gatherMs = 30;
/** From so much on that waits in one record it is passed on at once, before the next change has to. */
const hurriedFrom = 3;
/** How long marks wait for each other, and how many go together; well before the sweep takes them for left behind. */
const clearMs = 500;
const clearedTogether = 500;
/** What was passed on lately, by id. */
const passedOnMax = 20_000;

export function createRelay(db: Database, collectionNames: readonly string[], log: Logger): Relay {
  const listeners: EventListener[] = [];
  const keeper = historyKeeper(db);
  /** By workspace, in the order in which they are served. */
  const waiting = new Map<string, Debt[]>();
  let flushing: Promise<void> | undefined;
  let isHurried = false;
  let endPause: (() => void) | undefined;
  const passedOn = new LRUCache<string, true>({ max: passedOnMax });
  /** What was passed on and has its mark still, by record. */
  const marked = new Map<string, Marked>();
  let clearTimer: NodeJS.Timeout | undefined;
  let clearing: Promise<void> = Promise.resolve();

  const passOn = async (debts: Debt[]) => {
    const events = debts.flatMap((debt) => debt.events);
    const rows = debts.flatMap((debt) => debt.rows);
    const offers = [offer(keeper, rows), ...listeners.map((listener) => offer(listener, events))];
    const refusals = (await Promise.all(offers)).flat();
    if (refusals.length > 0) {
      const now = await db.serverTime();
      for (const refusal of refusals) {
        await parkEvent(db, refusal, now);
        const { listener, reason, event } = refusal;
        log.warn(
          { err: reason, listener, eventId: event.id.toHexString(), type: event.type },
          'event parked',
        );
      }
    }
    for (const { ids } of debts) for (const id of ids) passedOn.set(id.toHexString(), true);
  };
  const settle = async (debts: Debt[]) => {
    await passOn(debts);
    await clearMarks(db, debts);
  };

  const clear = async () => {
    clearTimeout(clearTimer);
    clearTimer = undefined;
    const marks = [...marked.values()];
    marked.clear();
    try {
      await clearMarks(db, marks);
    } catch (error) {
      log.warn({ err: error }, 'marks could not be cleared; the sweep will');
    }
  };
  /** One after the other: they may be about the same records. */
  const clearInTurn = () => {
    clearing = clearing.then(clear);
    return clearing;
  };
  const mark = (debts: Debt[]) => {
    for (const { collectionName, recordId, workspaceId, ids } of debts) {
      const key = recordId.toHexString();
      const earlier = marked.get(key)?.ids ?? [];
      marked.set(key, { collectionName, recordId, workspaceId, ids: [...earlier, ...ids] });
    }
    if (marked.size >= clearedTogether) void clearInTurn();
    else clearTimer ??= setTimeout(() => void clearInTurn(), clearMs).unref();
  };
  /** A change has taken away the marks of all that it no longer owes. */
  const unmark = ({ _id, owed = [] }: RecordDocument) => {
    const key = _id.toHexString();
    const mark = marked.get(key);
    if (!mark) return;
    mark.ids = mark.ids.filter((id) => owed.some((one) => one.id.equals(id)));
    if (mark.ids.length === 0) marked.delete(key);
  };

  // Each workspace in its turn, so that the import of one holds up nobody else's single event.
  const takeBatch = () => {
    const share = Math.max(1, Math.floor(batchSize / waiting.size));
    const batch: Debt[] = [];
    for (const [workspace, debts] of waiting) {
      batch.push(...debts.splice(0, share));
      waiting.delete(workspace);
      if (debts.length > 0) waiting.set(workspace, debts);
      if (batch.length >= batchSize) break;
    }
    return batch;
  };

  /** Until somebody is in a hurry, or for a moment. The answers leave first in any case. */
  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, gatherMs);
      endPause = () => {
        clearTimeout(timer);
        setImmediate(resolve);
      };
      if (isHurried) endPause();
    });
  const hurry = () => {
    isHurried = true;
    endPause?.();
  };
  // While one batch is under way the next one gathers, so the batches grow with the load.
  const flush = async () => {
    while (waiting.size > 0) {
      await pause();
      isHurried = false;
      const batch = takeBatch();
      try {
        await passOn(batch);
        mark(batch);
      } catch (error) {
        // The database is away. What else waits would only wait for it as long, batch after batch.
        waiting.clear();
        log.warn({ err: error }, 'events could not be passed on; the sweep will');
      }
    }
    flushing = undefined;
  };
  const idle = async () => {
    while (flushing) {
      hurry();
      await flushing;
    }
    await clearInTurn();
  };

  const sweepCollection = async (collectionName: string, signal: AbortSignal | undefined) => {
    const before = new Date((await db.serverTime()).getTime() - abandonedAfterMs);
    let count = 0;
    let debts: Debt[];
    do {
      debts = await abandonedDebts(db.tenant<RecordDocument>(collectionName), before, sweepBatchSize);
      if (debts.length > 0) await settle(debts);
      count += debts.reduce((sum, { events }) => sum + events.length, 0);
    } while (debts.length === sweepBatchSize && !signal?.aborted);
    return count;
  };

  const sweepParked = async (signal: AbortSignal | undefined) => {
    const now = await db.serverTime();
    let count = 0;
    for (const parked of await findDueEvents(db, now, sweepBatchSize)) {
      if (signal?.aborted) break;
      const [refusal] = await offerAgain([keeper, ...listeners], parked);
      if (refusal) await postponeParked(db, parked, refusal.reason, now);
      else await removeParked(db, parked);
      count += refusal ? 0 : 1;
    }
    return count;
  };

  return {
    addListener: (listener) => void listeners.push(listener),
    async isWanted(workspaceId, type) {
      for (const listener of listeners) {
        if (await listener.isListening(workspaceId, type)) return true;
      }
      return false;
    },
    hand(collectionName, record, owed = record.owed ?? []) {
      if (owed.length === 0) return;
      unmark(record);
      const debt = debtOf(collectionName, record, owed);
      const workspace = record.workspaceId.toHexString();
      const debts = waiting.get(workspace) ?? [];
      debts.push(debt);
      waiting.set(workspace, debts);
      if (debt.events.length > 0 || (record.owed?.length ?? 0) >= hurriedFrom) hurry();
      flushing ??= flush();
    },
    hasPassedOn: (id) => passedOn.has(id.toHexString()),
    async settle(collectionName, record) {
      if (record.owed?.length) await settle([debtOf(collectionName, record)]);
    },
    async sweep(signal) {
      let count = 0;
      for (const collectionName of collectionNames) {
        if (signal?.aborted) break;
        count += await sweepCollection(collectionName, signal);
      }
      return count + (await sweepParked(signal));
    },
    countParked: () => countParked(db),
    idle,
    async close() {
      try {
        await withinTime(idle(), closeMs);
      } catch {
        waiting.clear();
        log.warn('stopped before all events were passed on; the sweep will');
      }
    },
  };
}

/**
 * Offers events to a listener, in halves when it refuses, so that in the end those that it can't take are known.
 * @throws when the database can't be reached: that says nothing about the events
 */
async function offer(listener: EventListener, events: RelayedEvent[]): Promise<Refusal[]> {
  if (events.length === 0) return [];
  try {
    await listener.accept(events);
    return [];
  } catch (reason) {
    if (isMongoUnavailable(reason)) throw reason;
    const [event, ...others] = events;
    if (event && others.length === 0) return [{ listener: listener.name, event, reason }];
    const middle = events.length >> 1;
    const halves = [events.slice(0, middle), events.slice(middle)];
    return (await Promise.all(halves.map((half) => offer(listener, half)))).flat();
  }
}

async function offerAgain(listeners: EventListener[], parked: ParkedEvent): Promise<Refusal[]> {
  const { eventId: id, type, at, record, workspaceId } = parked;
  const event = { id, type, at, record, workspaceId };
  const listener = listeners.find(({ name }) => name === parked.listener);
  if (listener) return offer(listener, [event]);
  return [{ listener: parked.listener, event, reason: 'There is no such listener' }];
}
