import { z } from 'zod';
import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { envelope, idParams } from '../../../lib/schemas.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { dealEntity } from './record.ts';
import { dealService, moveDeal } from './service.ts';

const moveBody = z
  .object({
    stageId: z.string().describe('Of any live pipeline; the deal follows'),
    probability: z.number().min(0).max(100).optional().describe("The stage's unless it is given"),
  })
  .meta({ id: 'DealMove' });

export const dealRoutes: Routes = async (app, { ctx }) => {
  registerRecordRoutes(app, ctx, dealService);

  app.post(
    '/deals/:id/move',
    {
      config: { access: 'deal.write', module: 'deals', etag: true },
      schema: {
        operationId: 'moveDeal',
        summary: 'Move a deal to a stage; one that is there already stays as it is',
        tags: ['Deals'],
        params: idParams('id'),
        body: moveBody,
        response: { 200: envelope(dealEntity.schemas.out) },
      },
    },
    async ({ actor, params, body, ifMatch }) => {
      const id = requireId(params.id, dealEntity.label);
      const deal = await moveDeal(ctx, actor, id, body, { ifMatch });
      return { success: true as const, data: dealEntity.present(deal) };
    },
  );
};
