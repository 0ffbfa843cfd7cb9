import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Context } from '../../context.ts';
import { invalid } from '../../lib/errors.ts';
import { listQueryOf, recentQuery, syncQuery, workspaceParams } from '../../lib/schemas.ts';
import type { EntityTypes } from '../entity/types.ts';
import { filtersMax, type ListQuery, listRecords, recentRecords, syncRecords } from '../list.ts';
import { checkedBy, type Shape } from './shape.ts';

/** Newest first, with the entity's filters. */
export function registerList<X extends EntityTypes>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<X>,
): void {
  const { entity, plural, tags, readable, many, presentPage } = shape;
  const fields = Object.entries(entity.schemas.filters);
  const fieldOf = Object.fromEntries(fields.map(([name, { field }]) => [name, field]));
  const filterSchemas = Object.fromEntries(fields.map(([name, { schema }]) => [name, schema]));
  app.get(
    entity.path,
    {
      config: readable,
      schema: {
        operationId: `list${plural}`,
        summary: `List ${plural.toLowerCase()}, newest first`,
        tags,
        params: workspaceParams,
        querystring: listQueryOf(filterSchemas),
        response: { 200: many },
      },
    },
    async (request) => {
      const query = listQuery(request.query as ListParameters, fieldOf);
      return presentPage(await listRecords(ctx, entity, request.workspace._id, query));
    },
  );
}

type ListParameters = z.output<ReturnType<typeof listQueryOf<Record<never, never>>>>;

/**
 * A list's query as the store understands it: named filters and `fields.<key>` become facets. Other parameters mean
 * nothing here, whatever they are called.
 */
function listQuery(query: ListParameters, fieldOf: Record<string, string>): ListQuery {
  const filters: Record<string, string> = {};
  for (const [name, value] of Object.entries(query)) {
    const field = Object.hasOwn(fieldOf, name)
      ? fieldOf[name]
      : name.startsWith('fields.')
        ? name
        : undefined;
    if (field === undefined || value === undefined) continue;
    if (typeof value !== 'string') throw invalid(name, 'Must be given once');
    filters[field] = value;
    if (Object.keys(filters).length > filtersMax) throw invalid(name, `At most ${filtersMax} filters`);
  }
  const { limit, cursor, sort, archived, q, createdAfter, createdBefore, updatedAfter } = query;
  return { limit, cursor, sort, archived, q, createdAfter, createdBefore, updatedAfter, filters };
}

/** In the order of the last change. */
export function registerSync<X extends EntityTypes>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<X>,
): void {
  const { entity, plural, tags, readable, many, presentPage } = shape;
  app.get(
    `${entity.path}/sync`,
    {
      config: readable,
      schema: {
        operationId: `sync${plural}`,
        summary: `${plural} in the order of their last change, archived ones included`,
        tags,
        params: workspaceParams,
        querystring: syncQuery,
        response: { 200: many },
      },
    },
    async (request) => {
      const query = checkedBy(syncQuery, request.query);
      const { limit, cursor, updated_since: updatedSince } = query;
      return presentPage(
        await syncRecords(ctx, entity, request.workspace._id, { limit, cursor, updatedSince }),
      );
    },
  );
}

export function registerRecent<X extends EntityTypes>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<X>,
): void {
  const { entity, plural, tags, readable, many, presentPage } = shape;
  app.get(
    `${entity.path}/recent`,
    {
      config: readable,
      schema: {
        operationId: `recent${plural}`,
        summary: `${plural} created in the last hours, newest first`,
        tags,
        params: workspaceParams,
        querystring: recentQuery,
        response: { 200: many },
      },
    },
    async (request) => {
      const query = checkedBy(recentQuery, request.query);
      return presentPage(await recentRecords(ctx, entity, request.workspace._id, query));
    },
  );
}

export function registerGet<X extends EntityTypes>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<X>,
): void {
  const { service, idPath, singular, tags, readable, one, recordParams, idOf, present } = shape;
  app.get(
    idPath,
    {
      config: { ...readable, etag: true },
      schema: {
        operationId: `get${singular}`,
        summary: `Get a ${singular.toLowerCase()}`,
        tags,
        params: recordParams,
        response: { 200: one },
      },
    },
    async (request) => present(await service.get(ctx, request.workspace._id, idOf(request))),
  );
}
