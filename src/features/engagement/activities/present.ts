import type { z } from 'zod';
import type { Activity } from './record.ts';
import type { leadActivityOut } from './schema.ts';

/** A comment or note as the document has it. */
export const presentContent = (activity: Activity) => ({
  _id: activity._id.toHexString(),
  workspaceId: activity.workspaceId.toHexString(),
  leadId: leadIdOf(activity),
  content: activity.description ?? '',
  createdBy: activity.userId,
  createdAt: activity.createdAt.toISOString(),
});

/** An activity of a lead as its routes show it. */
export const presentLeadActivity = (activity: Activity): z.output<typeof leadActivityOut> => ({
  _id: activity._id.toHexString(),
  workspaceId: activity.workspaceId.toHexString(),
  userId: activity.userId,
  leadId: leadIdOf(activity),
  type: activity.type,
  title: activity.title,
  description: activity.description,
  occurredAt: activity.occurredAt.toISOString(),
  call: activity.call,
  createdAt: activity.createdAt.toISOString(),
});

const leadIdOf = ({ leadId, recordId }: Activity): string => leadId?.toHexString() ?? recordId;
