import { Schema } from 'mongoose';
import { type Database, tenantCollection } from '../infra/mongo.ts';
import { duplicateKeyFields } from '../infra/mongo-errors.ts';
import type { TenantDocument } from '../infra/tenant-collection.ts';
import type { ObjectId } from '../lib/ids.ts';
import type { Author } from '../tenancy/actor.ts';
import type { FieldChange } from './field-changes.ts';
import type { EventListener } from './relay.ts';

/**
 * What became of every record, by whom and through which contract: a row for each version. A write owes its row as it
 * owes its events, in the same operation, and the relay stores it: the row's id is the owed one's, so that passing it on
 * twice makes one row. A row is kept for as long as its record; whoever deletes a record for good deletes its rows then.
 */
export interface HistoryRow extends TenantDocument {
  record: { type: string; id: ObjectId };
  action: HistoryAction;
  /** What is different since: for a new record all that it has. */
  changes: FieldChange[];
  actor: Pick<Author, 'kind' | 'id'>;
  contract?: string | undefined;
  /** The record's `updatedAt` by that change. */
  at: Date;
}

export const historyActions = [
  'created',
  'updated',
  'archived',
  'unarchived',
  'converted',
  'merged',
  'enriched',
  'deleted',
] as const;
export type HistoryAction = (typeof historyActions)[number];

/** The part of a row that a write owes; the record tells the rest. */
export interface HistoryNote extends Pick<HistoryRow, 'action' | 'actor' | 'contract'> {
  /** Absent for a new record that still is as it was made. */
  changes?: FieldChange[];
}

export const noteOf = (
  action: HistoryAction,
  { kind, id, contract }: Author,
  changes?: FieldChange[],
): HistoryNote => ({
  action,
  actor: { kind, id },
  ...(contract ? { contract } : {}),
  ...(changes ? { changes } : {}),
});

const historySchema = new Schema<HistoryRow>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  record: { type: Schema.Types.Mixed, required: true },
  action: { type: String, required: true },
  changes: [Schema.Types.Mixed],
  actor: { type: Schema.Types.Mixed, required: true },
  contract: String,
  at: { type: Date, required: true },
});
// What became of a record.
historySchema.index({ workspaceId: 1, 'record.id': 1, at: -1, _id: -1 }, { name: 'of_record' });
// What happened in the workspace, to records of the kinds that the reader may see.
historySchema.index({ workspaceId: 1, 'record.type': 1, at: -1, _id: -1 }, { name: 'by_type' });
// What somebody did.
historySchema.index({ workspaceId: 1, 'actor.id': 1, at: -1, _id: -1 }, { name: 'by_actor' });

export const history = tenantCollection<HistoryRow>('history', historySchema);

/** The event as which the relay hands a row on. */
export const rowEvent = 'history.row';

/**
 * Stores the rows, which come as events whose records they are; one that is stored already is left as it is. They are
 * written by the system, for all workspaces in one command.
 */
export const historyKeeper = (db: Database): EventListener => ({
  name: 'history',
  isListening: async (_workspaceId, type) => type === rowEvent,
  accept: (events) =>
    keepRows(
      db,
      events.map(({ record }) => record as unknown as HistoryRow),
    ),
});

/** Stores a row that no record owes. Safe to repeat. */
export const keepRow = (db: Database, row: HistoryRow): Promise<void> => keepRows(db, [row]);

async function keepRows(db: Database, rows: HistoryRow[]): Promise<void> {
  const rejected = await history(db).insertForAll(rows);
  for (const error of rejected.values()) if (!duplicateKeyFields(error)) throw error;
}

/** Removes what the rows of records tell that are gone for good; that they were deleted stays. */
export const eraseHistory = (db: Database, workspaceId: ObjectId, recordIds: ObjectId[]): Promise<number> =>
  history(db).deleteMany(
    workspaceId,
    { 'record.id': { $in: recordIds }, action: { $ne: 'deleted' } },
    { hint: 'of_record' },
  );
