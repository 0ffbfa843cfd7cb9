import { Schema } from 'mongoose';
import { ObjectId } from '../lib/ids.ts';
import { type Database, globalCollection } from './mongo.ts';
import { duplicateKeyFields } from './mongo-errors.ts';

/**
 * Work that one process of the fleet does at a time. Whoever holds the lease goes on holding it by asking again; when
 * it dies the lease ends by itself. The database server's clock decides, so no two processes' clocks have to agree.
 */
export interface Lease {
  /** Takes the lease where it is free, or renews it. @returns whether this process holds it for its duration from now */
  hold(): Promise<boolean>;
  /** The same, and tells when it ends by the database server's clock. @returns undefined when another holds it */
  holdUntil(): Promise<Date | undefined>;
  /** Lets go, so that another process need not wait for the end. */
  release(): Promise<void>;
}

interface LeaseDocument {
  /** What the lease is for. */
  _id: string;
  holder: ObjectId;
  until: Date;
}

const leaseSchema = new Schema<LeaseDocument>({
  _id: { type: String, required: true },
  holder: { type: Schema.Types.ObjectId, required: true },
  until: { type: Date, required: true },
});

const leases = globalCollection<LeaseDocument>('leases', leaseSchema);

export function createLease(db: Database, name: string, durationMs: number): Lease {
  const holder = new ObjectId();
  const isMine = {
    $or: [{ $eq: ['$holder', holder] }, { $lte: [{ $ifNull: ['$until', '$$NOW'] }, '$$NOW'] }],
  };
  const take = [
    {
      $set: {
        holder: { $cond: [isMine, holder, '$holder'] },
        until: { $cond: [isMine, { $add: ['$$NOW', durationMs] }, '$until'] },
      },
    },
  ];
  const holdUntil = async () => {
    try {
      // What another process holds is left as it is, which costs the server no write.
      const lease = await leases(db).findOneAndUpdate({ _id: name }, take, {
        upsert: true,
        returnDocument: 'after',
      });
      return lease?.holder.equals(holder) ? lease.until : undefined;
    } catch (error) {
      // Two were the first to ask.
      if (duplicateKeyFields(error)) return undefined;
      throw error;
    }
  };
  return {
    hold: async () => (await holdUntil()) !== undefined,
    holdUntil,
    async release() {
      await leases(db).deleteOne({ _id: name, holder });
    },
  };
}
