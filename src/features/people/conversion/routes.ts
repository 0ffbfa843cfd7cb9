import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { envelope, idParams } from '../../../lib/schemas.ts';
import { answerCreated, callerOf } from '../../../records/api/shape.ts';
import { leadEntity } from '../leads/record.ts';
import { presentConversion } from './present.ts';
import { conversionInput, conversionOut } from './schema.ts';
import { convertLead } from './service.ts';

export const conversionRoutes: Routes = async (app, { ctx }) => {
  app.post(
    '/leads/:leadId/convert',
    {
      config: { access: leadEntity.scopes.write, module: leadEntity.module },
      schema: {
        operationId: 'convertLead',
        summary: 'Make a contact, a company and a deal of a lead, or find the first two',
        description:
          'Once for each lead: asked again, or many times at once, it answers with the same ones. It takes the write scopes of what is to be made.',
        tags: ['Leads'],
        params: idParams('leadId'),
        body: conversionInput,
        response: { 201: envelope(conversionOut) },
      },
    },
    async (request, reply) => {
      const leadId = requireId(request.params.leadId, leadEntity.label);
      const { conversion, isReplay } = await convertLead(ctx, callerOf(request), leadId, request.body);
      answerCreated(reply, isReplay);
      return { success: true as const, data: presentConversion(conversion) };
    },
  );
};
