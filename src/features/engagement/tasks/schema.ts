import { z } from 'zod';
import { dateTime, dateTimeOut, filterText, longText, nullable, shortText } from '../../../lib/schemas.ts';
import { taskPriorities, taskStatuses } from './model.ts';

const status = z.enum(taskStatuses);
const priority = z.enum(taskPriorities);
const assignedTo = z.string().describe('User id of a team member');

// No zod default: PUT takes this body too, and a default would reset what it leaves out.
export const taskInput = z
  .object({
    title: shortText,
    description: longText.optional(),
    dueDate: dateTime.optional(),
    status: status.optional().describe('A new task is TODO unless it says otherwise'),
    priority: priority.optional().describe('A new task is Medium unless it says otherwise'),
    assignedTo,
  })
  .meta({ id: 'TaskInput' });

export const taskPatch = z
  .object({
    title: shortText.optional(),
    description: nullable(longText),
    dueDate: nullable(dateTime),
    status: status.optional(),
    priority: priority.optional(),
    assignedTo: assignedTo.optional(),
  })
  .meta({ id: 'TaskPatch' });

export const taskOut = z
  .object({
    _id: z.string(),
    workspaceId: z.string(),
    title: z.string(),
    description: z.string().optional(),
    dueDate: dateTimeOut.optional(),
    status,
    priority,
    assignedTo: z.string(),
    completedAt: dateTimeOut.optional(),
    archivedAt: dateTimeOut.optional(),
    createdAt: dateTimeOut,
    updatedAt: dateTimeOut,
  })
  .meta({ id: 'Task' });

export type TaskInput = z.output<typeof taskInput>;
export type TaskPatch = z.output<typeof taskPatch>;
export type TaskOut = z.output<typeof taskOut>;

export const taskFilters = {
  status: { schema: status.optional(), field: 'status' },
  priority: { schema: priority.optional(), field: 'priority' },
  assignedTo: { schema: filterText, field: 'assignedTo' },
};
