import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { TenantDocument } from '../../../infra/tenant-collection.ts';

/** A message template of the workspace's WhatsApp Business account, as it was at the last sync. */
export interface WhatsappTemplate extends TenantDocument {
  name: string;
  language: string;
  category?: string;
  /** Meta's review: APPROVED, PENDING, REJECTED, … */
  status?: string;
  components: Record<string, unknown>[];
  /** Meta's id. */
  providerId?: string;
  syncedAt: Date;
}

const templateSchema = new Schema<WhatsappTemplate>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  name: { type: String, required: true },
  language: { type: String, required: true },
  category: String,
  status: String,
  components: [Schema.Types.Mixed],
  providerId: String,
  syncedAt: { type: Date, required: true },
});
// A template is known by name and language; the list is in that order.
templateSchema.index({ workspaceId: 1, name: 1, language: 1 }, { name: 'template', unique: true });

export const whatsappTemplates = tenantCollection<WhatsappTemplate>('whatsapp_templates', templateSchema);
