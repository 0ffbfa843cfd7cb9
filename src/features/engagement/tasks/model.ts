import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import { declareRecordIndexes } from '../../../records/list.ts';
import type { RecordDocument } from '../../../records/record.ts';
import { recordFields } from '../../../records/schema.ts';

export const taskStatuses = ['TODO', 'Active', 'In Progress', 'Completed'] as const;
export type TaskStatus = (typeof taskStatuses)[number];

export const taskPriorities = ['Low', 'Medium', 'High', 'Urgent'] as const;
export type TaskPriority = (typeof taskPriorities)[number];

export interface Task extends RecordDocument {
  title: string;
  description?: string;
  dueDate?: Date;
  status: TaskStatus;
  priority: TaskPriority;
  /** User id of a team member. */
  assignedTo: string;
  /** Stands exactly while the status is Completed. */
  completedAt?: Date;
}

const taskSchema = new Schema<Task>({
  ...recordFields,
  title: { type: String, required: true },
  description: String,
  dueDate: Date,
  status: { type: String, enum: taskStatuses, required: true },
  priority: { type: String, enum: taskPriorities, required: true },
  assignedTo: { type: String, required: true },
  completedAt: Date,
});
declareRecordIndexes(taskSchema);

export const tasks = tenantCollection<Task>('tasks', taskSchema);
