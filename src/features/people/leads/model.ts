import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { Money } from '../../../lib/money.ts';
import { declareRecordIndexes } from '../../../records/list.ts';
import type { RecordDocument } from '../../../records/record.ts';
import { recordFields } from '../../../records/schema.ts';

export const leadPriorities = ['Low', 'Medium', 'High'] as const;
export type LeadPriority = (typeof leadPriorities)[number];

export interface Lead extends RecordDocument {
  name: string;
  mobileNumber?: string;
  /** Normalised, for finding duplicates. */
  mobileE164?: string;
  email?: string;
  /** The address, of a lead that has to stay the only live one with it (see mergeLead). */
  emailKey?: string;
  company?: string;
  city?: string;
  status?: string;
  leadStage?: string;
  source?: string;
  priority?: LeadPriority;
  /** What the deal may bring. */
  dealValue?: Money;
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
  emailKey: String,
  company: String,
  city: String,
  status: String,
  leadStage: String,
  source: String,
  priority: { type: String, enum: leadPriorities },
  dealValue: { _id: false, type: { amount: String, currency: String }, default: undefined },
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

// Leads that were merged by email: parallel creates of one address meet here.
leadSchema.index(
  { workspaceId: 1, emailKey: 1 },
  {
    name: 'unique_email',
    unique: true,
    partialFilterExpression: { archived: false, emailKey: { $exists: true } },
  },
);

export const leads = tenantCollection<Lead>('leads', leadSchema);
