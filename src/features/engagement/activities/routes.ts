import { z } from 'zod';
import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { cursor, envelope, idParams, limitOf, pageOf } from '../../../lib/schemas.ts';
import { registerRecordRoutes } from '../../../records/api/routes.ts';
import { answerCreated } from '../../../records/api/shape.ts';
import { presentContent, presentLeadActivity } from './present.ts';
import { activityTypes } from './record.ts';
import { commentOut, contentInput, leadActivityInput, leadActivityOut, noteOut } from './schema.ts';
import { activityService, createActivity, listActivities } from './service.ts';

const params = idParams('leadId');
const listQuery = z.object({ limit: limitOf(100), cursor });
const tags = ['Leads'];
const readable = { access: 'lead.read', module: 'leads' } as const;
const writable = { access: 'lead.write', module: 'leads', idempotent: true } as const;

export const activityRoutes: Routes = async (app, { ctx }) => {
  registerRecordRoutes(app, ctx, activityService);

  // Comments and notes differ in their URL and in who reads them, not in what they are.
  for (const { type, plural, name, out } of [
    { type: 'comment', plural: 'comments', name: 'Comment', out: commentOut },
    { type: 'note', plural: 'notes', name: 'Note', out: noteOut },
  ] as const) {
    app.get(
      `/leads/:leadId/${plural}`,
      {
        config: readable,
        schema: {
          operationId: `listLead${name}s`,
          summary: `List a lead's ${plural}, newest first`,
          tags,
          params,
          querystring: listQuery,
          response: { 200: pageOf(out) },
        },
      },
      async (request) => {
        const leadId = requireId(request.params.leadId, 'Lead');
        const page = await listActivities(ctx, request.workspace._id, leadId, { ...request.query, type });
        return {
          success: true as const,
          data: page.records.map(presentContent),
          nextCursor: page.nextCursor,
        };
      },
    );

    app.post(
      `/leads/:leadId/${plural}`,
      {
        config: writable,
        schema: {
          operationId: `addLead${name}`,
          summary: `Add a ${type} to a lead`,
          tags,
          params,
          body: contentInput,
          response: { 201: envelope(out) },
        },
      },
      async (request, reply) => {
        const leadId = requireId(request.params.leadId, 'Lead');
        const input = { type, description: request.body.content };
        const { record, isReplay } = await createActivity(ctx, request, leadId, input, request.idempotency);
        answerCreated(reply, isReplay);
        return { success: true as const, data: presentContent(record) };
      },
    );
  }

  app.get(
    '/leads/:leadId/activities',
    {
      config: readable,
      schema: {
        operationId: 'listLeadActivities',
        summary: "List a lead's activities, newest first",
        tags,
        params,
        querystring: listQuery.extend({ type: z.enum(activityTypes).optional() }),
        response: { 200: pageOf(leadActivityOut) },
      },
    },
    async (request) => {
      const leadId = requireId(request.params.leadId, 'Lead');
      const page = await listActivities(ctx, request.workspace._id, leadId, request.query);
      return {
        success: true as const,
        data: page.records.map(presentLeadActivity),
        nextCursor: page.nextCursor,
      };
    },
  );

  app.post(
    '/leads/:leadId/activities',
    {
      config: writable,
      schema: {
        operationId: 'createLeadActivity',
        summary: 'Write down an activity of a lead',
        tags,
        params,
        body: leadActivityInput,
        response: { 201: envelope(leadActivityOut) },
      },
    },
    async (request, reply) => {
      const leadId = requireId(request.params.leadId, 'Lead');
      const { record, isReplay } = await createActivity(
        ctx,
        request,
        leadId,
        request.body,
        request.idempotency,
      );
      answerCreated(reply, isReplay);
      return { success: true as const, data: presentLeadActivity(record) };
    },
  );
};
