import type { Routes } from '../../../http.ts';
import { notFound } from '../../../lib/errors.ts';
import { requireId } from '../../../lib/ids.ts';
import { idParams, pageOf } from '../../../lib/schemas.ts';
import { callerOf } from '../../../records/api/shape.ts';
import { entitiesOf } from '../../../records/entity/all.ts';
import { timelineItemOut, timelineQuery } from './schema.ts';
import { listTimeline } from './service.ts';

/** The timeline of each record of every entity. */
export const timelineRoutes: Routes = async (app, { ctx }) => {
  for (const entity of entitiesOf(ctx)) {
    const { name, path, idParam, label, names, scopes, module } = entity;
    app.get(
      `${path}/:${idParam}/timeline`,
      {
        config: { access: scopes.read, module },
        schema: {
          operationId: `list${label}Timeline`,
          summary: `What happened around a ${label.toLowerCase()}, newest first`,
          tags: [names[1]],
          params: idParams(idParam),
          querystring: timelineQuery,
          response: { 200: pageOf(timelineItemOut) },
        },
      },
      async (request) => {
        const id = requireId((request.params as Record<string, string>)[idParam] ?? '', label);
        const found = await entity
          .collection(ctx.db)
          .findById(request.workspace._id, id, { projection: { _id: 1 } });
        if (!found) throw notFound(label);
        const page = await listTimeline(ctx, callerOf(request), { type: name, id }, request.query);
        return { success: true as const, data: page.items, nextCursor: page.nextCursor };
      },
    );
  }
};
