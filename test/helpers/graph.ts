import { createHmac, randomBytes } from 'node:crypto';
import { type ApiAnswer, type ApiRequest, type FakeApi, startFakeApi } from './fake-api.ts';

/** The account that the fake Graph API knows. */
export const whatsappAccount = {
  phoneNumberId: '106540352242922',
  accessToken: 'EAAJB-test-access-token-of-a-system-user',
  appSecret: 'app-secret-0123456789abcdef',
  verifyToken: 'verify-me-please',
  businessAccountId: '102290129340398',
  phoneNumber: '+15550783881',
};

export interface Graph extends FakeApi {
  /** How the next sends are answered, in order; after that they are accepted. */
  next(...answers: ApiAnswer[]): void;
  /** Ids of the accepted messages. */
  accepted: string[];
  templates: Record<string, unknown>[];
}

export const graphError = (
  status: number,
  code: number,
  message: string,
  details?: string,
  headers?: Record<string, string>,
): ApiAnswer => ({
  status,
  ...(headers ? { headers } : {}),
  body: {
    error: {
      message: `(#${code}) ${message}`,
      type: 'OAuthException',
      code,
      ...(details ? { error_data: { messaging_product: 'whatsapp', details } } : {}),
      fbtrace_id: 'AhV4d8pGlLTF1r0CY8QhBbU',
    },
  },
});

export const graphErrors = {
  rateLimit: graphError(429, 130_429, 'Rate limit hit', 'Cloud API message throughput has been reached.'),
  unknownTemplate: graphError(
    404,
    132_001,
    'Template name does not exist in the translation',
    'template name (qvoo_hello) does not exist in en_US',
  ),
  expiredToken: {
    status: 401,
    body: {
      error: {
        message: 'Error validating access token: Session has expired on Friday, 12-Jun-26 08:00:00 PDT.',
        type: 'OAuthException',
        code: 190,
        error_subcode: 463,
        fbtrace_id: 'AhV4d8pGlLTF1r0CY8QhBbU',
      },
    },
  },
} satisfies Record<string, ApiAnswer>;

/** Speaks the part of Meta's Graph API that sends messages and lists templates. */
export async function startGraph(): Promise<Graph> {
  const waiting: ApiAnswer[] = [];
  const accepted: string[] = [];
  const templates: Record<string, unknown>[] = [];
  const accept = (request: ApiRequest): ApiAnswer => {
    const { to } = JSON.parse(request.text) as { to: string };
    const id = `wamid.${randomBytes(24).toString('base64')}`;
    accepted.push(id);
    return {
      status: 200,
      body: {
        messaging_product: 'whatsapp',
        contacts: [{ input: to, wa_id: to }],
        messages: [{ id, message_status: 'accepted' }],
      },
    };
  };
  const api = await startFakeApi((request) => {
    if (request.headers.authorization !== `Bearer ${whatsappAccount.accessToken}`)
      return graphErrors.expiredToken;
    if (request.path === `/${whatsappAccount.phoneNumberId}/messages`)
      return waiting.shift() ?? accept(request);
    if (request.path === `/${whatsappAccount.businessAccountId}/message_templates`)
      return templatePage(request, templates);
    return graphError(404, 100, 'Unsupported request');
  });
  return { ...api, accepted, templates, next: (...answers) => void waiting.push(...answers) };
}

/** Two templates a page, however many are asked for: paging has to be followed. */
function templatePage({ query }: ApiRequest, templates: Record<string, unknown>[]): ApiAnswer {
  const start = Number(query.get('after') ?? 0);
  const end = start + 2;
  const hasMore = end < templates.length;
  return {
    status: 200,
    body: {
      data: templates.slice(start, end),
      paging: {
        cursors: { before: String(start), after: String(end) },
        ...(hasMore ? { next: 'https://graph.facebook.com/next-page' } : {}),
      },
    },
  };
}

/** A callback's body and its signature, as Meta sends them. */
export function signedCallback(value: Record<string, unknown>, appSecret = whatsappAccount.appSecret) {
  const text = JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [
      {
        id: whatsappAccount.businessAccountId,
        changes: [
          {
            field: 'messages',
            value: {
              messaging_product: 'whatsapp',
              metadata: {
                display_phone_number: '15550783881',
                phone_number_id: whatsappAccount.phoneNumberId,
              },
              ...value,
            },
          },
        ],
      },
    ],
  });
  const signature = createHmac('sha256', appSecret).update(text).digest('hex');
  return {
    text,
    headers: { 'Content-Type': 'application/json', 'X-Hub-Signature-256': `sha256=${signature}` },
  };
}

export const inboundText = (from: string, body: string, overrides: Record<string, unknown> = {}) => ({
  contacts: [{ profile: { name: 'Sheena Nelson' }, wa_id: from }],
  messages: [
    {
      from,
      id: `wamid.${randomBytes(24).toString('base64')}`,
      timestamp: String(Math.floor(Date.now() / 1_000)),
      type: 'text',
      text: { body },
      ...overrides,
    },
  ],
});

export const statusUpdate = (id: string, status: string, overrides: Record<string, unknown> = {}) => ({
  statuses: [
    {
      id,
      status,
      timestamp: String(Math.floor(Date.now() / 1_000)),
      recipient_id: '919800000000',
      ...overrides,
    },
  ],
});
