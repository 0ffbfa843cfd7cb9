import { Schema } from 'mongoose';
import { globalCollection } from '../../infra/mongo.ts';
import type { ObjectId } from '../../lib/ids.ts';
import type { OneTimeSecret } from '../one-time-token.ts';

/** A person who can sign in. */
export interface User {
  _id: ObjectId;
  name: string;
  email: string;
  /** argon2id. */
  passwordHash: string;
  /** Rises with every new password: sessions of an earlier one are worth nothing from that write on. */
  generation: number;
  /** When its owner showed to receive the address's mail. */
  emailVerifiedAt?: Date;
  /** What was mailed and not yet used. */
  verification?: OneTimeSecret;
  reset?: OneTimeSecret;
  createdAt: Date;
}

const oneTimeSecret = { _id: false, tokenHash: String, expiresAt: Date };

const userSchema = new Schema<User>({
  name: { type: String, required: true },
  email: { type: String, required: true },
  passwordHash: { type: String, required: true },
  generation: { type: Number, required: true },
  emailVerifiedAt: Date,
  verification: oneTimeSecret,
  reset: oneTimeSecret,
  createdAt: { type: Date, required: true },
});
// Login; one account per address.
userSchema.index({ email: 1 }, { name: 'email', unique: true });
// Whose mail a token came by.
userSchema.index({ 'verification.tokenHash': 1 }, { name: 'verification', sparse: true });
userSchema.index({ 'reset.tokenHash': 1 }, { name: 'reset', sparse: true });

export const users = globalCollection<User>('users', userSchema);
