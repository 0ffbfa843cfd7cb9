import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { envelope, idParams, workspaceParams } from '../../../lib/schemas.ts';
import { listConversations, setConversationStatus } from '../messages/conversations.ts';
import { presentConversation, presentSent, presentTemplate } from './present.ts';
import {
  conversationOut,
  conversationPage,
  conversationPatch,
  conversationQuery,
  sentOut,
  templateInput,
  templateOut,
  textInput,
} from './schema.ts';
import { type Sent, sendTemplate, sendText } from './service.ts';
import { listTemplates, syncTemplates } from './templates.ts';

const tags = ['WhatsApp'];
/** The document answers what is invalid here with 400, unlike everywhere else, and asks for no scope. */
const config = { module: 'whatsapp', invalidStatus: 400, isScopeOptional: true } as const;
const readable = { ...config, access: 'message.read' } as const;
const sendable = { ...config, access: 'message.send' } as const;

/** The WhatsApp operations. */
export const whatsappRoutes: Routes = async (app, { ctx }) => {
  app.post(
    '/whatsapp/send/text',
    {
      config: { ...sendable, idempotent: true },
      schema: {
        operationId: 'sendWhatsAppText',
        summary: 'Send a WhatsApp text; answers once Meta has accepted it',
        tags,
        params: workspaceParams,
        body: textInput,
        response: { 200: sentOut },
      },
    },
    async ({ workspace, body, idempotency }, reply) =>
      answerSent(reply, await sendText(ctx, workspace, body, idempotency)),
  );

  app.post(
    '/whatsapp/send/template',
    {
      config: { ...sendable, idempotent: true },
      schema: {
        operationId: 'sendWhatsAppTemplate',
        summary: 'Send a WhatsApp template; answers once Meta has accepted it',
        tags,
        params: workspaceParams,
        body: templateInput,
        response: { 200: sentOut },
      },
    },
    async ({ workspace, body, idempotency }, reply) =>
      answerSent(reply, await sendTemplate(ctx, workspace, body, idempotency)),
  );

  app.get(
    '/whatsapp/conversations',
    {
      config: readable,
      schema: {
        operationId: 'listWhatsAppConversations',
        summary: 'List conversations, the liveliest first',
        tags,
        params: workspaceParams,
        querystring: conversationQuery,
        response: { 200: conversationPage },
      },
    },
    async ({ workspace, query }) => {
      const { records, nextCursor } = await listConversations(ctx, workspace._id, query);
      return { success: true as const, conversations: records.map(presentConversation), nextCursor };
    },
  );

  app.patch(
    '/whatsapp/conversations/:conversationId',
    {
      config: sendable,
      schema: {
        operationId: 'patchWhatsAppConversation',
        summary: 'Close or open a conversation; a message that comes in opens it too',
        tags,
        params: idParams('conversationId'),
        body: conversationPatch,
        response: { 200: envelope(conversationOut) },
      },
    },
    async ({ workspace, params, body }) => {
      const id = requireId(params.conversationId, 'Conversation');
      const conversation = await setConversationStatus(ctx, workspace._id, id, body.status);
      return { success: true as const, data: presentConversation(conversation) };
    },
  );

  app.get(
    '/whatsapp/templates',
    {
      config: readable,
      schema: {
        operationId: 'listWhatsAppTemplates',
        summary: 'List the templates as of the last sync',
        tags,
        params: workspaceParams,
        response: { 200: envelope(z.array(templateOut)) },
      },
    },
    async ({ workspace }) => {
      const templates = await listTemplates(ctx, workspace._id);
      return { success: true as const, data: templates.map(presentTemplate) };
    },
  );

  app.post(
    '/whatsapp/templates/sync',
    {
      config: sendable,
      schema: {
        operationId: 'syncWhatsAppTemplates',
        summary: 'Fetch the templates from Meta',
        tags,
        params: workspaceParams,
        response: { 200: envelope(z.array(templateOut)).extend({ message: z.string() }) },
      },
    },
    async ({ workspace }) => {
      const templates = await syncTemplates(ctx, workspace._id);
      return {
        success: true as const,
        message: 'Templates synchronized',
        data: templates.map(presentTemplate),
      };
    },
  );
};

function answerSent(reply: FastifyReply, { message, isReplay }: Sent) {
  if (isReplay) reply.header('Idempotency-Replayed', 'true');
  return presentSent(message);
}
