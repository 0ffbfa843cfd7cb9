import { z } from 'zod';
import type { Routes } from '../../../http.ts';
import { parseId, requireId } from '../../../lib/ids.ts';
import { envelope, idParams } from '../../../lib/schemas.ts';
import { callerOf } from '../../../records/api/shape.ts';
import { jobOut } from '../jobs/schema.ts';
import { presentJob } from '../jobs/service.ts';
import { mergeables } from './mergeable.ts';
import { mergeRecords } from './service.ts';

const body = z
  .object({ otherId: z.string().describe('The record that becomes part of the one in the path') })
  .meta({ id: 'MergeInput' });

export const mergeRoutes: Routes = async (app, { ctx }) => {
  for (const mergeable of mergeables) {
    const { entity } = mergeable;
    const [singular, plural] = entity.names;
    const noun = singular.toLowerCase();
    app.post(
      `${entity.path}/:${entity.idParam}/merge`,
      {
        config: { access: entity.scopes.write, module: entity.module, right: 'record.merge' },
        schema: {
          operationId: `merge${singular}`,
          summary: `Make one ${noun} of two`,
          description: `The ${noun} in the path gets what it lacks; the other is archived and shows it as \`mergedInto\`. The job has all that points at the other point at this one.`,
          tags: [plural],
          params: idParams(entity.idParam),
          body,
          response: { 202: envelope(jobOut) },
        },
      },
      async (request, reply) => {
        const keptId = requireId(request.params[entity.idParam] ?? '', entity.label);
        const otherId = parseId(request.body.otherId);
        const job = await mergeRecords(ctx, callerOf(request), mergeable, keptId, otherId);
        reply.code(202);
        return { success: true as const, data: presentJob(job) };
      },
    );
  }
};
