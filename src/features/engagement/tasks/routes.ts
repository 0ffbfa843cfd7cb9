import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { envelope, idParams } from '../../../lib/schemas.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { taskEntity } from './record.ts';
import { completeTask, reopenTask, taskService } from './service.ts';

export const taskRoutes: Routes = async (app, { ctx }) => {
  registerRecordRoutes(app, ctx, taskService);

  const oneTask = {
    config: { access: 'task.write', module: 'tasks', etag: true },
    params: idParams('id'),
    response: { 200: envelope(taskEntity.schemas.out) },
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
      const task = await completeTask(ctx, request.actor, id);
      return { success: true as const, data: taskEntity.present(task) };
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
      const task = await reopenTask(ctx, request.actor, id);
      return { success: true as const, data: taskEntity.present(task) };
    },
  );
};
