import { Schema } from 'mongoose';
import type { Context } from '../context.ts';
import { tenantCollection } from '../infra/mongo.ts';
import { duplicateKeyFields } from '../infra/mongo-errors.ts';
import type { TenantDocument } from '../infra/tenant-collection.ts';
import { ObjectId } from '../lib/ids.ts';
import type { RowOutcome } from './bulk.ts';
import { assertSameRequest, type IdempotencyRequest, isExpired, keptMs, originalOf } from './idempotency.ts';
import type { Entity, IdempotencyMark, RecordDocument } from './record.ts';

/**
 * What became of each row of a bulk request with an Idempotency-Key. The rows that were made carry the key themselves,
 * but that another one was refused is seen nowhere else, and would not be so any more once what it was a duplicate of
 * is archived. Stored before the answer leaves; a process that dies before that leaves it to the retry.
 */
interface BulkAnswer extends TenantDocument {
  idempotency: IdempotencyMark;
  rows: RememberedRow[];
}

type RememberedRow = { id: ObjectId } | { status: 'skipped' | 'error'; reason: string };

const bulkAnswerSchema = new Schema<BulkAnswer>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  idempotency: { type: Schema.Types.Mixed, required: true },
  rows: [Schema.Types.Mixed],
});
// Which answer a retry gets; of parallel requests with one key the first answer counts for all.
bulkAnswerSchema.index({ workspaceId: 1, 'idempotency.key': 1 }, { name: 'answered', unique: true });
bulkAnswerSchema.index({ 'idempotency.at': 1 }, { name: 'expiry', expireAfterSeconds: keptMs / 1_000 });

const bulkAnswers = tenantCollection<BulkAnswer>('bulk_answers', bulkAnswerSchema);

/**
 * The outcomes of an earlier request with the same key that was answered, or about to be.
 * @throws AppError invalid when the key was used with another body
 */
export async function recallBulk<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  idempotency: IdempotencyRequest,
): Promise<RowOutcome<T>[] | undefined> {
  const answer = await bulkAnswers(ctx.db).findOne(
    workspaceId,
    { 'idempotency.key': idempotency.key },
    { hint: 'answered' },
  );
  if (!answer) return undefined;
  if (isExpired(ctx, answer.idempotency)) {
    await bulkAnswers(ctx.db).deleteMany(workspaceId, { _id: answer._id });
    return undefined;
  }
  assertSameRequest(answer.idempotency, idempotency);
  const ids = answer.rows.flatMap((row) => ('id' in row ? [row.id] : []));
  const found = await entity
    .collection(ctx.db)
    .findPage(workspaceId, { _id: { $in: ids } } as never, { limit: ids.length + 1, hint: '_id_' });
  const records = new Map(found.map((record) => [record._id.toHexString(), record]));
  return answer.rows.map((row) => {
    if (!('id' in row)) return row;
    const record = records.get(row.id.toHexString());
    if (!record) return { status: 'skipped', reason: 'Deleted since' };
    return { status: 'created', record: originalOf(record), isReplay: true };
  });
}

/** @returns the outcomes to answer with: those of a parallel request with the same key where that was quicker */
export async function rememberBulk<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  idempotency: IdempotencyRequest,
  outcomes: RowOutcome<T>[],
): Promise<RowOutcome<T>[]> {
  const rows = outcomes.map((outcome) =>
    outcome.status === 'created' ? { id: outcome.record._id } : outcome,
  );
  const answer = {
    _id: new ObjectId(),
    workspaceId,
    idempotency: { ...idempotency, at: ctx.clock.now() },
    rows,
  };
  const [error] = (await bulkAnswers(ctx.db).insertMany(workspaceId, [answer])).values();
  if (!error) return outcomes;
  if (!duplicateKeyFields(error)) throw error;
  return (await recallBulk(ctx, entity, workspaceId, idempotency)) ?? outcomes;
}
