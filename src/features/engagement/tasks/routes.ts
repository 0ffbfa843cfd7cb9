import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { envelope, idParams } from '../../../lib/schemas.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { presentTask } from './present.ts';
import { taskFilters, taskInput, taskOut, taskPatch } from './schema.ts';
import { completeTask, reopenTask, taskEntity, taskService } from './service.ts';

export const taskRoutes: Routes = async (app, { ctx }) => {
  registerRecordRoutes(app, ctx, {
    entity: taskEntity,
    service: taskService,
    path: '/tasks',
    idParam: 'id',
    names: ['Task', 'Tasks'],
    module: 'tasks',
    scopes: { read: 'task.read', write: 'task.write' },
    schemas: {
      input: taskInput,
      inputName: 'TaskInput',
      patch: taskPatch,
      out: taskOut,
      filters: taskFilters,
    },
  });

  const oneTask = {
    config: { access: 'task.write', module: 'tasks', etag: true },
    params: idParams('id'),
    response: { 200: envelope(taskOut) },
  } as const;

  app.post(
    '/tasks/:id/complete',
    {
      config: oneTask.config,
      schema: {
        operationId: 'completeTask',
        summary: 'Complete a task; completing it again changes nothing',
        tags: ['Tasks'],
        params: oneTask.params,
        response: oneTask.response,
      },
    },
    async (request) => {
      const id = requireId(request.params.id, taskEntity.label);
      const task = await completeTask(ctx, request.workspace._id, id);
      return { success: true as const, data: presentTask(task) };
    },
  );

  app.post(
    '/tasks/:id/reopen',
    {
      config: oneTask.config,
      schema: {
        operationId: 'reopenTask',
        summary: 'Make a completed task TODO again; an open one stays as it is',
        tags: ['Tasks'],
        params: oneTask.params,
        response: oneTask.response,
      },
    },
    async (request) => {
      const id = requireId(request.params.id, taskEntity.label);
      const task = await reopenTask(ctx, request.workspace._id, id);
      return { success: true as const, data: presentTask(task) };
    },
  );
};
