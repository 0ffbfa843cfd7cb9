import { Schema } from 'mongoose';
import { tenantCollection } from '../../infra/mongo.ts';
import { declareRecordIndexes } from '../../records/list.ts';
import type { RecordDocument } from '../../records/record.ts';
import { recordFields } from '../../records/schema.ts';

export interface Lead extends RecordDocument {
  name: string;
  mobileNumber?: string;
  /** Normalised, for finding duplicates. */
  mobileE164?: string;
  email?: string;
  company?: string;
  city?: string;
  status?: string;
  leadStage?: string;
  source?: string;
  tags?: string[];
  description?: string;
  /** User id of a team member. */
  assignedTo?: string;
  fields?: Record<string, unknown>;
  /** The customer that the lead became. */
  customerId?: string;
}

const leadSchema = new Schema<Lead>({
  ...recordFields,
  name: { type: String, required: true },
  mobileNumber: String,
  mobileE164: String,
  email: String,
  company: String,
  city: String,
  status: String,
  leadStage: String,
  source: String,
  tags: { type: [String], default: undefined },
  description: String,
  assignedTo: String,
  fields: Schema.Types.Mixed,
  customerId: String,
});
declareRecordIndexes(leadSchema);
// One live lead per phone number; the duplicate check and messages that come in look here too.
leadSchema.index(
  { workspaceId: 1, mobileE164: 1 },
  {
    name: 'unique_phone',
    unique: true,
    partialFilterExpression: { archived: false, mobileE164: { $exists: true } },
  },
);

export const leads = tenantCollection<Lead>('leads', leadSchema);
