import type { mongo } from 'mongoose';
import type { Database } from '../infra/mongo.ts';
import type { TenantCollection } from '../infra/tenant-collection.ts';
import type { ObjectId } from '../lib/ids.ts';
import { entityOf } from './entity/names.ts';
import { changesBetween } from './field-changes.ts';
import { eraseHistory, type HistoryNote, type HistoryRow, rowEvent } from './history.ts';
import { snapshotOf } from './owe.ts';
import type { Owed, RecordDocument } from './record.ts';
import type { RelayedEvent } from './relay.ts';
import { restampIfLate } from './restamp.ts';

/** What one record owes. */
export interface Debt {
  collectionName: string;
  recordId: ObjectId;
  workspaceId: ObjectId;
  /** Of everything that is owed. */
  ids: ObjectId[];
  events: RelayedEvent[];
  /** The rows of the history, as events of its keeper. */
  rows: RelayedEvent[];
}

/** @param owed what of it the record owes, as far as it is to be passed on now */
export function debtOf(
  collectionName: string,
  record: RecordDocument,
  owed: readonly Owed[] = record.owed ?? [],
): Debt {
  const { _id: recordId, workspaceId } = record;
  const debt: Debt = { collectionName, recordId, workspaceId, ids: [], events: [], rows: [] };
  for (const { id, at, type, record: snapshot, history } of owed) {
    debt.ids.push(id);
    if (type) debt.events.push({ id, type, at, workspaceId, record: snapshot ?? snapshotOf(record) });
    if (history) {
      const row = { ...rowOf(collectionName, record, history), _id: id, at };
      debt.rows.push({ id, type: rowEvent, at, workspaceId, record: row });
    }
  }
  return debt;
}

function rowOf(
  collectionName: string,
  record: RecordDocument,
  { action, actor, contract, changes }: HistoryNote,
): Omit<HistoryRow, '_id' | 'at'> {
  const { name, present } = entityOf(collectionName);
  return {
    workspaceId: record.workspaceId,
    record: { type: name, id: record._id },
    action,
    changes: changes ?? changesBetween(undefined, present(record)),
    actor,
    ...(contract ? { contract } : {}),
  };
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

/** What was passed on and still has its mark in the record. */
export type Marked = Pick<Debt, 'collectionName' | 'recordId' | 'workspaceId' | 'ids'>;

/**
 * Takes what was passed on out of the records, leaving what was added meanwhile. One command for all records of a
 * collection: an update for each would cost the engine several times as much.
 */
export async function clearMarks(db: Database, marked: Iterable<Marked>): Promise<void> {
  const groups = new Map<string, Marked[]>();
  for (const one of marked) {
    const group = groups.get(one.collectionName);
    if (group) group.push(one);
    else groups.set(one.collectionName, [one]);
  }
  await Promise.all([...groups].map(([collectionName, group]) => clearGroup(db, collectionName, group)));
}

async function clearGroup(db: Database, collectionName: string, group: Marked[]): Promise<void> {
  // The system's own housekeeping, for all workspaces.
  const records = db.tenant<RecordDocument>(collectionName).acrossTenants;
  const ids = group.flatMap((one) => one.ids);
  const marked = {
    _id: { $in: group.map(({ recordId }) => recordId) },
    workspaceId: { $in: distinct(group.map(({ workspaceId }) => workspaceId)) },
  };
  const hint = { _id: 1 } as const;
  // Most owe one thing, which is nothing to work out.
  const oweOne = { ...marked, 'owed.1': { $exists: false }, 'owed.0.id': { $in: ids } };
  const { matchedCount } = await records.updateMany(
    oweOne,
    { $unset: { owed: '', owedSince: '' } },
    { hint },
  );
  if (matchedCount === group.length) return;
  const { matchedCount: present } = await records.updateMany(marked, clearPipeline(ids), { hint });
  if (present < group.length) await forgetDeleted(db, records, marked, group);
}

/** The rows of a record that was deleted for good while they were on their way. */
async function forgetDeleted(
  db: Database,
  records: TenantCollection<RecordDocument>['acrossTenants'],
  marked: mongo.Filter<RecordDocument>,
  group: Marked[],
): Promise<void> {
  const found = await records.find(marked, { projection: { _id: 1 }, hint: '_id_' }).toArray();
  const present = new Set(found.map(({ _id }) => _id.toHexString()));
  for (const { workspaceId, recordId } of group) {
    if (!present.has(recordId.toHexString())) await eraseHistory(db, workspaceId, [recordId]);
  }
}

const distinct = (ids: ObjectId[]): ObjectId[] => [
  ...new Map(ids.map((id) => [id.toHexString(), id])).values(),
];

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
