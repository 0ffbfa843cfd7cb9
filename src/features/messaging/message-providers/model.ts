import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { TenantDocument } from '../../../infra/tenant-collection.ts';
import { type Channel, channels } from '../channels.ts';

/** A workspace's account with the provider of one channel. */
export interface ProviderAccount extends TenantDocument {
  channel: Channel;
  /** The credentials, sealed with the server's encryption key. */
  sealed: string;
  createdAt: Date;
  updatedAt: Date;
}

const accountSchema = new Schema<ProviderAccount>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  channel: { type: String, enum: channels, required: true },
  sealed: { type: String, required: true },
  createdAt: { type: Date, required: true },
  updatedAt: { type: Date, required: true },
});
// The account that serves a channel: at most one.
accountSchema.index({ workspaceId: 1, channel: 1 }, { name: 'channel', unique: true });

export const providerAccounts = tenantCollection<ProviderAccount>('provider_accounts', accountSchema);
