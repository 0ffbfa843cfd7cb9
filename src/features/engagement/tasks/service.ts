import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import {
  type Caller,
  createRecord,
  type RecordService,
  type UpdateRequest,
} from '../../../records/api/service.ts';
import { type Change, changeOf } from '../../../records/change.ts';
import type { Created, IdempotencyRequest } from '../../../records/idempotency.ts';
import type { Entity, Managed } from '../../../records/record.ts';
import { updateRecord } from '../../../records/update.ts';
import { assertMembers } from '../../../tenancy/members/service.ts';
import { type Task, tasks } from './model.ts';
import { presentTask } from './present.ts';
import type { TaskInput, TaskPatch } from './schema.ts';

const completed = 'Completed';

export const taskEntity: Entity<Task> = {
  label: 'Task',
  collection: tasks,
  facets: { title: 'words', status: 'value', priority: 'value', assignedTo: 'value' },
  events: {
    created: (task) => (task.status === completed ? ['task.created', 'task.completed'] : ['task.created']),
    updated: (before, after) =>
      before.status !== completed && after.status === completed ? ['task.completed'] : [],
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
  const change = changeOf(body, request);
  const { ifMatch } = request;
  return updateRecord(ctx, taskEntity, workspaceId, id, withCompletion(ctx, change), { ifMatch });
}

/** Completes a task; a completed one stays as it is. @throws AppError not_found, conflict (archived) */
export const completeTask = (ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Task> =>
  updateRecord(ctx, taskEntity, workspaceId, id, withCompletion(ctx, { set: { status: completed } }));

/** Makes a completed task TODO again; an open one stays as it is. @throws AppError not_found, conflict (archived) */
export const reopenTask = (ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Task> =>
  updateRecord(ctx, taskEntity, workspaceId, id, ({ status }) =>
    status === completed ? { set: { status: 'TODO' }, unset: ['completedAt'] } : undefined,
  );

/** Whichever way a task becomes completed, that one change notes the time. Any other status clears it. */
const withCompletion =
  (ctx: Context, change: Change) =>
  (task: Task): Change => {
    const { set, unset = [] } = change;
    if (set.status === undefined) return change;
    if (set.status !== completed) return { ...change, unset: [...unset, 'completedAt'] };
    return { ...change, set: { ...set, completedAt: task.completedAt ?? ctx.clock.now() } };
  };
