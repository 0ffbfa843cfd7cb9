import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { recordService } from '../../../records/api/service.ts';
import type { Change } from '../../../records/change.ts';
import { updateRecord } from '../../../records/update.ts';
import type { Author } from '../../../tenancy/actor.ts';
import { completed, type Task, taskEntity } from './record.ts';

export const taskService = recordService(taskEntity, {
  complete: (ctx, _caller, { status }) => (status === completed ? { completedAt: ctx.clock.now() } : {}),
  revise: withCompletion,
});

export const { create: createTask } = taskService;

/** Completes a task; a completed one stays as it is. @throws AppError not_found, conflict (archived) */
export const completeTask = (ctx: Context, author: Author, id: ObjectId): Promise<Task> =>
  updateRecord(ctx, taskEntity, author, id, withCompletion(ctx, { set: { status: completed } }));

/** Makes a completed task TODO again; an open one stays as it is. @throws AppError not_found, conflict (archived) */
export const reopenTask = (ctx: Context, author: Author, id: ObjectId): Promise<Task> =>
  updateRecord(ctx, taskEntity, author, id, ({ status }) =>
    status === completed ? { set: { status: 'TODO' }, unset: ['completedAt'] } : undefined,
  );

/** Whichever way a task becomes completed, that one change notes the time. Any other status clears it. */
function withCompletion(ctx: Context, change: Change) {
  return ({ completedAt }: Task): Change => {
    const { set, unset = [] } = change;
    if (set.status === undefined) return change;
    if (set.status !== completed) return { ...change, unset: [...unset, 'completedAt'] };
    return { ...change, set: { ...set, completedAt: completedAt ?? ctx.clock.now() } };
  };
}
