import { z } from 'zod';
import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { envelope, idParams } from '../../../lib/schemas.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { countBearers } from './bearers.ts';
import { tagEntity } from './record.ts';
import { getTag, tagService } from './service.ts';

const usageOut = z.object({
  total: z.int(),
  records: z.record(z.string(), z.int()).describe('Live records by kind; each counted up to 100,000'),
});

export const tagRoutes: Routes = async (app, { ctx }) => {
  registerRecordRoutes(app, ctx, tagService);

  app.get(
    '/tags/:id/usage',
    {
      config: { access: tagEntity.scopes.read, module: tagEntity.module },
      schema: {
        operationId: 'getTagUsage',
        summary: 'How many live records bear a tag',
        tags: ['Tags'],
        params: idParams('id'),
        response: { 200: envelope(usageOut) },
      },
    },
    async ({ workspace, params }) => {
      const tag = await getTag(ctx, workspace._id, requireId(params.id, tagEntity.label));
      const records = await countBearers(ctx, workspace._id, tag.name);
      const total = Object.values(records).reduce((sum, count) => sum + count, 0);
      return { success: true as const, data: { total, records } };
    },
  );
};
