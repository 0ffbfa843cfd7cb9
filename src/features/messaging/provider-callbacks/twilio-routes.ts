import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Context } from '../../../context.ts';
import type { Routes } from '../../../http.ts';
import { AppError } from '../../../lib/errors.ts';
import { parseId } from '../../../lib/ids.ts';
import { workspaceParams } from '../../../lib/schemas.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { findWorkspace } from '../../../tenancy/workspaces/service.ts';
import { findCredentials } from '../message-providers/service.ts';
import { applyStatus, receiveMessage, type StatusReport } from '../messages/callbacks.ts';
import { assertCallbackWelcome, refuseCallback, trustCallback } from './caller.ts';
import { isSignedByTwilio } from './signatures.ts';

const path = '/api/providers/twilio/:workspaceId';
const tags = ['Provider Callbacks'];
const config = { access: 'public' } as const;

/** A message with all that Twilio tells about it has a few kilobytes; the form is read before its signature is known. */
const formBytesMax = 64 * 1_024;

/** What Twilio calls the statuses that say something new about a message. */
const statuses: Record<string, StatusReport['status']> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  undelivered: 'failed',
  failed: 'failed',
  canceled: 'failed',
};

/** The recipient has replied STOP. */
const unsubscribedCode = '21610';

/** Where Twilio delivers what comes in and what became of what went out, as signed forms. */
export const twilioCallbackRoutes: Routes = async (app, { ctx }) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: formBytesMax },
    (_request, body, done) => done(null, new URLSearchParams(body as string)),
  );

  app.post(
    `${path}/status`,
    {
      config,
      schema: {
        operationId: 'receiveSmsStatus',
        summary: 'The status of an SMS from Twilio, signed with X-Twilio-Signature',
        tags,
        params: workspaceParams,
        querystring: z.object({ messageId: z.string().optional() }),
        response: { 200: z.string() },
      },
    },
    async (request, reply) => {
      const { workspace, form } = await openForm(ctx, request, request.params.workspaceId);
      const status = statuses[form.get('MessageStatus') ?? ''];
      const providerId = form.get('MessageSid');
      const code = form.get('ErrorCode') ?? undefined;
      if (status && providerId) {
        await applyStatus(ctx, workspace._id, {
          channel: 'sms',
          providerId,
          messageId: request.query.messageId,
          status,
          error: status === 'failed' ? { ...(code ? { code } : {}), reason: 'Not delivered' } : undefined,
          isOptOut: code === unsubscribedCode,
        });
      }
      reply.type('text/plain; charset=utf-8');
      return '';
    },
  );

  app.post(
    `${path}/inbound`,
    {
      config,
      schema: {
        operationId: 'receiveSms',
        summary: 'An SMS from Twilio, signed with X-Twilio-Signature',
        tags,
        params: workspaceParams,
        response: { 200: z.string() },
      },
    },
    async (request, reply) => {
      const { workspace, form } = await openForm(ctx, request, request.params.workspaceId);
      const [providerId, from, to] = ['MessageSid', 'From', 'To'].map((name) => form.get(name));
      if (!providerId || !from || !to) throw new AppError('bad_request');
      await receiveMessage(ctx, workspace, {
        channel: 'sms',
        providerId,
        from,
        to,
        type: 'text',
        body: form.get('Body') ?? '',
        receivedAt: ctx.clock.now(),
        keyword: keywords[form.get('OptOutType') ?? ''],
      });
      reply.type('text/xml; charset=utf-8');
      // Twilio answers keywords itself; we have nothing to add.
      return '<?xml version="1.0" encoding="UTF-8"?><Response></Response>';
    },
  );
};

/** Twilio tells which keyword it has understood, also in other languages than English. */
const keywords: Record<string, 'stop' | 'start'> = { STOP: 'stop', START: 'start' };

async function openForm(
  ctx: Context,
  request: FastifyRequest<{ Params: unknown; Querystring: unknown }>,
  workspaceId: string | undefined,
): Promise<{ workspace: Workspace; form: URLSearchParams }> {
  await assertCallbackWelcome(ctx, request);
  const id = parseId(workspaceId);
  const credentials = id && (await findCredentials(ctx, id, 'sms'));
  const workspace = credentials && (await findWorkspace(ctx, id));
  const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
  const signature = request.headers['x-twilio-signature']?.toString();
  const url = `${baseOf(ctx, request)}${request.url}`;
  if (!workspace || !isSignedByTwilio(credentials.authToken, url, form, signature)) {
    throw await refuseCallback(ctx, request, workspace !== undefined);
  }
  trustCallback(ctx, request);
  return { workspace, form };
}

/** The address that Twilio was told to call. */
const baseOf = (ctx: Context, request: FastifyRequest): string =>
  ctx.config.publicUrl?.replace(/\/$/, '') ?? `${request.protocol}://${request.host}`;
