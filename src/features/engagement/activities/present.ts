import type { Activity } from './model.ts';
import type { ActivityOut } from './schema.ts';

export function presentActivity(activity: Activity): ActivityOut {
  return {
    _id: activity._id.toHexString(),
    workspaceId: activity.workspaceId.toHexString(),
    userId: activity.userId,
    leadId: activity.leadId.toHexString(),
    type: activity.type,
    title: activity.title,
    description: activity.description,
    occurredAt: activity.occurredAt.toISOString(),
    call: activity.call,
    createdAt: activity.createdAt.toISOString(),
  };
}

/** A comment or note as the document has it. */
export function presentContent(activity: Activity) {
  return {
    _id: activity._id.toHexString(),
    workspaceId: activity.workspaceId.toHexString(),
    leadId: activity.leadId.toHexString(),
    content: activity.description ?? '',
    createdBy: activity.userId,
    createdAt: activity.createdAt.toISOString(),
  };
}
