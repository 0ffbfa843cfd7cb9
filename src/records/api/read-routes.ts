import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Context } from '../../context.ts';
import { invalid } from '../../lib/errors.ts';
import { listQueryOf, recentQuery, syncQuery, workspaceParams } from '../../lib/schemas.ts';
import type { EntitySchemas } from '../entity/schemas.ts';
import type { EntityTypes } from '../entity/types.ts';
import { filtersMax, type ListQuery, listRecords, type Range, recentRecords, syncRecords } from '../list.ts';
import { checkedBy, type Shape } from './shape.ts';

/** Newest first, with the entity's filters. */
export function registerList<X extends EntityTypes>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<X>,
): void {
  const { entity, plural, tags, readable, many, presentPage } = shape;
  const { filters, ranges } = entity.schemas;
  const parameters = Object.entries({ ...filters, ...ranges }).map(([name, { schema }]) => [name, schema]);
  app.get(
    entity.path,
    {
      config: readable,
      schema: {
        operationId: `list${plural}`,
        summary: `List ${plural.toLowerCase()}, newest first`,
        tags,
        params: workspaceParams,
        querystring: listQueryOf(Object.fromEntries(parameters), Object.keys(entity.orders)),
        response: { 200: many },
      },
    },
    async (request) => {
      const query = listQuery(request.query as ListParameters, entity.schemas);
      return presentPage(await listRecords(ctx, entity, request.workspace._id, query));
    },
  );
}

type ListParameters = z.output<ReturnType<typeof listQueryOf<Record<never, never>>>>;

/**
 * A list's query as the store understands it: named filters and `fields.<key>` become facets, bounds ranges. Other
 * parameters mean nothing here, whatever they are called.
 */
function listQuery(
  query: ListParameters,
  known: Pick<EntitySchemas<EntityTypes>, 'filters' | 'ranges'>,
): ListQuery {
  const filters: Record<string, string> = {};
  const ranges: Record<string, Range> = {};
  let count = 0;
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    const bound = Object.hasOwn(known.ranges, name) ? known.ranges[name] : undefined;
    const filter = Object.hasOwn(known.filters, name) ? known.filters[name]?.field : undefined;
    const field = filter ?? (name.startsWith('fields.') ? name : undefined);
    if (bound) ranges[bound.order] = { ...ranges[bound.order], [bound.operator]: value };
    else if (field === undefined) continue;
    else if (typeof value !== 'string') throw invalid(name, 'Must be given once');
    else filters[field] = value;
    count += 1;
    if (count > filtersMax) throw invalid(name, `At most ${filtersMax} filters`);
  }
  const { limit, cursor, sort, archived, q, createdAfter, createdBefore, updatedAfter } = query;
  return { limit, cursor, sort, archived, q, createdAfter, createdBefore, updatedAfter, filters, ranges };
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
