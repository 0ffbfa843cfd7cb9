import type { Task } from './model.ts';
import type { TaskOut } from './schema.ts';

/** What leaves the server as a task: in answers, in events, and as what adapters translate. */
export function presentTask(task: Task): TaskOut {
  return {
    _id: task._id.toHexString(),
    workspaceId: task.workspaceId.toHexString(),
    title: task.title,
    description: task.description,
    dueDate: task.dueDate?.toISOString(),
    status: task.status,
    priority: task.priority,
    assignedTo: task.assignedTo,
    completedAt: task.completedAt?.toISOString(),
    archivedAt: task.archivedAt?.toISOString(),
    createdAt: task.createdAt.toISOString(),
    updatedAt: task.updatedAt.toISOString(),
  };
}
