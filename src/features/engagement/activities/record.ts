import { z } from 'zod';
import type { ObjectId } from '../../../lib/ids.ts';
import { dateTime as dateTimeGiven } from '../../../lib/schemas.ts';
import { type DocumentOf, entity } from '../../../records/entity/entity.ts';
import { choice, dateTime, json, longText, recordId, text } from '../../../records/entity/kinds.ts';

export const activityTypes = ['comment', 'note', 'call', 'email', 'event'] as const;
export type ActivityType = (typeof activityTypes)[number];

export const callDirections = ['inbound', 'outbound'] as const;
export const callOutcomes = ['completed', 'busy', 'no-answer', 'voicemail', 'missed'] as const;

const call = z.object({
  direction: z.enum(callDirections),
  durationSeconds: z.int().min(0).max(86_400).describe('0: missed'),
  outcome: z.enum(callOutcomes),
});
export type Call = z.output<typeof call>;

const callGiven = z.object({ ...call.shape, outcome: call.shape.outcome.default('completed') });

/** Something that happened around a lead: what somebody wrote, a call, an email, an event. */
export const activityEntity = entity({
  name: 'activity',
  path: '/activities',
  module: 'leads',
  scopes: { read: 'lead.read', write: 'lead.write' },
  fields: {
    /** Who did it: a user's id, or an API key's. */
    userId: text({ managed: true, required: true }),
    leadId: recordId({ managed: true, required: true, facet: true }),
    type: choice(activityTypes, { required: true }),
    /** Lead and type in one value, so that one facet finds a lead's comments among thousands of calls. */
    thread: text({ hidden: true, required: true, facet: true }),
    title: text(),
    description: longText(),
    /** When it happened, as opposed to when it was written down. */
    occurredAt: dateTime({ required: true }),
    call: json({ given: callGiven, shown: call.meta({ id: 'Call' }) }, { describe: 'Of a call' }),
  },
  events: {},
  refine: { input: asWritten, out: withoutChanges },
  indexes: [
    {
      name: 'log',
      serves: 'the log of one type over a span of time, such as all calls of a month',
      keys: { type: 1, occurredAt: -1, _id: -1 },
    },
    {
      name: 'log_of_lead',
      serves: 'the same of one lead, and all of its activities when the lead is deleted',
      keys: { leadId: 1, type: 1, occurredAt: -1, _id: -1 },
    },
  ],
});

export type Activity = DocumentOf<typeof activityEntity>;

/** Comments have a route of their own; everything else is written as an activity. */
function asWritten(schema: z.ZodObject): z.ZodType {
  return schema
    .extend({
      type: z.enum(activityTypes).exclude(['comment']),
      occurredAt: dateTimeGiven.optional().describe('Now, when left out'),
    })
    .refine((input) => input.call === undefined || input.type === 'call', {
      path: ['call'],
      message: 'Only for calls',
    });
}

/** What happened does not change. */
function withoutChanges(schema: z.ZodObject): z.ZodType {
  return schema.omit({ archivedAt: true, updatedAt: true });
}

export const threadOf = (leadId: ObjectId, type: ActivityType): string => `${leadId.toHexString()} ${type}`;
