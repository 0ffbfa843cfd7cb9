import type { Context } from '../context.ts';
import type { ObjectId } from '../lib/ids.ts';
import type { Entity, RecordDocument } from './record.ts';
import { slowWriteMs } from './timing.ts';

/** `updatedAt` of a change: the server's time, and always later than the last one. */
export const risingNow = { $max: ['$$NOW', { $add: ['$updatedAt', 1] }] };

/**
 * Gives a record a later updatedAt when writing it took so long that a sync reader may have passed its time already.
 * @param startedAt when the record's time was taken
 */
export async function restampIfSlow<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  record: T,
  startedAt: Date,
): Promise<T> {
  if (!isSlow(ctx, startedAt)) return record;
  const restamped = await entity
    .collection(ctx.db)
    .findOneAndUpdate(record.workspaceId, { _id: record._id } as never, [{ $set: { updatedAt: risingNow } }]);
  return restamped ?? record;
}

/** The same for records that were inserted together; in their order. */
export async function restampAllIfSlow<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  records: T[],
  startedAt: Date,
): Promise<T[]> {
  if (!isSlow(ctx, startedAt) || records.length === 0) return records;
  const collection = entity.collection(ctx.db);
  const inserted = { _id: { $in: records.map(({ _id }) => _id) } } as never;
  await collection.updateMany(workspaceId, inserted, [{ $set: { updatedAt: risingNow } }], {
    hint: { _id: 1 },
  });
  const found = await collection.findPage(workspaceId, inserted, { limit: records.length, hint: '_id_' });
  const restamped = new Map(found.map((record) => [record._id.toHexString(), record]));
  return records.map((record) => restamped.get(record._id.toHexString()) ?? record);
}

const isSlow = (ctx: Context, startedAt: Date): boolean =>
  ctx.clock.now().getTime() - startedAt.getTime() >= slowWriteMs;
