import type { Context } from '../../context.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { changeOf } from '../../records/change.ts';
import type { Created, IdempotencyRequest } from '../../records/idempotency.ts';
import type { Entity, Managed } from '../../records/record.ts';
import { type Change, type UpdateOptions, updateRecord } from '../../records/update.ts';
import { assertMembers } from '../members/service.ts';
import { type Caller, createRecord, type RecordService, type UpdateRequest } from '../record-api/service.ts';
import { type Task, tasks } from './model.ts';
import { presentTask } from './present.ts';
import type { TaskInput, TaskPatch } from './schema.ts';

const completed = 'Completed';

/** Of a task before a change. */
const wasCompleted = { $eq: ['$status', completed] };

export const taskEntity: Entity<Task> = {
  label: 'Task',
  collection: tasks,
  facets: { title: 'words', status: 'value', priority: 'value', assignedTo: 'value' },
  events: {
    created: (task) => (task.status === completed ? ['task.created', 'task.completed'] : ['task.created']),
  },
  present: presentTask,
};

export const taskService: RecordService<Task> = { prepare: prepareTask, update: updateTask };

async function prepareTask(ctx: Context, caller: Caller, input: TaskInput): Promise<Omit<Task, Managed>> {
  await assertMembers(ctx, caller.workspace._id, 'assignedTo', input.assignedTo);
  const status = input.status ?? 'TODO';
  return {
    ...input,
    status,
    priority: input.priority ?? 'Medium',
    ...(status === completed ? { completedAt: ctx.clock.now() } : {}),
  };
}

/** Creates a task, or answers with the one that an earlier request with the same key created. @throws AppError */
export const createTask = (
  ctx: Context,
  caller: Caller,
  input: TaskInput,
  idempotency?: IdempotencyRequest,
): Promise<Created<Task>> =>
  createRecord(ctx, { entity: taskEntity, service: taskService }, caller, input, idempotency);

/** Changes a task as PUT and PATCH do. @throws AppError */
export async function updateTask(
  ctx: Context,
  caller: Caller,
  id: ObjectId,
  body: TaskInput | TaskPatch,
  request: UpdateRequest,
): Promise<Task> {
  const { _id: workspaceId } = caller.workspace;
  await assertMembers(ctx, workspaceId, 'assignedTo', body.assignedTo);
  return changeTask(ctx, workspaceId, id, changeOf(body, request), { ifMatch: request.ifMatch });
}

/** Completes a task; a completed one stays as it is. @throws AppError not_found, conflict (archived) */
export const completeTask = (ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Task> =>
  changeTask(ctx, workspaceId, id, { set: { status: completed } });

/** Makes a completed task TODO again; an open one stays as it is. @throws AppError not_found, conflict (archived) */
export const reopenTask = (ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Task> =>
  changeTask(ctx, workspaceId, id, { set: { status: 'TODO' } }, { onlyIf: wasCompleted });

/**
 * Whichever way a task becomes completed, that one change notes the time and owes the event; both look at the status
 * before it, so that of many parallel completions one does. Any other status clears the time.
 */
function changeTask(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
  change: Change,
  options: Pick<UpdateOptions, 'ifMatch' | 'onlyIf'> = {},
): Promise<Task> {
  const { status } = change.set;
  const whole = { ...change };
  const wholeOptions: UpdateOptions = { ...options };
  if (status === completed) {
    whole.computed = { completedAt: { $cond: [wasCompleted, '$completedAt', '$$NOW'] } };
    wholeOptions.event = { type: 'task.completed', when: { $not: [wasCompleted] } };
  } else if (status !== undefined) {
    whole.unset = [...(change.unset ?? []), 'completedAt'];
  }
  return updateRecord(ctx, taskEntity, workspaceId, id, whole, wholeOptions);
}
