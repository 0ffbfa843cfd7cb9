import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Context } from '../../context.ts';
import { actionSuccess, done, workspaceParams } from '../../lib/schemas.ts';
import type { RecordDocument } from '../record.ts';
import { archiveRecord } from '../update.ts';
import { createRecord } from './service.ts';
import { answerCreated, callerOf, type Shape } from './shape.ts';

export function registerCreate<T extends RecordDocument>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<T>,
): void {
  const { path, names, tags, writable, one, schemas, present } = shape;
  const [singular] = names;
  app.post(
    path,
    {
      config: { ...writable, idempotent: true, etag: true },
      schema: {
        operationId: `create${singular}`,
        summary: `Create a ${singular.toLowerCase()}`,
        tags,
        params: workspaceParams,
        body: schemas.input,
        response: { 201: one },
      },
    },
    async (request, reply) => {
      const created = await createRecord(ctx, shape, callerOf(request), request.body, request.idempotency);
      answerCreated(reply, created.isReplay);
      return present(created.record);
    },
  );
}

/** PUT and PATCH. */
export function registerUpdates<T extends RecordDocument>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<T>,
): void {
  const { service, idPath, names, tags, writable, one, schemas, recordParams, idOf, present } = shape;
  const [singular] = names;
  const update = (method: 'put' | 'patch', body: z.ZodType) =>
    app[method](
      idPath,
      {
        config: { ...writable, etag: true },
        schema: {
          operationId: `${method === 'put' ? 'update' : 'patch'}${singular}`,
          summary:
            method === 'put'
              ? `Update a ${singular.toLowerCase()}: given fields change, the others stay`
              : `Change a ${singular.toLowerCase()} by JSON Merge Patch: null clears a field`,
          tags,
          params: recordParams,
          body,
          response: { 200: one },
        },
      },
      async (request) => {
        const options = { ifMatch: request.ifMatch, isMergePatch: method === 'patch' };
        const id = idOf(request);
        return present(await service.update(ctx, callerOf(request), id, request.body as never, options));
      },
    );
  update('put', schemas.replace ?? schemas.input);
  update('patch', schemas.patch);
}

export function registerArchive<T extends RecordDocument>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<T>,
): void {
  const { entity, idPath, names, tags, writable, recordParams, idOf } = shape;
  const [singular] = names;
  app.post(
    `${idPath}/archive`,
    {
      config: writable,
      schema: {
        operationId: `archive${singular}`,
        summary: `Archive a ${singular.toLowerCase()}`,
        tags,
        params: recordParams,
        response: { 200: actionSuccess },
      },
    },
    async (request) => {
      await archiveRecord(ctx, entity, request.workspace._id, idOf(request));
      return done(`${entity.label} archived successfully`);
    },
  );
}
