import { Schema } from 'mongoose';
import { globalCollection } from '../../infra/mongo.ts';
import type { ObjectId } from '../../lib/ids.ts';

/** A person who can sign in. */
export interface User {
  _id: ObjectId;
  name: string;
  email: string;
  /** argon2id. */
  passwordHash: string;
  createdAt: Date;
}

/** One signed-in browser or script; deleting it signs out. */
export interface Session {
  _id: ObjectId;
  userId: ObjectId;
  expiresAt: Date;
  createdAt: Date;
}

const userSchema = new Schema<User>({
  name: { type: String, required: true },
  email: { type: String, required: true },
  passwordHash: { type: String, required: true },
  createdAt: { type: Date, required: true },
});
// Login; one account per address.
userSchema.index({ email: 1 }, { unique: true });

const sessionSchema = new Schema<Session>({
  userId: { type: Schema.Types.ObjectId, required: true },
  expiresAt: { type: Date, required: true },
  createdAt: { type: Date, required: true },
});
// Clears up; expiry itself is checked when reading.
sessionSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export const users = globalCollection<User>('users', userSchema);
export const sessions = globalCollection<Session>('sessions', sessionSchema);
