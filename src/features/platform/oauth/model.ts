import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { TenantDocument } from '../../../infra/tenant-collection.ts';
import type { ObjectId } from '../../../lib/ids.ts';

/**
 * The chain of refresh tokens that one exchange of client credentials began. Only the hash of the newest is kept: a
 * token of the family that is not the newest was spent, and its use gives a theft away.
 */
export interface TokenFamily extends TenantDocument {
  apiKeyId: ObjectId;
  /** The API key's generation at the start; a later one ends the family. */
  generation: number;
  currentHash: string;
  revokedAt?: Date;
  expiresAt: Date;
  createdAt: Date;
}

const tokenFamilySchema = new Schema<TokenFamily>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  apiKeyId: { type: Schema.Types.ObjectId, required: true },
  generation: { type: Number, required: true },
  currentHash: { type: String, required: true },
  revokedAt: Date,
  expiresAt: { type: Date, required: true },
  createdAt: { type: Date, required: true },
});
// Clears up; expiry itself is checked when reading.
tokenFamilySchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export const tokenFamilies = tenantCollection<TokenFamily>('token_families', tokenFamilySchema);
