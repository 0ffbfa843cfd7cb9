import { z } from 'zod';
import type { Adapter, Routes } from '../../http.ts';
import { cratioContract } from './contract.ts';
import { cratioDocument } from './document.ts';
import {
  callLogInput,
  callLogOut,
  callLogQuery,
  dataOf,
  deletedOut,
  errorOut,
  leadInput,
  leadOut,
  leadQuery,
  listOf,
} from './schema.ts';
import {
  canonicalUuid,
  createCallLog,
  createLead,
  listCallLogs,
  listLeads,
  removeCallLog,
  removeLead,
} from './service.ts';

const params = z.object({ id: z.string() });
const failures = { 400: errorOut, 401: errorOut, 403: errorOut, 429: errorOut };
const readable = { access: 'cratio:read', module: 'leads' } as const;
const writable = { access: 'cratio:write', module: 'leads' } as const;
const deletable = { access: 'cratio:delete', module: 'leads' } as const;

/** Six operations for clients that were written against it. */
const routes: Routes = async (app, { ctx }) => {
  app.get(
    '/api/v1/leads',
    {
      config: readable,
      schema: {
        operationId: 'listLeads',
        summary: 'List leads, newest first',
        tags: ['Leads'],
        querystring: leadQuery,
        response: { 200: listOf(leadOut), ...failures },
      },
    },
    (request) => listLeads(ctx, request, request.query),
  );

  app.post(
    '/api/v1/leads',
    {
      config: writable,
      schema: {
        operationId: 'createLead',
        summary: 'Create a lead, or merge into the one with the same phone or email (200)',
        tags: ['Leads'],
        body: leadInput,
        response: { 200: dataOf(leadOut), 201: dataOf(leadOut), ...failures },
      },
    },
    async (request, reply) => {
      const { data, isNew } = await createLead(ctx, request, request.body);
      reply.code(isNew ? 201 : 200);
      return { data };
    },
  );

  app.delete(
    '/api/v1/leads/:id',
    {
      config: deletable,
      schema: {
        operationId: 'deleteLead',
        summary: 'Delete a lead for good, with its call logs, activities and notes',
        tags: ['Leads'],
        params,
        response: { 200: deletedOut, ...failures, 404: errorOut },
      },
    },
    async (request) => {
      await removeLead(ctx, request, request.params.id);
      return { data: { id: canonicalUuid(request.params.id), deleted: true } };
    },
  );

  app.get(
    '/api/v1/call-logs',
    {
      config: readable,
      schema: {
        operationId: 'listCallLogs',
        summary: 'List calls, newest first',
        tags: ['Call Logs'],
        querystring: callLogQuery,
        response: { 200: listOf(callLogOut), ...failures },
      },
    },
    (request) => listCallLogs(ctx, request, request.query),
  );

  app.post(
    '/api/v1/call-logs',
    {
      config: writable,
      schema: {
        operationId: 'createCallLog',
        summary: 'Log a call with a lead',
        tags: ['Call Logs'],
        body: callLogInput,
        response: { 201: dataOf(callLogOut), ...failures },
      },
    },
    async (request, reply) => {
      const data = await createCallLog(ctx, request, request.body);
      reply.code(201);
      return { data };
    },
  );

  app.delete(
    '/api/v1/call-logs/:id',
    {
      config: deletable,
      schema: {
        operationId: 'deleteCallLog',
        summary: 'Delete a call log for good',
        tags: ['Call Logs'],
        params,
        response: { 200: deletedOut, ...failures, 404: errorOut },
      },
    },
    async (request) => {
      await removeCallLog(ctx, request, request.params.id);
      return { data: { id: canonicalUuid(request.params.id), deleted: true } };
    },
  );
};

/** The Cratio CRM API. */
export const cratio: Adapter = { ...cratioContract, isAtRoot: true, document: cratioDocument, routes };
