import { z } from 'zod';
import { createContact } from '../../features/people/contacts/service.ts';
import type { Routes } from '../../http.ts';
import type { AppError } from '../../lib/errors.ts';
import { contactInput, contactOut, toContact, toNativeContact } from './contact-map.ts';
import { enhancedQuery, findContacts, searchContacts, searchQuery } from './contact-search.ts';
import { conflict, unlessDuplicate } from './errors.ts';
import { dataOf, done, errorOut, failures, listOf, uuidOf, uuidOut } from './schema.ts';

const tags = ['Contacts'];
const readable = { access: 'automate8:contacts:read', module: 'contacts' } as const;
const writable = { access: 'automate8:contacts:write', module: 'contacts', idempotent: true } as const;

const created = dataOf(contactOut).extend({ message: z.string() });
const counted = listOf(contactOut).extend({ count: z.int() });
const paged = counted.extend({
  pagination: z.object({ limit: z.int(), offset: z.int(), total: z.int(), has_more: z.boolean() }),
});
const duplicateOut = errorOut.extend({ contact_id: uuidOut.nullable() }).meta({ id: 'DuplicateContact' });

export const contactRoutes: Routes = async (app, { ctx }) => {
  app.post(
    '/api/contacts',
    {
      config: writable,
      schema: {
        operationId: 'createContact',
        summary: 'Create a contact; a number that another one has is a conflict',
        tags,
        body: contactInput,
        response: { 201: created, ...failures, 409: duplicateOut },
      },
    },
    async ({ actor, workspace, body, idempotency }, reply) => {
      const caller = { actor, workspace };
      const { record, isReplay } = await createContact(ctx, caller, toNativeContact(body), idempotency).catch(
        unlessDuplicate(numberTaken),
      );
      reply.code(201);
      if (isReplay) reply.header('Idempotency-Replayed', 'true');
      return { ...done('Contact created successfully'), data: toContact(record) };
    },
  );

  app.get(
    '/api/contacts/search',
    {
      config: readable,
      schema: {
        operationId: 'searchContacts',
        summary: 'Find contacts by any of their id, number, address and names; at most 100, newest first',
        tags,
        querystring: searchQuery,
        response: { 200: counted, ...failures },
      },
    },
    async ({ workspace, query }) => {
      const data = (await searchContacts(ctx, workspace, query)).map(toContact);
      return { success: true as const, count: data.length, data };
    },
  );

  app.get(
    '/api/contacts/enhanced-search',
    {
      config: readable,
      schema: {
        operationId: 'enhancedSearchContacts',
        summary: 'Find contacts by status, tag, follow-up and origin, page by page, newest first',
        tags,
        querystring: enhancedQuery,
        response: { 200: paged, ...failures },
      },
    },
    async ({ actor, workspace, query }) => {
      const { records, limit, total, hasMore } = await findContacts(ctx, { actor, workspace }, query);
      return {
        success: true as const,
        count: total,
        data: records.map(toContact),
        pagination: { limit, offset: query.offset, total, has_more: hasMore },
      };
    },
  );
};

const numberTaken = ({ contactId }: { contactId?: string }): AppError =>
  conflict('A contact with this phone number already exists in this workspace', {
    contact_id: uuidOf(contactId),
  });
