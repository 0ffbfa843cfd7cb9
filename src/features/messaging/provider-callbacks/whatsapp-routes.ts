import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Context } from '../../../context.ts';
import type { Routes } from '../../../http.ts';
import { isEqualConstantTime } from '../../../lib/crypto.ts';
import { AppError } from '../../../lib/errors.ts';
import { parseId } from '../../../lib/ids.ts';
import { faultOfJson } from '../../../lib/json-size.ts';
import { workspaceParams } from '../../../lib/schemas.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { findWorkspace } from '../../../tenancy/workspaces/service.ts';
import type { WhatsappCredentials } from '../message-providers/schema.ts';
import { findCredentials } from '../message-providers/service.ts';
import { applyStatus, receiveMessage } from '../messages/callbacks.ts';
import { assertCallbackWelcome, refuseCallback, trustCallback } from './caller.ts';
import { isSignedByMeta } from './signatures.ts';
import { readWhatsappEvents } from './whatsapp-payload.ts';

const path = '/api/providers/whatsapp/:workspaceId';
const tags = ['Provider Callbacks'];
/** Meta's callbacks have up to 3 MB. */
const bodyBytesMax = 4 * 1_024 * 1_024;

/** Where Meta delivers what comes in and what became of what went out. The signature is over the bytes of the body. */
export const whatsappCallbackRoutes: Routes = async (app, { ctx }) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );

  app.get(
    path,
    {
      config: { access: 'public' },
      schema: {
        operationId: 'verifyWhatsAppCallback',
        summary: "Meta's handshake: gives back the challenge when the verify token is the workspace's",
        tags,
        params: workspaceParams,
        querystring: z.object({
          'hub.mode': z.string().optional(),
          'hub.verify_token': z.string().optional(),
          'hub.challenge': z.string().max(500).optional(),
        }),
        response: { 200: z.string() },
      },
    },
    async (request, reply) => {
      const { query } = request;
      const { credentials } = await accountOf(ctx, request, request.params.workspaceId);
      const isKnown = isEqualConstantTime(query['hub.verify_token'] ?? '', credentials.verifyToken);
      if (query['hub.mode'] !== 'subscribe' || !isKnown) throw await refuseCallback(ctx, request, true);
      reply.type('text/plain; charset=utf-8');
      return query['hub.challenge'] ?? '';
    },
  );

  app.post(
    path,
    {
      bodyLimit: bodyBytesMax,
      config: { access: 'public' },
      schema: {
        operationId: 'receiveWhatsAppCallback',
        summary: 'Messages and statuses from Meta, signed with X-Hub-Signature-256',
        tags,
        params: workspaceParams,
        response: { 200: z.object({ success: z.literal(true).meta({ type: 'boolean' }) }) },
      },
    },
    async (request) => {
      const { workspace, credentials } = await accountOf(ctx, request, request.params.workspaceId);
      const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
      const signature = request.headers['x-hub-signature-256'];
      if (!isSignedByMeta(credentials.appSecret, body, signature?.toString())) {
        throw await refuseCallback(ctx, request, true);
      }
      trustCallback(ctx, request);
      // An answer means "stored": what fails here Meta delivers again.
      const events = readWhatsappEvents(parse(body), credentials.phoneNumberId);
      for (const report of events.statuses) await applyStatus(ctx, workspace._id, report);
      for (const message of events.messages) await receiveMessage(ctx, workspace, message);
      return { success: true as const };
    },
  );
};

async function accountOf(
  ctx: Context,
  request: Pick<FastifyRequest, 'ip' | 'params'>,
  workspaceId: string | undefined,
): Promise<{ workspace: Workspace; credentials: WhatsappCredentials }> {
  await assertCallbackWelcome(ctx, request);
  const id = parseId(workspaceId);
  const credentials = id && (await findCredentials(ctx, id, 'whatsapp'));
  const workspace = credentials && (await findWorkspace(ctx, id));
  if (!workspace) throw await refuseCallback(ctx, request, false);
  return { workspace, credentials };
}

function parse(body: Buffer): unknown {
  const fault = faultOfJson(body);
  if (fault) throw new AppError(fault === 'broken' ? 'malformed_json' : 'payload_too_large');
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new AppError('malformed_json');
  }
}
