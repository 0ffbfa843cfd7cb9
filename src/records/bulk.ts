import type { Context } from '../context.ts';
import { duplicateKeyFields, isMongoUnavailable } from '../infra/mongo-errors.ts';
import { AppError, cut } from '../lib/errors.ts';
import type { ObjectId } from '../lib/ids.ts';
import type { Author } from '../tenancy/actor.ts';
import {
  assertSameRequest,
  type IdempotencyRequest,
  isExpired,
  originalOf,
  releaseKey,
} from './idempotency.ts';
import { newRecord } from './insert.ts';
import type { Entity, Managed, RecordDocument } from './record.ts';
import { restampAllIfSlow, restampIfLate } from './restamp.ts';

export type RowOutcome<T> =
  | { status: 'created'; record: T; isReplay: boolean }
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
  author: Author,
  rows: Row<T>[],
  options: { idempotency?: IdempotencyRequest | undefined; duplicateReason: string },
): Promise<RowOutcome<T>[]> {
  const { idempotency } = options;
  const { workspaceId } = author;
  const earlier = idempotency
    ? await earlierRows(ctx, entity, workspaceId, idempotency)
    : new Map<number, T>();
  const outcomes = new Map<number, RowOutcome<T>>();
  const pending: { index: number; record: T }[] = [];
  const startedAt = ctx.clock.now();

  for (const [index, row] of rows.entries()) {
    const answered = earlier.get(index);
    if (answered) outcomes.set(index, replayed(answered));
    else if ('error' in row) outcomes.set(index, { status: 'error', reason: row.error });
    else {
      const rowKey = idempotency && { key: `${idempotency.key}#${index}`, request: idempotency.request };
      try {
        const record = await newRecord(ctx, entity, author, row.fields, { idempotency: rowKey });
        pending.push({ index, record });
      } catch (error) {
        outcomes.set(index, { status: 'error', reason: reasonOf(error) });
      }
    }
  }

  const collection = entity.collection(ctx.db);
  const records = pending.map(({ record }) => record);
  const rejected = await collection.insertMany(workspaceId, records).catch((error: unknown) => {
    if (isMongoUnavailable(error)) ctx.doubts.add(collection.name, records);
    throw error;
  });
  // The same request may run twice in parallel: then some rows were inserted by the other run just now.
  const parallel =
    idempotency && rejected.size > 0 ? await earlierRows(ctx, entity, workspaceId, idempotency) : earlier;
  const inserted = pending.filter((_, position) => !rejected.has(position)).map(({ record }) => record);
  const settled = await restampAllIfSlow(ctx.clock, collection, workspaceId, inserted, startedAt);
  for (const record of settled) ctx.relay.hand(collection.name, record);
  let created = 0;
  for (const [position, { index }] of pending.entries()) {
    const error = rejected.get(position);
    const answered = parallel.get(index);
    if (error === undefined) {
      const record = originalOf(settled[created++] as T);
      outcomes.set(index, { status: 'created', record, isReplay: false });
    } else if (answered) {
      outcomes.set(index, replayed(answered));
    } else if (duplicateKeyFields(error)) {
      outcomes.set(index, { status: 'skipped', reason: options.duplicateReason });
    } else throw error;
  }
  return rows.map((_, index) => outcomes.get(index) as RowOutcome<T>);
}

/** The reasons of 500 rows are one answer. */
const reasonLengthMax = 300;

/** Why a row can't be a record. @throws what is not the row's fault */
export function reasonOf(error: unknown): string {
  if (!(error instanceof AppError) || error.status >= 500) throw error;
  const details = Object.entries(error.details ?? {}).map(
    ([path, messages]) => `${path}: ${messages.join(', ')}`,
  );
  return cut(details.join('; ') || error.message, reasonLengthMax);
}

const replayed = <T extends RecordDocument>(record: T): RowOutcome<T> => ({
  status: 'created',
  record: originalOf(record),
  isReplay: true,
});

/**
 * The rows that an earlier run of the same request inserted, by index. Keys that have expired are freed, as a create
 * frees them. @throws AppError invalid when the key was used with another body
 */
async function earlierRows<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  idempotency: IdempotencyRequest,
): Promise<Map<number, T>> {
  const prefix = `${idempotency.key}#`;
  // $ follows # in the order of characters, so these are the keys that begin with the prefix.
  const ofRequest = { $gte: prefix, $lt: `${idempotency.key}$` };
  const collection = entity.collection(ctx.db);
  const found = await collection
    .find(workspaceId, { 'idempotency.key': ofRequest } as never, { hint: 'answered_requests' })
    .toArray();
  const rows = new Map<number, T>();
  for (const record of found) {
    if (isExpired(ctx, record.idempotency)) {
      await releaseKey(ctx, entity, workspaceId, record);
      continue;
    }
    assertSameRequest(record.idempotency, idempotency);
    const index = Number(record.idempotency?.key.slice(prefix.length));
    rows.set(index, await restampIfLate(collection, record));
  }
  return rows;
}
