import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { TenantDocument } from '../../../infra/tenant-collection.ts';

/** Something that a workspace's admins were told. */
export interface Notification extends TenantDocument {
  subject: string;
  text: string;
  createdAt: Date;
  /** Absent while the server has no mail server to send it by, or sending failed. */
  mailedAt?: Date;
}

const notificationSchema = new Schema<Notification>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  subject: { type: String, required: true },
  text: { type: String, required: true },
  createdAt: { type: Date, required: true },
  mailedAt: Date,
});
// A workspace's notifications, newest first.
notificationSchema.index({ workspaceId: 1, createdAt: -1, _id: -1 }, { name: 'list' });

export const notifications = tenantCollection<Notification>('notifications', notificationSchema);
