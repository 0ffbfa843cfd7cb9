import { z } from 'zod';
import { withoutUndefined } from '../../../lib/clean.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { dateTime as dateTimeGiven } from '../../../lib/schemas.ts';
import { type DocumentOf, entity } from '../../../records/entity/entity.ts';
import { choice, dateTime, json, longText, member, recordId, text } from '../../../records/entity/kinds.ts';
import { number } from '../../../records/entity/structured-kinds.ts';

/** What the routes of leads know. */
export const leadActivityTypes = ['comment', 'note', 'call', 'email', 'event'] as const;
export const activityTypes = [...leadActivityTypes, 'meeting', 'task', 'message'] as const;
export type ActivityType = (typeof activityTypes)[number];

/** What an activity can be about. */
export const subjectTypes = ['lead', 'contact', 'company', 'deal', 'customer', 'property', 'task'] as const;
export type SubjectType = (typeof subjectTypes)[number];

export const activityStatuses = ['planned', 'completed', 'cancelled'] as const;

export const callDirections = ['inbound', 'outbound'] as const;
export const callOutcomes = ['completed', 'busy', 'no-answer', 'voicemail', 'missed'] as const;

export const call = z.object({
  direction: z.enum(callDirections),
  durationSeconds: z.int().min(0).max(86_400).describe('0: missed'),
  outcome: z.enum(callOutcomes),
});
export type Call = z.output<typeof call>;

const participants = z.array(z.string().trim().min(1).max(300)).max(100);

/** Something that happened around a record, or is to: what somebody wrote, a call, an email, a meeting. */
export const activityEntity = entity({
  name: 'activity',
  path: '/activities',
  fields: {
    /** Who did it: a user's id, or an API key's. */
    userId: text({ managed: true, required: true }),
    recordType: choice(subjectTypes, {
      required: true,
      given: 'once',
      describe: 'The kind of record it is about',
    }),
    recordId: text({
      required: true,
      given: 'once',
      filter: true,
      title: 'Record',
      describe: 'The record it is about',
    }),
    /** The record, where it is a lead. */
    leadId: recordId({ hidden: true, facet: true }),
    type: choice(activityTypes, { required: true, filter: true }),
    /** Lead and type in one value, so that one facet finds a lead's comments among thousands of calls. */
    thread: text({ hidden: true, facet: true }),
    title: text(),
    description: longText(),
    /** When it happened, as opposed to when it was written down. */
    occurredAt: dateTime({ required: true }),
    dueAt: dateTime(),
    durationSeconds: number({ min: 0, max: 31_536_000, step: 1 }),
    direction: choice(callDirections),
    outcome: text(),
    participants: json(
      { given: participants, shown: participants },
      { describe: 'Names, numbers or addresses' },
    ),
    assignedTo: member({ filter: true }),
    status: choice(activityStatuses, { filter: true }),
    /** A call as the routes of leads and call logs tell it. */
    call: json({ given: call, shown: call.meta({ id: 'Call' }) }, { hidden: true }),
  },
  events: { created: 'activity.created' },
  refine: { input: withoutTime, replace: withoutTime },
  // Activities of leads from before they were about other records too name only their lead.
  present: (shown, { leadId, call: known }) => ({
    ...(leadId ? { recordType: 'lead', recordId: leadId.toHexString() } : {}),
    ...known,
    ...withoutUndefined(shown),
  }),
  indexes: [
    {
      name: 'log',
      serves: 'the log of one type over a span of time, such as all calls of a month',
      keys: { type: 1, occurredAt: -1, _id: -1 },
    },
    {
      name: 'log_of_record',
      serves: 'the same of any other record',
      keys: { recordId: 1, type: 1, occurredAt: -1, _id: -1 },
      having: 'recordId',
    },
    {
      name: 'log_of_lead',
      serves: 'the same of one lead, and all of its activities when the lead is deleted',
      keys: { leadId: 1, type: 1, occurredAt: -1, _id: -1 },
    },
  ],
});

export type Activity = DocumentOf<typeof activityEntity>;

/** What happens now needs no time. */
function withoutTime(schema: z.ZodObject): z.ZodType {
  return schema.extend({ occurredAt: dateTimeGiven.optional().describe('Now, when left out') });
}

export const threadOf = (leadId: ObjectId, type: ActivityType): string => `${leadId.toHexString()} ${type}`;
