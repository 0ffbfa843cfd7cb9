import { z } from 'zod';
import type { SmsCredentials } from '../../message-providers/schema.ts';
import type { Message } from '../model.ts';
import { callProvider, type ProviderAnswer, retryAfterMs } from './http.ts';
import {
  type MessageProvider,
  ProviderRejected,
  ProviderUnavailable,
  ProviderUncertain,
} from './provider.ts';

/**
 * Twilio's Messages API. It has no idempotency key, but it can be asked for the messages to a number, and its status
 * callbacks come to an address that names our message: two ways to learn what became of a send whose answer was lost.
 * @param callbackUrl where Twilio reports the statuses of a message; undefined when the server has no public address
 */
export const twilioSms = (
  apiUrl: string,
  credentials: SmsCredentials,
  callbackUrl: (message: Message) => string | undefined,
): MessageProvider => ({
  from: credentials.from ?? credentials.messagingServiceSid ?? '',

  async send(message) {
    const statusCallback = callbackUrl(message);
    const form = new URLSearchParams({
      To: message.to,
      Body: message.body ?? '',
      ...(credentials.messagingServiceSid
        ? { MessagingServiceSid: credentials.messagingServiceSid }
        : { From: credentials.from ?? '' }),
      ...(statusCallback ? { StatusCallback: statusCallback } : {}),
    });
    const answer = await callProvider(messagesUrl(apiUrl, credentials), {
      method: 'POST',
      headers: { ...authorization(credentials), 'Content-Type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    if (answer.status !== 200 && answer.status !== 201) throw refusalOf(answer);
    const parsed = z.object({ sid: z.string().min(1) }).safeParse(answer.body);
    if (!parsed.success) throw new ProviderUncertain('The provider answered without a message id');
    return { providerId: parsed.data.sid };
  },

  async find(message) {
    const query = new URLSearchParams({ To: message.to, PageSize: '100' });
    const answer = await callProvider(`${messagesUrl(apiUrl, credentials)}?${query}`, {
      headers: authorization(credentials),
    });
    const parsed = messageList.safeParse(answer.body);
    if (answer.status !== 200 || !parsed.success) throw refusalOf(answer);
    return parsed.data.messages
      .filter((candidate) => isSameMessage(candidate, message))
      .map(({ sid }) => sid);
  },
});

const messagesUrl = (apiUrl: string, { accountSid }: SmsCredentials): string =>
  `${apiUrl}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`;

const authorization = ({ accountSid, authToken }: SmsCredentials) => ({
  Authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`,
});

const listedMessage = z.object({
  sid: z.string(),
  body: z.string().nullable(),
  direction: z.string(),
  date_created: z.string(),
});
const messageList = z.object({ messages: z.array(listedMessage) });

/** Twilio's clock and ours may differ by this much. */
const clockSkewMs = 5_000;

function isSameMessage(candidate: z.output<typeof listedMessage>, message: Message): boolean {
  const createdAt = Date.parse(candidate.date_created);
  const claimedAt = message.claimedAt?.getTime() ?? message.createdAt.getTime();
  return (
    candidate.direction.startsWith('outbound') &&
    // Trial accounts put a sentence before the text.
    (candidate.body ?? '').endsWith(message.body ?? '') &&
    // Times are in whole seconds.
    createdAt >= claimedAt - clockSkewMs - 1_000
  );
}

const twilioError = z.object({ code: z.number(), message: z.string() });

/** The recipient has replied STOP. */
const unsubscribedCode = 21_610;

/** What an answer that is no success means. A well-formed error says that nothing was sent; anything else says nothing. */
function refusalOf(answer: ProviderAnswer): Error {
  const parsed = twilioError.safeParse(answer.body);
  const code = parsed.data && String(parsed.data.code);
  const reason = parsed.data?.message ?? `The provider answered ${answer.status}`;
  const isTemporary =
    answer.status === 429 || answer.status === 503 || (parsed.success && answer.status >= 500);
  if (isTemporary)
    return new ProviderUnavailable(reason, { code, retryAfterMs: retryAfterMs(answer.headers) });
  if (answer.status >= 500) return new ProviderUncertain(reason);
  if (!parsed.success) return new ProviderUnavailable(reason);
  return new ProviderRejected(reason, { code, isOptOut: parsed.data.code === unsubscribedCode });
}
