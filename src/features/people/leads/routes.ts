import { z } from 'zod';
import type { Routes } from '../../../http.ts';
import { AppError } from '../../../lib/errors.ts';
import { actionSuccess, phoneNumber, workspaceParams } from '../../../lib/schemas.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { answerCreated } from '../../../records/api/shape.ts';
import { leadEntity } from './record.ts';
import { createLead, findLeadByPhone, leadService } from './service.ts';

export const leadRoutes: Routes = async (app, { ctx }) => {
  registerRecordRoutes(app, ctx, leadService);

  app.post(
    '/leads/check-duplicate',
    {
      config: { access: 'lead.read', module: 'leads' },
      schema: {
        operationId: 'checkDuplicateLead',
        summary: 'Whether a live lead has this phone number',
        tags: ['Leads'],
        params: workspaceParams,
        body: z.object({ phone: phoneNumber }),
        response: {
          200: z.object({
            success: z.literal(true).meta({ type: 'boolean' }),
            exists: z.boolean(),
            leadId: z.string().nullable(),
          }),
        },
      },
    },
    async (request) => {
      const lead = await findLeadByPhone(ctx, request.workspace, request.body.phone);
      return { success: true as const, exists: lead !== null, leadId: lead?._id.toHexString() ?? null };
    },
  );

  app.post(
    '/inbound/leads',
    {
      config: { access: 'lead.write', module: 'leads', idempotent: true },
      schema: {
        operationId: 'captureInboundLead',
        summary: 'Take in a lead from a form or portal; a known number is not doubled',
        tags: ['Leads'],
        params: workspaceParams,
        body: leadEntity.schemas.input,
        response: { 201: actionSuccess },
      },
    },
    async (request, reply) => {
      const { actor, workspace, idempotency } = request;
      try {
        const created = await createLead(ctx, { actor, workspace }, request.body, idempotency);
        answerCreated(reply, created.isReplay);
      } catch (error) {
        // The document has no conflict here: a form that is sent again is captured, just not twice.
        if (!(error instanceof AppError && error.code === 'conflict')) throw error;
        reply.code(201);
        return { success: true as const, message: 'Lead captured already' };
      }
      return { success: true as const, message: 'Lead captured successfully' };
    },
  );
};
