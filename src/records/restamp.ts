import type { Context } from '../context.ts';
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
  if (ctx.clock.now().getTime() - startedAt.getTime() < slowWriteMs) return record;
  const restamped = await entity
    .collection(ctx.db)
    .findOneAndUpdate(record.workspaceId, { _id: record._id } as never, [{ $set: { updatedAt: risingNow } }]);
  return restamped ?? record;
}
