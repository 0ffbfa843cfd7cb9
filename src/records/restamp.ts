import mongoose, { type mongo } from 'mongoose';
import type { Clock } from '../infra/clock.ts';
import type { TenantCollection } from '../infra/tenant-collection.ts';
import type { ObjectId } from '../lib/ids.ts';
import { storeFields } from './owe.ts';
import type { RecordDocument } from './record.ts';
import { lateStoreMs, slowWriteMs } from './timing.ts';

/** `updatedAt` of a change: the server's time, and always later than the last one. */
const risingNow = { $max: ['$$NOW', { $add: ['$updatedAt', 1] }] };

/** The server puts its own time, in whole seconds, in the place of this one when it stores a record. */
export const storedNow = (): mongo.Timestamp => new mongoose.mongo.Timestamp({ t: 0, i: 0 });

/** The very version of the record; and its idempotency mark, which nothing here may bring back once it was let go. */
export const sameVersion = ({ _id, updatedAt, idempotency }: RecordDocument) => ({
  _id,
  updatedAt,
  ...(idempotency ? { 'idempotency.at': idempotency.at } : {}),
});

const keepOriginal = [
  { $set: { 'idempotency.original': '$$ROOT' } },
  { $unset: storeFields.map((name) => `idempotency.original.${name}`) },
];

/** A stamp is no change, but those who retry the create that the record answers are to see the first one. */
const stampOf = ({ idempotency }: RecordDocument): mongo.Document[] => [
  ...(idempotency && !idempotency.original ? keepOriginal : []),
  { $set: { updatedAt: risingNow } },
];

/** Gives a record a later updatedAt, unless it has changed since; a sync reader may have passed the one that it has. */
export async function restamp<T extends RecordDocument>(
  collection: TenantCollection<T>,
  record: T,
): Promise<T> {
  const { workspaceId } = record;
  const stamped = await collection.findOneAndUpdate(
    workspaceId,
    sameVersion(record) as mongo.Filter<T>,
    stampOf(record),
  );
  return stamped ?? record;
}

/** Stamps a record again when writing it took long. @param startedAt when the record's time was taken */
export const restampIfSlow = async <T extends RecordDocument>(
  clock: Clock,
  collection: TenantCollection<T>,
  record: T,
  startedAt: Date,
): Promise<T> => (isSlow(clock, startedAt) ? restamp(collection, record) : record);

/** Stamps a record again that lay before a server which did not answer, and whose writer has not done so. */
export const restampIfLate = async <T extends RecordDocument>(
  collection: TenantCollection<T>,
  record: T,
): Promise<T> => (isLate(record) ? restamp(collection, record) : record);

/** The same as `restampIfSlow` for records that were inserted together; in their order. */
export async function restampAllIfSlow<T extends RecordDocument>(
  clock: Clock,
  collection: TenantCollection<T>,
  workspaceId: ObjectId,
  records: T[],
  startedAt: Date,
): Promise<T[]> {
  const [first] = records;
  if (!first || !isSlow(clock, startedAt)) return records;
  const ofRecords = { _id: { $in: records.map(({ _id }) => _id) } };
  const unchanged = { ...ofRecords, version: 1 } as mongo.Filter<T>;
  await collection.updateMany(workspaceId, unchanged, stampOf(first), { hint: { _id: 1 } });
  const found = await collection.findPage(workspaceId, ofRecords as mongo.Filter<T>, {
    limit: records.length,
    hint: '_id_',
  });
  const stamped = new Map(found.map((record) => [record._id.toHexString(), record]));
  return records.map((record) => stamped.get(record._id.toHexString()) ?? record);
}

const isSlow = (clock: Clock, startedAt: Date): boolean =>
  clock.now().getTime() - startedAt.getTime() >= slowWriteMs;

/** Whatever changed a record later, or stamped it again, did so when it could be seen. */
const isLate = ({ version, storedAt, updatedAt }: RecordDocument): boolean =>
  version === 1 && storedAt !== undefined && storedAt.t * 1_000 - updatedAt.getTime() >= lateStoreMs;
