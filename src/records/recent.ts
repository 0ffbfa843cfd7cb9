import { LRUCache } from 'lru-cache';
import mongoose from 'mongoose';
import type { ObjectId } from '../lib/ids.ts';
import type { RecordDocument } from './record.ts';

/**
 * The records that this process has changed last, as they were then: a guess for the next change of the same record,
 * which saves it a read. Whoever goes by it writes on condition that the record is still so, and asks the database for
 * anything else.
 */
export interface RecentRecords {
  get(workspaceId: ObjectId, id: ObjectId): RecordDocument | undefined;
  keep(record: RecordDocument): void;
}

const bytesMax = 8 * 1_024 * 1_024;
/** Few are larger, and what they cost to change is not the read. */
const recordBytesMax = 32 * 1_024;

export function createRecentRecords(): RecentRecords {
  const records = new LRUCache<string, RecordDocument>({
    maxSize: bytesMax,
    maxEntrySize: recordBytesMax,
    sizeCalculation: (record) => mongoose.mongo.BSON.calculateObjectSize(record, { ignoreUndefined: true }),
  });
  return {
    get(workspaceId, id) {
      const record = records.get(id.toHexString());
      return record?.workspaceId.equals(workspaceId) ? record : undefined;
    },
    keep(record) {
      records.set(record._id.toHexString(), record);
    },
  };
}
