import type { Context } from '../context.ts';
import { duplicateKeyFields, isMongoUnavailable } from '../infra/mongo-errors.ts';
import { AppError } from '../lib/errors.ts';
import type { ObjectId } from '../lib/ids.ts';
import type { Entity, IdempotencyMark, RecordDocument } from './record.ts';
import { restampIfLate } from './restamp.ts';

/**
 * Idempotent creates without locks. The record itself carries the key of the request that made it, under a unique
 * index, written in the same operation. So of any number of parallel requests with one key a single insert wins,
 * however many processes race and whenever one of them dies; every other request finds the winner's record and
 * answers as the first did. Redis plays no part. When the record changes later, the change keeps the first state
 * (`original`), so that a retry hours later still gets the original answer. After 24 hours the key is free again, and
 * soon after that the mark is gone (see marks).
 */
export interface IdempotencyRequest {
  key: string;
  request: string;
}

export interface Created<T> {
  record: T;
  isReplay: boolean;
}

export const keptMs = 24 * 60 * 60 * 1_000;

/**
 * Runs `create`; when it fails and an earlier request with the same key succeeded, returns that one's record instead.
 * @throws AppError invalid when the key was used with another body
 */
export async function createOnce<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  idempotency: IdempotencyRequest | undefined,
  create: () => Promise<T>,
): Promise<Created<T>> {
  try {
    return { record: await create(), isReplay: false };
  } catch (error) {
    // With the database away there is nowhere to look.
    if (!idempotency || isMongoUnavailable(error)) throw error;
    const earlier = await findAnswered(ctx, entity, workspaceId, idempotency.key);
    const isExpiredKey = earlier !== null && isExpired(ctx, earlier.idempotency);
    if (isExpiredKey) await releaseKey(ctx, entity, workspaceId, earlier);
    // Freed just now, here or by a parallel request: all of them begin again, and again one of them wins.
    if (isExpiredKey || (!earlier && isKeyTaken(error))) {
      return createOnce(ctx, entity, workspaceId, idempotency, create);
    }
    if (!earlier) throw error;
    assertSameRequest(earlier.idempotency, idempotency);
    const settled = await restampIfLate(entity.collection(ctx.db), earlier);
    return { record: originalOf(settled), isReplay: true };
  }
}

const isKeyTaken = (error: unknown): boolean =>
  duplicateKeyFields(error)?.includes('idempotency.key') ?? false;

export const markOf = (idempotency: IdempotencyRequest, at: Date): IdempotencyMark => ({
  ...idempotency,
  at,
});

/** @throws AppError invalid when the record answered another request under the same key */
export function assertSameRequest(mark: IdempotencyMark | undefined, idempotency: IdempotencyRequest): void {
  if (mark?.request === idempotency.request) return;
  throw new AppError('invalid', {
    message: 'Idempotency-Key was already used with another request body',
    details: { 'Idempotency-Key': ['Already used with another request body'] },
  });
}

/** The record as its create request was answered. */
export function originalOf<T extends RecordDocument>(record: T): T {
  const original = record.idempotency?.original;
  return original ? ({ ...original } as unknown as T) : record;
}

export const isExpired = (ctx: Context, mark: IdempotencyMark | undefined): boolean =>
  !mark || ctx.clock.now().getTime() - mark.at.getTime() > keptMs;

function findAnswered<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  key: string,
): Promise<T | null> {
  return entity
    .collection(ctx.db)
    .findOne(workspaceId, { 'idempotency.key': key } as never, { hint: 'answered_requests' });
}

/** Lets the key of an earlier request be used again. */
export async function releaseKey<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  record: T,
): Promise<void> {
  const filter = { _id: record._id, 'idempotency.at': record.idempotency?.at };
  await entity
    .collection(ctx.db)
    .updateOne(workspaceId, filter as never, { $unset: { idempotency: '' } } as never);
}
