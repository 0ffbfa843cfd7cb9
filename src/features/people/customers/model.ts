import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { Money } from '../../../lib/money.ts';
import { declareRecordIndexes } from '../../../records/list.ts';
import type { RecordDocument } from '../../../records/record.ts';
import { recordFields } from '../../../records/schema.ts';

export interface Customer extends RecordDocument {
  /** The lead that became this customer, as a lower-case id; it never changes. */
  leadId: string;
  name: string;
  email?: string;
  phone?: string;
  mobileNumber?: string;
  /** User ids of team members: one, or several. */
  assignedTo?: string | string[];
  selectedPropertyId?: string;
  /** Of a property that is not in the inventory. */
  customPropertyName?: string;
  dealDate?: Date;
  dealAmount?: Money;
  commissionAmount?: Money;
  successNotes?: string;
  fields?: Record<string, unknown>;
}

const money = { _id: false, type: { amount: String, currency: String }, default: undefined };

const customerSchema = new Schema<Customer>({
  ...recordFields,
  leadId: { type: String, required: true },
  name: { type: String, required: true },
  email: String,
  phone: String,
  mobileNumber: String,
  assignedTo: Schema.Types.Mixed,
  selectedPropertyId: String,
  customPropertyName: String,
  dealDate: Date,
  dealAmount: money,
  commissionAmount: money,
  successNotes: String,
  fields: Schema.Types.Mixed,
});
declareRecordIndexes(customerSchema);
// One live customer per lead; archiving a customer that was made by mistake lets its lead be converted again.
customerSchema.index(
  { workspaceId: 1, leadId: 1 },
  { name: 'unique_lead', unique: true, partialFilterExpression: { archived: false } },
);

export const customers = tenantCollection<Customer>('customers', customerSchema);
