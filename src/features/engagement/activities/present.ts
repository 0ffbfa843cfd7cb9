import type { Activity } from './record.ts';

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
