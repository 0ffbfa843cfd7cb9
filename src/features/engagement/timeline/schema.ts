import { z } from 'zod';
import { cursor, dateTimeOut, limitOf } from '../../../lib/schemas.ts';
import { historyRowOut } from '../../data/history/schema.ts';
import { messageOut } from '../../messaging/messages/schema.ts';
import { activityEntity } from '../activities/record.ts';

export const timelineKinds = ['activity', 'message', 'stage_change', 'change'] as const;

export const timelineQuery = z.object({ limit: limitOf(20), cursor });

export const timelineItemOut = z
  .object({
    kind: z.enum(timelineKinds),
    at: dateTimeOut,
    activity: activityEntity.schemas.out.optional(),
    message: messageOut.optional(),
    change: historyRowOut.optional(),
  })
  .meta({ id: 'TimelineItem' });
export type TimelineItem = z.output<typeof timelineItemOut>;
