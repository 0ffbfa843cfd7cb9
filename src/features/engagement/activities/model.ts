import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { declareRecordIndexes } from '../../../records/list.ts';
import type { RecordDocument } from '../../../records/record.ts';
import { recordFields } from '../../../records/schema.ts';

export const activityTypes = ['comment', 'note', 'call', 'email', 'event'] as const;
export type ActivityType = (typeof activityTypes)[number];

export const callDirections = ['inbound', 'outbound'] as const;
export const callOutcomes = ['completed', 'busy', 'no-answer', 'voicemail', 'missed'] as const;

export interface Call {
  direction: (typeof callDirections)[number];
  /** 0: missed. */
  durationSeconds: number;
  outcome: (typeof callOutcomes)[number];
}

/** Something that happened around a lead: what somebody wrote, a call, an email, an event. */
export interface Activity extends RecordDocument {
  leadId: ObjectId;
  type: ActivityType;
  /** Lead and type in one value, so that one facet finds a lead's comments among thousands of calls. */
  thread: string;
  title?: string;
  description?: string;
  /** Who did it: a user's id, or an API key's. */
  userId: string;
  /** When it happened, as opposed to when it was written down. */
  occurredAt: Date;
  call?: Call;
}

const activitySchema = new Schema<Activity>({
  ...recordFields,
  leadId: { type: Schema.Types.ObjectId, required: true },
  type: { type: String, enum: activityTypes, required: true },
  thread: { type: String, required: true },
  title: String,
  description: String,
  userId: { type: String, required: true },
  occurredAt: { type: Date, required: true },
  call: {
    _id: false,
    type: {
      direction: { type: String, enum: callDirections },
      durationSeconds: Number,
      outcome: { type: String, enum: callOutcomes },
    },
    default: undefined,
  },
});
declareRecordIndexes(activitySchema);
// The log of one type over a span of time, such as all calls of a month.
activitySchema.index({ workspaceId: 1, type: 1, occurredAt: -1, _id: -1 }, { name: 'log' });
// The same of one lead, and all of its activities when the lead is deleted.
activitySchema.index(
  { workspaceId: 1, leadId: 1, type: 1, occurredAt: -1, _id: -1 },
  { name: 'log_of_lead' },
);

export const threadOf = (leadId: ObjectId, type: ActivityType): string => `${leadId.toHexString()} ${type}`;

export const activities = tenantCollection<Activity>('activities', activitySchema);
