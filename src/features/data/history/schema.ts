import { z } from 'zod';
import { cursor, dateTime, dateTimeOut, limitOf } from '../../../lib/schemas.ts';
import { historyActions } from '../../../records/history.ts';

const actorKinds = ['apiKey', 'oauth', 'session', 'system'] as const;

export const historyRowOut = z
  .object({
    _id: z.string(),
    record: z.object({ type: z.string().describe('The kind of record: "lead"'), id: z.string() }),
    action: z.enum(historyActions),
    changes: z
      .record(z.string(), z.array(z.unknown()).length(2))
      .describe(
        'Each field that is different since, or entry of one (`fields.budget`): its value before and after, null where it had none. ' +
          'Of a new record all that it had. Longer values are cut, which … at their end shows',
      ),
    actor: z.object({
      kind: z.enum(actorKinds),
      id: z.string().describe("The key's id, or the user's"),
    }),
    contract: z.string().optional().describe('The API by which it was done'),
    at: dateTimeOut,
  })
  .meta({ id: 'HistoryRow' });
export type HistoryRowOut = z.output<typeof historyRowOut>;

export const historyOfQuery = z.object({ limit: limitOf(20), cursor });

export const historyQuery = historyOfQuery.extend({
  type: z.string().min(1).max(100).optional().describe('The kind of record: "lead"'),
  actor: z.string().min(1).max(100).optional().describe("The key's id, the user's, or `system`"),
  action: z.enum(historyActions).optional(),
  since: dateTime.optional().describe('At this time or later'),
  until: dateTime.optional().describe('Before this time'),
});
