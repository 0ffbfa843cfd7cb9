import type { Routes } from '../../../http.ts';
import { requireId } from '../../../lib/ids.ts';
import { envelope, idParams, pageOf, workspaceParams } from '../../../lib/schemas.ts';
import { answerCreated } from '../../../records/api/shape.ts';
import { presentMessage } from './present.ts';
import { emailInput, messageOut, messageQuery, smsInput } from './schema.ts';
import { cancelMessage, getMessage, listMessages, sendEmail, sendSms } from './service.ts';

const tags = ['Messages'];
const readable = { access: 'message.read', module: 'messages' } as const;
const sendable = { access: 'message.send', module: 'messages' } as const;
const one = envelope(messageOut);
const messageParams = idParams('messageId');

/** SMS and email, and the messages of every channel. */
export const messageRoutes: Routes = async (app, { ctx }) => {
  app.post(
    '/messages/sms',
    {
      config: { ...sendable, idempotent: true },
      schema: {
        operationId: 'sendSms',
        summary: 'Send an SMS now or later',
        tags,
        params: workspaceParams,
        body: smsInput,
        response: { 201: one },
      },
    },
    async (request, reply) => {
      const { workspace, body, idempotency } = request;
      const { record, isReplay } = await sendSms(ctx, workspace, body, idempotency);
      answerCreated(reply, isReplay);
      return { success: true as const, data: presentMessage(record) };
    },
  );

  app.post(
    '/messages/email',
    {
      config: { ...sendable, idempotent: true },
      schema: {
        operationId: 'sendEmail',
        summary: 'Send an email now or later',
        tags,
        params: workspaceParams,
        body: emailInput,
        response: { 201: one },
      },
    },
    async (request, reply) => {
      const { workspace, body, idempotency } = request;
      const { record, isReplay } = await sendEmail(ctx, workspace, body, idempotency);
      answerCreated(reply, isReplay);
      return { success: true as const, data: presentMessage(record) };
    },
  );

  app.get(
    '/messages',
    {
      config: readable,
      schema: {
        operationId: 'listMessages',
        summary: 'List messages of every channel, newest first',
        tags,
        params: workspaceParams,
        querystring: messageQuery,
        response: { 200: pageOf(messageOut) },
      },
    },
    async ({ workspace, query }) => {
      const { records, nextCursor } = await listMessages(ctx, workspace, query);
      return { success: true as const, data: records.map(presentMessage), nextCursor };
    },
  );

  app.get(
    '/messages/:messageId',
    {
      config: { ...readable, etag: true },
      schema: {
        operationId: 'getMessage',
        summary: 'Get a message',
        tags,
        params: messageParams,
        response: { 200: one },
      },
    },
    async ({ workspace, params }) => {
      const message = await getMessage(ctx, workspace._id, requireId(params.messageId, 'Message'));
      return { success: true as const, data: presentMessage(message) };
    },
  );

  app.post(
    '/messages/:messageId/cancel',
    {
      config: sendable,
      schema: {
        operationId: 'cancelMessage',
        summary: 'Keep a scheduled or queued message from being sent; 409 once it has left',
        tags,
        params: messageParams,
        response: { 200: one },
      },
    },
    async ({ workspace, params }) => {
      const message = await cancelMessage(ctx, workspace._id, requireId(params.messageId, 'Message'));
      return { success: true as const, data: presentMessage(message) };
    },
  );
};
