import type { Context } from '../context.ts';
import { duplicateKeyFields, isMongoUnavailable } from '../infra/mongo-errors.ts';
import { withoutUndefined } from '../lib/clean.ts';
import { ObjectId } from '../lib/ids.ts';
import type { Author } from '../tenancy/actor.ts';
import { facetsOfRecord } from './facets.ts';
import { noteOf } from './history.ts';
import { type IdempotencyRequest, markOf, originalOf } from './idempotency.ts';
import { sortKeysOf } from './orders.ts';
import { owedBy } from './owe.ts';
import type { Entity, Managed, RecordDocument } from './record.ts';
import { restampIfSlow, storedNow } from './restamp.ts';
import { assertRecordSize } from './size.ts';
import { tallyOf } from './tally.ts';

export interface InsertOptions {
  idempotency?: IdempotencyRequest | undefined;
  /** Makes the error for a unique rule of the entity that the record breaks, given the index's fields. */
  onDuplicate?: (fields: string[]) => Promise<Error>;
  /** Fixed by a caller that refers to the record before it exists. */
  id?: ObjectId;
}

/**
 * The whole document of a new record: the entity's fields plus everything that the store keeps.
 * @throws AppError invalid for one that is too large
 */
export async function newRecord<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  author: Author,
  fields: Omit<T, Managed>,
  options: InsertOptions = {},
): Promise<T> {
  const now = ctx.clock.now();
  const own = withoutEmptyFields(withoutUndefined(fields));
  const sortKeys = sortKeysOf(entity.orders, own);
  const record = {
    _id: options.id ?? new ObjectId(),
    workspaceId: author.workspaceId,
    ...own,
    archived: false,
    createdAt: now,
    updatedAt: now,
    version: 1,
    storedAt: storedNow(),
    facets: facetsOfRecord(entity.facets, own),
    ...(sortKeys ? { sortKeys } : {}),
  } as unknown as T;
  const tally = await tallyOf(ctx, entity, record);
  if (tally) record.tally = tally;
  assertRecordSize(entity, record);
  const { created = [] } = entity.events;
  const types = typeof created === 'function' ? created(record) : [created].flat();
  const note = entity.name === undefined ? undefined : noteOf('created', author);
  const owed = await owedBy(ctx, types, record, note);
  if (owed.length > 0) {
    record.owed = owed;
    record.owedSince = now;
  }
  if (options.idempotency) record.idempotency = markOf(options.idempotency, now);
  return record;
}

/** A custom field that is given as null has no value, and what has no value is left out. */
function withoutEmptyFields<T extends object>(own: T): T {
  const { fields } = own as { fields?: Record<string, unknown> };
  if (!fields || !Object.values(fields).includes(null)) return own;
  const given = Object.entries(fields).filter(([, value]) => value !== null);
  return { ...own, fields: Object.fromEntries(given) };
}

/**
 * Inserts one record with all that the write owes: its idempotency key and its event, in the same operation.
 * @throws what `onDuplicate` makes when a unique rule is broken; the driver's own error for the idempotency key's,
 * which `createOnce` understands
 */
export async function insertRecord<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  author: Author,
  fields: Omit<T, Managed>,
  options: InsertOptions = {},
): Promise<T> {
  const record = await newRecord(ctx, entity, author, fields, options);
  const collection = entity.collection(ctx.db);
  try {
    await collection.insertOne(record.workspaceId, record);
  } catch (error) {
    if (isMongoUnavailable(error)) ctx.doubts.add(collection.name, [record]);
    const broken = duplicateKeyFields(error);
    if (!broken || broken.includes('idempotency.key') || !options.onDuplicate) throw error;
    throw await options.onDuplicate(broken);
  }
  const settled = await restampIfSlow(ctx.clock, collection, record, record.createdAt);
  ctx.relay.hand(collection.name, settled);
  return originalOf(settled);
}
