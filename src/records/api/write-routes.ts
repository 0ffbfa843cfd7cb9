import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Context } from '../../context.ts';
import { actionSuccess, done, workspaceParams } from '../../lib/schemas.ts';
import type { EntityTypes } from '../entity/types.ts';
import { answerCreated, callerOf, checkedBy, type Shape } from './shape.ts';

export function registerCreate<X extends EntityTypes>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<X>,
): void {
  const { service, entity, singular, tags, writable, one, present } = shape;
  const { path, schemas } = entity;
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
      const input = checkedBy(schemas.input, request.body);
      const created = await service.create(ctx, callerOf(request), input, request.idempotency);
      answerCreated(reply, created.isReplay);
      return present(created.record);
    },
  );
}

/** PUT and PATCH. */
export function registerUpdates<X extends EntityTypes>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<X>,
): void {
  const { service, entity, idPath, singular, tags, writable, one, recordParams, idOf, present } = shape;
  const update = (method: 'put' | 'patch', body: z.ZodType<X['patch']>) =>
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
        const given = checkedBy(body, request.body);
        return present(await service.update(ctx, callerOf(request), idOf(request), given, options));
      },
    );
  update('put', entity.schemas.replace);
  update('patch', entity.schemas.patch);
}

export function registerArchive<X extends EntityTypes>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<X>,
): void {
  const { service, entity, idPath, singular, tags, writable, recordParams, idOf } = shape;
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
      await service.archive(ctx, callerOf(request), idOf(request));
      return done(`${entity.label} archived successfully`);
    },
  );
}
