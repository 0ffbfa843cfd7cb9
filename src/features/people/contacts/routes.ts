import type { Routes } from '../../../http.ts';
import { AppError } from '../../../lib/errors.ts';
import { actionSuccess, done, workspaceParams } from '../../../lib/schemas.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { answerCreated } from '../../../records/api/shape.ts';
import { contactEntity } from './record.ts';
import { contactService, createContact } from './service.ts';

export const contactRoutes: Routes = async (app, { ctx }) => {
  registerRecordRoutes(app, ctx, contactService);

  app.post(
    '/inbound/contacts',
    {
      config: { access: 'contact.write', module: 'contacts', idempotent: true },
      schema: {
        operationId: 'captureInboundContact',
        summary: 'Take in a contact from a form or portal; a known number is not doubled',
        tags: ['Contacts'],
        params: workspaceParams,
        body: contactEntity.schemas.input,
        response: { 201: actionSuccess },
      },
    },
    async (request, reply) => {
      const { actor, workspace, idempotency } = request;
      try {
        const created = await createContact(ctx, { actor, workspace }, request.body, idempotency);
        answerCreated(reply, created.isReplay);
      } catch (error) {
        // The document has no conflict here: a form that is sent again is captured, just not twice.
        if (!(error instanceof AppError && error.code === 'conflict')) throw error;
        reply.code(201);
        return done('Contact captured already');
      }
      return done('Contact captured successfully');
    },
  );
};
