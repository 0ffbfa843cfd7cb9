import type { Logger } from '../infra/logger.ts';
import type { Database } from '../infra/mongo.ts';
import type { TenantCollection } from '../infra/tenant-collection.ts';
import type { ObjectId } from '../lib/ids.ts';
import type { EventType, OwedEvent, RecordDocument } from './record.ts';

/**
 * Passes on what writes owe. An event is born inside the changed document, in the operation that changes it; after
 * that the relay hands it to every listener, which stores what it makes of it, and only then clears the mark. A process
 * that dies in between leaves the mark, and the sweep of any worker finds it. Listeners may therefore hear of an event
 * twice and must know it by its id; none is ever skipped.
 */
export interface Relay {
  /** Whether anybody would listen to such an event; where nobody does, a write owes nothing. */
  isWanted(workspaceId: ObjectId, type: EventType): Promise<boolean>;
  /** Takes over what a just written record owes; returns at once. */
  hand(collectionName: string, record: RecordDocument): void;
  /** Finds and passes on what dead processes left; returns how many events. */
  sweep(): Promise<number>;
  addListener(listener: EventListener): void;
  /** Waits until everything handed over so far has been passed on or has failed. */
  idle(): Promise<void>;
}

export interface RelayedEvent extends OwedEvent {
  workspaceId: ObjectId;
}

/** A consumer of events, with a cheap check that keeps the write path free of events that nobody wants. */
export interface EventListener {
  isListening(workspaceId: ObjectId, type: EventType): Promise<boolean>;
  /** Stores what follows from the events. Has to be safe to repeat; a rejection leaves the events to the sweep. */
  accept(events: RelayedEvent[]): Promise<void>;
}

/** An event this old was left behind: its writer would have passed it on long ago. */
const abandonedAfterMs = 2_000;
const batchSize = 500;

interface Debt {
  collectionName: string;
  recordId: ObjectId;
  workspaceId: ObjectId;
  events: OwedEvent[];
}

export function createRelay(db: Database, collectionNames: readonly string[], log: Logger): Relay {
  const listeners: EventListener[] = [];
  /** By workspace, in the order in which they are served. */
  const waiting = new Map<string, Debt[]>();
  let flushing: Promise<void> | undefined;

  const settle = async (debts: Debt[]) => {
    const events = debts.flatMap((debt) =>
      debt.events.map((event) => ({ ...event, workspaceId: debt.workspaceId })),
    );
    await Promise.all(listeners.map((listener) => listener.accept(events)));
    await clearMarks(db, debts);
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

  // While one batch is under way the next one gathers, so the batches grow with the load.
  const flush = async () => {
    while (waiting.size > 0) {
      const batch = takeBatch();
      try {
        await settle(batch);
      } catch (error) {
        log.warn({ err: error, events: batch.length }, 'events could not be passed on; the sweep will');
      }
    }
    flushing = undefined;
  };

  return {
    addListener: (listener) => void listeners.push(listener),
    async isWanted(workspaceId, type) {
      for (const listener of listeners) {
        if (await listener.isListening(workspaceId, type)) return true;
      }
      return false;
    },
    hand(collectionName, record) {
      if (!record.owed?.length) return;
      const { _id: recordId, workspaceId, owed: events } = record;
      const workspace = workspaceId.toHexString();
      const debts = waiting.get(workspace) ?? [];
      debts.push({ collectionName, recordId, workspaceId, events });
      waiting.set(workspace, debts);
      // A turn of the event loop later, so that the answer leaves first.
      flushing ??= new Promise((resolve) => setImmediate(resolve)).then(flush);
    },
    async sweep() {
      const before = new Date((await db.serverTime()).getTime() - abandonedAfterMs);
      let count = 0;
      for (const collectionName of collectionNames) {
        const debts = await abandonedDebts(db.tenant<RecordDocument>(collectionName), before);
        if (debts.length === 0) continue;
        try {
          await settle(debts);
          count += debts.reduce((sum, debt) => sum + debt.events.length, 0);
        } catch (error) {
          // What one collection owes must not keep the others waiting.
          log.warn({ err: error, collectionName }, 'events could not be passed on; the next sweep will');
        }
      }
      return count;
    },
    async idle() {
      while (flushing) await flushing;
    },
  };
}

/** Debts are owed by the system, not by a tenant: the sweep reads across workspaces, by its own sparse index. */
async function abandonedDebts(collection: TenantCollection<RecordDocument>, before: Date): Promise<Debt[]> {
  const records = await collection.acrossTenants
    .find(
      { owedSince: { $lt: before } },
      { projection: { workspaceId: 1, owed: 1 }, limit: batchSize, hint: 'owing' },
    )
    .toArray();
  return records.map((record) => ({
    collectionName: collection.name,
    recordId: record._id,
    workspaceId: record.workspaceId,
    events: record.owed ?? [],
  }));
}

/**
 * Takes the passed-on events out of the records, leaving any that were added meanwhile. One command for all records of
 * a workspace: an update for each would cost the engine several times as much.
 */
async function clearMarks(db: Database, debts: Debt[]): Promise<void> {
  const groups = new Map<string, Debt[]>();
  for (const debt of debts) {
    const id = `${debt.collectionName} ${debt.workspaceId.toHexString()}`;
    const group = groups.get(id);
    if (group) group.push(debt);
    else groups.set(id, [debt]);
  }
  await Promise.all([...groups.values()].map((group) => clearGroup(db, group)));
}

async function clearGroup(db: Database, group: Debt[]): Promise<void> {
  const [first] = group;
  if (!first) return;
  const owing = { _id: { $in: group.map(({ recordId }) => recordId) } };
  const ids = group.flatMap(({ events }) => events.map(({ id }) => id));
  await db
    .tenant<RecordDocument>(first.collectionName)
    .updateMany(first.workspaceId, owing, clearPipeline(ids), { hint: { _id: 1 } });
}

function clearPipeline(ids: ObjectId[]): object[] {
  const left = {
    $filter: {
      input: { $ifNull: ['$owed', []] },
      as: 'event',
      cond: { $not: [{ $in: ['$$event.id', { $literal: ids }] }] },
    },
  };
  const whenLeft = (value: unknown) => ({ $cond: [{ $gt: [{ $size: '$owed' }, 0] }, value, '$$REMOVE'] });
  return [
    { $set: { owed: left } },
    { $set: { owedSince: whenLeft({ $min: '$owed.at' }), owed: whenLeft('$owed') } },
  ];
}
