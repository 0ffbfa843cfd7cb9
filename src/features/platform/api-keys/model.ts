import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { TenantDocument } from '../../../infra/tenant-collection.ts';
import type { RateLimits } from '../../../tenancy/actor.ts';

/** One integration's credentials: an API key, and a client id and secret for OAuth. Only their hashes are stored. */
export interface ApiKey extends TenantDocument {
  /** Name of the kind: the contract that the key opens. */
  kind: string;
  name: string;
  clientId: string;
  keyHash: string;
  /** How the key begins, where its kind shows that. */
  keyStart?: string;
  /** Of kinds that have client secrets. */
  secretHash?: string;
  scopes: string[];
  /** In place of scopes, for contracts that have none. */
  permissions?: string[];
  /** Inactive: switched off, and can be switched on again. */
  status: 'active' | 'inactive' | 'revoked';
  /** Rises when the credentials change; tokens of an earlier generation are dead. */
  generation: number;
  limits?: Partial<RateLimits>;
  /** Addresses or CIDR ranges that may use the key; empty: all. */
  allowedIps: string[];
  expiresAt?: Date;
  /** To the minute. */
  lastUsedAt?: Date;
  createdBy: string;
  createdAt: Date;
  updatedAt: Date;
}

const apiKeySchema = new Schema<ApiKey>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  kind: { type: String, required: true },
  name: { type: String, required: true },
  clientId: { type: String, required: true },
  keyHash: { type: String, required: true },
  keyStart: String,
  secretHash: String,
  scopes: [String],
  permissions: { type: [String], default: undefined },
  status: { type: String, enum: ['active', 'inactive', 'revoked'], required: true },
  generation: { type: Number, required: true },
  limits: { perMinute: Number, perHour: Number },
  allowedIps: [String],
  expiresAt: Date,
  lastUsedAt: Date,
  createdBy: String,
  createdAt: { type: Date, required: true },
  updatedAt: { type: Date, required: true },
});
// The portal's list.
apiKeySchema.index({ workspaceId: 1, _id: -1 });
// Authentication: the credential names its workspace, not the other way round.
apiKeySchema.index({ keyHash: 1 }, { unique: true });
apiKeySchema.index({ clientId: 1 }, { unique: true });

export const apiKeys = tenantCollection<ApiKey>('api_keys', apiKeySchema);
