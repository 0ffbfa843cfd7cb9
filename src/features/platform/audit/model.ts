import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { TenantDocument } from '../../../infra/tenant-collection.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Author } from '../../../tenancy/actor.ts';

/** What was done that can't be seen in the records themselves any more. */
export interface AuditRow extends TenantDocument {
  action: 'lead.deleted';
  recordId: ObjectId;
  /** Who did it: the credential's or user's id. */
  actorId: string;
  /** The same as the history tells it; absent in rows from before there was one. */
  author?: Pick<Author, 'kind' | 'contract'>;
  at: Date;
  /** Set while the action is under way; the sweep finishes what a dead process left. */
  isUnfinished?: true;
}

const auditSchema = new Schema<AuditRow>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  action: { type: String, required: true },
  recordId: { type: Schema.Types.ObjectId, required: true },
  actorId: { type: String, required: true },
  author: Schema.Types.Mixed,
  at: { type: Date, required: true },
  isUnfinished: Boolean,
});
// A workspace's history.
auditSchema.index({ workspaceId: 1, at: -1 });
// The sweep for what a dead process left.
auditSchema.index({ isUnfinished: 1, at: 1 }, { name: 'unfinished', sparse: true });

export const auditRows = tenantCollection<AuditRow>('audit', auditSchema);
