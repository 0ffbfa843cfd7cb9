import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import { declareRecordIndexes } from '../../../records/list.ts';
import type { RecordDocument } from '../../../records/record.ts';
import { recordFields } from '../../../records/schema.ts';

export interface Contact extends RecordDocument {
  name: string;
  mobileNumber?: string;
  /** Normalised, for finding duplicates. */
  mobileE164?: string;
  /** A second number; it may be shared, so it makes no duplicates. */
  phone?: string;
  email?: string;
  company?: string;
  source?: string;
  tags?: string[];
  /** User id of a team member. */
  assignedTo?: string;
  fields?: Record<string, unknown>;
}

const contactSchema = new Schema<Contact>({
  ...recordFields,
  name: { type: String, required: true },
  mobileNumber: String,
  mobileE164: String,
  phone: String,
  email: String,
  company: String,
  source: String,
  tags: { type: [String], default: undefined },
  assignedTo: String,
  fields: Schema.Types.Mixed,
});
declareRecordIndexes(contactSchema);
// One live contact per mobile number; the answer to a duplicate looks here too.
contactSchema.index(
  { workspaceId: 1, mobileE164: 1 },
  {
    name: 'unique_phone',
    unique: true,
    partialFilterExpression: { archived: false, mobileE164: { $exists: true } },
  },
);

export const contacts = tenantCollection<Contact>('contacts', contactSchema);
