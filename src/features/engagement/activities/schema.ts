import { z } from 'zod';
import { dateTime, dateTimeOut, longText, shortText } from '../../../lib/schemas.ts';
import { activityTypes, call, leadActivityTypes } from './record.ts';

/** Body of a comment or note. */
export const contentInput = z
  .object({ content: z.string().trim().min(1).max(20_000) })
  .meta({ id: 'ContentInput' });

const contentOut = {
  _id: z.string(),
  workspaceId: z.string(),
  leadId: z.string(),
  content: z.string(),
  createdBy: z.string(),
  createdAt: dateTimeOut,
};
export const commentOut = z.object(contentOut).meta({ id: 'Comment' });
export const noteOut = z.object(contentOut).meta({ id: 'Note' });

/** An activity as the routes of leads take it. Comments have a route of their own. */
export const leadActivityInput = z
  .object({
    type: z.enum(leadActivityTypes).exclude(['comment']),
    title: shortText.optional(),
    description: longText.optional(),
    occurredAt: dateTime.optional().describe('Now, when left out'),
    call: z
      .object({ ...call.shape, outcome: call.shape.outcome.default('completed') })
      .optional()
      .describe('Of a call'),
  })
  .refine((input) => input.call === undefined || input.type === 'call', {
    path: ['call'],
    message: 'Only for calls',
  })
  .meta({ id: 'LeadActivityInput' });

/** And as they show it: what happened, which does not change. */
export const leadActivityOut = z
  .object({
    _id: z.string(),
    workspaceId: z.string(),
    userId: z.string(),
    leadId: z.string(),
    type: z.enum(activityTypes),
    title: z.string().optional(),
    description: z.string().optional(),
    occurredAt: dateTimeOut,
    call: call.meta({ id: 'Call' }).optional(),
    createdAt: dateTimeOut,
  })
  .meta({ id: 'LeadActivity' });
