import { Schema } from 'mongoose';
import { globalCollection } from '../../infra/mongo.ts';
import type { ObjectId } from '../../lib/ids.ts';

/** One signed-in browser or script; deleting it signs out. */
export interface Session {
  _id: ObjectId;
  userId: ObjectId;
  /** Of the password that it was opened with; worth nothing after another one was set. */
  generation: number;
  /** Where it was opened, by which its owner recognises it. */
  address: string;
  userAgent?: string;
  expiresAt: Date;
  createdAt: Date;
}

const sessionSchema = new Schema<Session>({
  userId: { type: Schema.Types.ObjectId, required: true },
  generation: { type: Number, required: true },
  address: { type: String, required: true },
  userAgent: String,
  expiresAt: { type: Date, required: true },
  createdAt: { type: Date, required: true },
});
// The sessions of an account, the newest first.
sessionSchema.index({ userId: 1, _id: -1 }, { name: 'of_account' });
// Clears up; expiry itself is checked when reading.
sessionSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export const sessions = globalCollection<Session>('sessions', sessionSchema);
