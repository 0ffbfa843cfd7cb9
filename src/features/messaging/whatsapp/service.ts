import type { Context } from '../../../context.ts';
import { AppError } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { IdempotencyRequest } from '../../../records/idempotency.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { openConversation } from '../messages/conversations.ts';
import type { Message } from '../messages/model.ts';
import { awaitOutcome } from '../messages/outcome.ts';
import { findSubjects, requireRecipient } from '../messages/service.ts';
import { blocked, type Draft, submitMessage } from '../messages/submit.ts';
import type { TemplateInput, TextInput } from './schema.ts';
import { renderTemplate } from './templates.ts';

/** How long a request waits for Meta's answer. */
const patienceMs = 10_000;
const retryAfterSeconds = 5;

export interface Sent {
  message: Message & { providerId: string };
  isReplay: boolean;
}

/** Sends a text and waits for Meta to accept it. @throws AppError as `sendAndWait` */
export const sendText = (
  ctx: Context,
  workspace: Workspace,
  input: TextInput,
  idempotency?: IdempotencyRequest,
): Promise<Sent> =>
  sendAndWait(ctx, workspace._id, idempotency, async () => ({
    type: 'text',
    body: input.body,
    ...(await addressOf(ctx, workspace, input.to)),
  }));

/** Sends a template and waits for Meta to accept it. @throws AppError as `sendAndWait` */
export const sendTemplate = (
  ctx: Context,
  workspace: Workspace,
  input: TemplateInput,
  idempotency?: IdempotencyRequest,
): Promise<Sent> =>
  sendAndWait(ctx, workspace._id, idempotency, async () => {
    const { name, language, variables = [] } = input;
    const components = input.components?.length ? input.components : bodyComponents(variables);
    return {
      type: 'template',
      template: { name, language, ...(components ? { components } : {}) },
      body: await renderTemplate(ctx, workspace._id, input, variables),
      ...(await addressOf(ctx, workspace, input.to)),
    };
  });

/** The short form of a template's parameters: values of its body, in order. */
function bodyComponents(variables: string[]): Record<string, unknown>[] | undefined {
  if (variables.length === 0) return undefined;
  return [{ type: 'body', parameters: variables.map((text) => ({ type: 'text', text })) }];
}

async function addressOf(
  ctx: Context,
  workspace: Workspace,
  text: string,
): Promise<Pick<Draft, 'channel' | 'to' | 'conversationId' | 'leadId' | 'contactId'>> {
  const to = requireRecipient(workspace, text);
  const { name, ...subjects } = await findSubjects(ctx, workspace, 'whatsapp', to);
  const conversation = await openConversation(ctx, workspace._id, {
    phone: to,
    fallbackName: name,
    ...subjects,
  });
  return { channel: 'whatsapp', to, conversationId: conversation._id.toHexString(), ...subjects };
}

/**
 * @throws AppError invalid when the recipient has opted out; provider_rejected with Meta's reason; unavailable when Meta
 * has not answered yet (the message stays queued, and a retry with the same Idempotency-Key finds it) or its answer was
 * lost
 */
async function sendAndWait(
  ctx: Context,
  workspaceId: ObjectId,
  idempotency: IdempotencyRequest | undefined,
  prepare: () => Promise<Draft>,
): Promise<Sent> {
  const { record, isReplay } = await submitMessage(ctx, workspaceId, idempotency, prepare);
  const message = await awaitOutcome(ctx, record, patienceMs);
  // Accepted once is accepted, also when the message has failed on its way since.
  const { providerId } = message;
  if (providerId !== undefined) return { message: { ...message, providerId }, isReplay };
  throw refusalOf(message);
}

function refusalOf(message: Message): AppError {
  const { status, error } = message;
  const extra = { messageId: message._id.toHexString(), status };
  if (status === 'blocked') return blocked(message);
  if (status === 'cancelled')
    return new AppError('conflict', { message: 'The message was cancelled', extra });
  if (status === 'rejected' || status === 'failed') {
    return new AppError('provider_rejected', {
      message: error?.reason,
      extra: { ...extra, ...(error?.code ? { providerCode: error.code } : {}) },
    });
  }
  if (status === 'unknown') return new AppError('unavailable', { message: error?.reason, extra });
  return new AppError('unavailable', {
    message: 'The provider has not accepted the message yet; it stays queued and will be sent',
    headers: { 'Retry-After': String(retryAfterSeconds) },
    extra,
  });
}
