import type { Database } from '../infra/mongo.ts';
import type { TenantCollection } from '../infra/tenant-collection.ts';
import type { ObjectId } from '../lib/ids.ts';
import { snapshotOf } from './owe.ts';
import type { RecordDocument } from './record.ts';
import type { RelayedEvent } from './relay.ts';
import { restampIfLate } from './restamp.ts';

/** What one record owes. */
export interface Debt {
  collectionName: string;
  recordId: ObjectId;
  workspaceId: ObjectId;
  events: RelayedEvent[];
}

export function debtOf(collectionName: string, record: RecordDocument): Debt {
  const { _id: recordId, workspaceId, owed = [] } = record;
  const events = owed.map((event) => ({ ...event, record: event.record ?? snapshotOf(record), workspaceId }));
  return { collectionName, recordId, workspaceId, events };
}

/**
 * Debts are owed by the system, not by a tenant: the sweep reads across workspaces, by its own sparse index. Where the
 * writer died before the database had stored the record, readers may have passed its time, and it gets another.
 */
export async function abandonedDebts(
  collection: TenantCollection<RecordDocument>,
  before: Date,
  limit: number,
): Promise<Debt[]> {
  const records = await collection.acrossTenants
    .find(
      { owedSince: { $lt: before } },
      { sort: { owedSince: 1 }, limit, hint: 'owing', projection: { facets: 0 } },
    )
    .toArray();
  const settled = await Promise.all(
    records.map((record) => restampIfLate(collection, record as RecordDocument)),
  );
  return settled.map((record) => debtOf(collection.name, record));
}

/**
 * Takes the passed-on events out of the records, leaving any that were added meanwhile. One command for all records of
 * a workspace: an update for each would cost the engine several times as much.
 */
export async function clearMarks(db: Database, debts: Debt[]): Promise<void> {
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
