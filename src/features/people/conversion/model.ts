import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { TenantDocument } from '../../../infra/tenant-collection.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Author } from '../../../tenancy/actor.ts';
import type { ConversionInput } from './schema.ts';

/** A record that a conversion found or made. */
export interface Part {
  id: ObjectId;
  isNew: boolean;
}

/** The one conversion of a lead: its id is the lead's, so there is no second. */
export interface Conversion extends TenantDocument {
  input: ConversionInput;
  /** Who asked for it. */
  author: Omit<Author, 'workspaceId'>;
  at: Date;
  company?: Part;
  contact?: Part;
  deal?: Part;
  convertedAt?: Date;
  /** Until all of it is done. */
  isUnfinished?: boolean;
}

/** One that is done. */
export type Finished = Conversion & Required<Pick<Conversion, 'contact' | 'convertedAt'>>;

const conversionSchema = new Schema<Conversion>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  input: { type: Schema.Types.Mixed, required: true },
  author: { type: Schema.Types.Mixed, required: true },
  at: { type: Date, required: true },
  company: Schema.Types.Mixed,
  contact: Schema.Types.Mixed,
  deal: Schema.Types.Mixed,
  convertedAt: Date,
  isUnfinished: Boolean,
});
// The sweep for what a dead process left.
conversionSchema.index({ isUnfinished: 1, at: 1 }, { name: 'unfinished', sparse: true });

export const conversions = tenantCollection<Conversion>('lead_conversions', conversionSchema);
