import { z } from 'zod';
import type { WhatsappCredentials } from '../../message-providers/schema.ts';
import type { Message } from '../model.ts';
import { callProvider, type ProviderAnswer, retryAfterMs } from './http.ts';
import {
  type MessageProvider,
  ProviderRejected,
  ProviderUnavailable,
  ProviderUncertain,
  type SendResult,
} from './provider.ts';

/**
 * Meta's WhatsApp Cloud API. It has no idempotency key and no way to look a message up; it echoes our id in the status
 * callbacks (`biz_opaque_callback_data`), which is how a message whose answer was lost can still become known.
 */
export const metaWhatsapp = (apiUrl: string, credentials: WhatsappCredentials): MessageProvider => ({
  from: credentials.phoneNumber ?? credentials.phoneNumberId,
  async send(message) {
    const answer = await callProvider(`${apiUrl}/${encodeURIComponent(credentials.phoneNumberId)}/messages`, {
      method: 'POST',
      headers: { ...authorization(credentials), 'Content-Type': 'application/json' },
      body: JSON.stringify(payloadOf(message)),
    });
    return acceptanceOf(answer);
  },
});

export interface MetaTemplate {
  id?: string | undefined;
  name: string;
  language: string;
  category?: string | undefined;
  status?: string | undefined;
  components: Record<string, unknown>[];
}

const templatePage = z.object({
  data: z.array(
    z.object({
      id: z.string().optional(),
      name: z.string(),
      language: z.string(),
      category: z.string().optional(),
      status: z.string().optional(),
      components: z.array(z.record(z.string(), z.unknown())).default([]),
    }),
  ),
  paging: z
    .object({ cursors: z.object({ after: z.string() }).optional(), next: z.string().optional() })
    .optional(),
});

/** Meta lets an account have 6,000 templates. */
const templatePagesMax = 60;
const templatesPerPage = 100;
/** All pages together: somebody waits for them. */
const templatesTimeoutMs = 20_000;

/** All message templates of the business account, page by page. @throws ProviderRejected, ProviderUnavailable */
export async function fetchTemplates(
  apiUrl: string,
  credentials: WhatsappCredentials,
  timeoutMs = templatesTimeoutMs,
): Promise<MetaTemplate[]> {
  const endsAt = Date.now() + timeoutMs;
  const { businessAccountId } = credentials;
  if (!businessAccountId) throw new ProviderRejected('The stored credentials have no businessAccountId');
  const templates: MetaTemplate[] = [];
  let after: string | undefined;
  for (let page = 0; page < templatePagesMax; page++) {
    const query = new URLSearchParams({
      fields: 'id,name,language,category,status,components',
      limit: String(templatesPerPage),
      ...(after ? { after } : {}),
    });
    const url = `${apiUrl}/${encodeURIComponent(businessAccountId)}/message_templates?${query}`;
    const leftMs = Math.max(0, endsAt - Date.now());
    const answer = await callProvider(url, { headers: authorization(credentials) }, leftMs);
    if (answer.status !== 200) throw refusalOf(answer);
    const parsed = templatePage.safeParse(answer.body);
    if (!parsed.success) throw new ProviderUnavailable('The provider’s list of templates can’t be read');
    templates.push(...parsed.data.data);
    after = parsed.data.paging?.next ? parsed.data.paging.cursors?.after : undefined;
    if (!after) break;
  }
  return templates;
}

const authorization = ({ accessToken }: WhatsappCredentials) => ({ Authorization: `Bearer ${accessToken}` });

function payloadOf(message: Message): object {
  const { template } = message;
  return {
    messaging_product: 'whatsapp',
    recipient_type: 'individual',
    to: message.to.replace(/^\+/, ''),
    biz_opaque_callback_data: message._id.toHexString(),
    ...(template
      ? {
          type: 'template',
          template: {
            name: template.name,
            language: { code: template.language },
            ...(template.components ? { components: template.components } : {}),
          },
        }
      : { type: 'text', text: { preview_url: false, body: message.body } }),
  };
}

const acceptance = z.object({ messages: z.array(z.object({ id: z.string().min(1) })).min(1) });

function acceptanceOf(answer: ProviderAnswer): SendResult {
  if (answer.status !== 200) throw refusalOf(answer);
  const parsed = acceptance.safeParse(answer.body);
  const [first] = parsed.data?.messages ?? [];
  if (!first) throw new ProviderUncertain('The provider answered without a message id');
  return { providerId: first.id };
}

const graphError = z.object({
  error: z.object({
    code: z.number(),
    message: z.string(),
    error_data: z.object({ details: z.string() }).partial().optional(),
  }),
});

/** Application, account and throughput limits, an overload, and faults that Graph calls temporary. */
const temporaryCodes = new Set([1, 2, 4, 80_007, 130_429, 131_000, 131_016, 131_048, 131_057, 133_004]);
/** Too many messages to this one person. */
const pairRateCode = 131_056;
/** The person has stopped messages from this business. */
const optOutCode = 131_050;

/** What an answer that is no success means. A well-formed error says that nothing was sent; anything else says nothing. */
function refusalOf(answer: ProviderAnswer): Error {
  const parsed = graphError.safeParse(answer.body);
  if (!parsed.success) {
    const reason = `The provider answered ${answer.status}`;
    const isRefusal = answer.status === 503 || (answer.status >= 300 && answer.status < 500);
    return isRefusal ? new ProviderUnavailable(reason) : new ProviderUncertain(reason);
  }
  const { code, message, error_data: data } = parsed.data.error;
  const reason = data?.details ?? message;
  const options = { code: String(code), retryAfterMs: retryAfterMs(answer.headers) };
  if (code === pairRateCode) return new ProviderUnavailable(reason, { ...options, isAboutRecipient: true });
  if (answer.status === 429 || temporaryCodes.has(code)) return new ProviderUnavailable(reason, options);
  return new ProviderRejected(reason, { code: String(code), isOptOut: code === optOutCode });
}
