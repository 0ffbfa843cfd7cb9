import type { Context } from '../context.ts';
import { duplicateKeyFields } from '../infra/mongo.ts';
import type { ObjectId } from '../lib/ids.ts';
import { assertSameRequest, type IdempotencyRequest, isExpired, originalOf } from './idempotency.ts';
import { newRecord } from './insert.ts';
import type { Entity, Managed, RecordDocument } from './record.ts';
import { restampIfSlow } from './restamp.ts';

export type RowOutcome<T> =
  | { status: 'created'; record: T }
  | { status: 'skipped'; reason: string }
  | { status: 'error'; reason: string };

/** A row that can be inserted, or why it can't. */
export type Row<T extends RecordDocument> = { fields: Omit<T, Managed> } | { error: string };

/**
 * Inserts many records at once; outcomes are in the order of the rows. A row that breaks a unique rule, against the
 * store or an earlier row, is skipped. With an idempotency key each row carries `<key>#<index>`, so that a repeat after
 * a crash half-way completes the import and reports the rows of the first run as created.
 */
export async function insertRecords<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  rows: Row<T>[],
  options: { idempotency?: IdempotencyRequest | undefined; duplicateReason: string },
): Promise<RowOutcome<T>[]> {
  const { idempotency } = options;
  const earlier = idempotency
    ? await earlierRows(ctx, entity, workspaceId, rows.length, idempotency)
    : new Map<number, T>();
  const outcomes = new Map<number, RowOutcome<T>>();
  const pending: { index: number; record: T }[] = [];

  for (const [index, row] of rows.entries()) {
    const answered = earlier.get(index);
    if (answered) outcomes.set(index, { status: 'created', record: originalOf(answered) });
    else if ('error' in row) outcomes.set(index, { status: 'error', reason: row.error });
    else {
      const rowKey = idempotency && { key: `${idempotency.key}#${index}`, request: idempotency.request };
      pending.push({
        index,
        record: await newRecord(ctx, entity, workspaceId, row.fields, { idempotency: rowKey }),
      });
    }
  }

  const startedAt = ctx.clock.now();
  const collection = entity.collection(ctx.db);
  const rejected = await collection.insertMany(
    workspaceId,
    pending.map(({ record }) => record),
  );
  // The same request may run twice in parallel: then some rows were inserted by the other run just now.
  const parallel =
    idempotency && rejected.size > 0
      ? await earlierRows(ctx, entity, workspaceId, rows.length, idempotency)
      : earlier;
  for (const [position, { index, record }] of pending.entries()) {
    const error = rejected.get(position);
    const answered = parallel.get(index);
    if (error !== undefined && answered) {
      outcomes.set(index, { status: 'created', record: originalOf(answered) });
    } else if (error === undefined) {
      const settled = await restampIfSlow(ctx, entity, record, startedAt);
      ctx.relay.hand(collection.name, settled);
      outcomes.set(index, { status: 'created', record: settled });
    } else if (duplicateKeyFields(error)) {
      outcomes.set(index, { status: 'skipped', reason: options.duplicateReason });
    } else throw error;
  }
  return rows.map((_, index) => outcomes.get(index) as RowOutcome<T>);
}

/** The rows that an earlier run of the same request inserted, by index. */
async function earlierRows<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  rowCount: number,
  idempotency: IdempotencyRequest,
): Promise<Map<number, T>> {
  const keys = Array.from({ length: rowCount }, (_, index) => `${idempotency.key}#${index}`);
  const found = await entity
    .collection(ctx.db)
    .find(workspaceId, { 'idempotency.key': { $in: keys } } as never, { hint: 'answered_requests' })
    .toArray();
  const live = found.filter((record) => !isExpired(ctx, record.idempotency));
  for (const record of live) assertSameRequest(record.idempotency, idempotency);
  return new Map(live.map((record) => [keys.indexOf(record.idempotency?.key ?? ''), record]));
}
