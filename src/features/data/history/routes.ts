import type { Routes } from '../../../http.ts';
import { notFound } from '../../../lib/errors.ts';
import { requireId } from '../../../lib/ids.ts';
import { idParams, pageOf, workspaceParams } from '../../../lib/schemas.ts';
import { callerOf } from '../../../records/api/shape.ts';
import type { HistoryRow } from '../../../records/history.ts';
import type { Page } from '../../../records/page.ts';
import { presentHistoryRow } from './present.ts';
import { historyOfQuery, historyQuery, historyRowOut } from './schema.ts';
import { listHistory, listHistoryOf } from './service.ts';

const page = pageOf(historyRowOut);
const present = ({ records, nextCursor }: Page<HistoryRow>) => ({
  success: true as const,
  data: records.map(presentHistoryRow),
  nextCursor,
});

/** The history of each record of every entity, and of the workspace. */
export const historyRoutes: Routes = async (app, { ctx }) => {
  for (const entity of ctx.features.flatMap(({ entities = [] }) => entities)) {
    const { path, idParam, label, names, scopes, module } = entity;
    app.get(
      `${path}/:${idParam}/history`,
      {
        config: { access: scopes.read, module },
        schema: {
          operationId: `list${label}History`,
          summary: `What became of a ${label.toLowerCase()}, newest first`,
          tags: [names[1]],
          params: idParams(idParam),
          querystring: historyOfQuery,
          response: { 200: page },
        },
      },
      async (request) => {
        const id = requireId((request.params as Record<string, string>)[idParam] ?? '', label);
        const workspaceId = request.workspace._id;
        const record = await entity.collection(ctx.db).findById(workspaceId, id, { projection: { _id: 1 } });
        if (!record) throw notFound(label);
        return present(await listHistoryOf(ctx, workspaceId, id, request.query));
      },
    );
  }

  app.get(
    '/history',
    {
      config: { access: 'activity.read' },
      schema: {
        operationId: 'listHistory',
        summary: 'What happened to the records that the caller may read, newest first',
        tags: ['History'],
        params: workspaceParams,
        querystring: historyQuery,
        response: { 200: page },
      },
    },
    async (request) => present(await listHistory(ctx, callerOf(request), request.query)),
  );
};
