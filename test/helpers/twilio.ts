import { createHmac, randomBytes } from 'node:crypto';
import { type ApiAnswer, type ApiRequest, type FakeApi, startFakeApi } from './fake-api.ts';

/** The account that the fake Twilio API knows. */
export const twilioAccount = {
  accountSid: `AC${'0123456789abcdef'.repeat(2)}`,
  authToken: 'twilio-auth-token-0123456789',
  from: '+15017122661',
};

interface TwilioMessage {
  sid: string;
  to: string;
  body: string;
  direction: string;
  date_created: string;
}

export interface Twilio extends FakeApi {
  /** How the next sends are answered, in order; after that they are accepted. */
  next(...answers: ((request: ApiRequest) => ApiAnswer)[]): void;
  /** What Twilio has taken; its message list. */
  messages: TwilioMessage[];
  /** Takes the message without a word about it. */
  take(request: ApiRequest): TwilioMessage;
}

export const twilioError = (status: number, code: number, message: string): ApiAnswer => ({
  status,
  body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status },
});

const authorization = `Basic ${Buffer.from(`${twilioAccount.accountSid}:${twilioAccount.authToken}`).toString('base64')}`;
const messagesPath = `/2010-04-01/Accounts/${twilioAccount.accountSid}/Messages.json`;

/** Speaks the part of Twilio's REST API that sends and lists messages. */
export async function startTwilio(): Promise<Twilio> {
  const waiting: ((request: ApiRequest) => ApiAnswer)[] = [];
  const messages: TwilioMessage[] = [];
  const take = (request: ApiRequest) => {
    const form = new URLSearchParams(request.text);
    const message = {
      sid: `SM${randomBytes(16).toString('hex')}`,
      to: form.get('To') ?? '',
      body: form.get('Body') ?? '',
      direction: 'outbound-api',
      date_created: new Date().toUTCString().replace('GMT', '+0000'),
    };
    messages.push(message);
    return message;
  };
  const accept = (request: ApiRequest): ApiAnswer => ({
    status: 201,
    body: { ...take(request), account_sid: twilioAccount.accountSid, status: 'queued', error_code: null },
  });
  const api = await startFakeApi((request) => {
    if (request.headers.authorization !== authorization) return twilioError(401, 20_003, 'Authenticate');
    if (request.path !== messagesPath)
      return twilioError(404, 20_404, 'The requested resource was not found');
    if (request.method === 'GET') {
      const found = messages.filter(({ to }) => to === request.query.get('To'));
      return {
        status: 200,
        body: { messages: found.reverse(), page: 0, page_size: 100, next_page_uri: null },
      };
    }
    return (waiting.shift() ?? accept)(request);
  });
  return { ...api, messages, take, next: (...answers) => void waiting.push(...answers) };
}

/** The headers with which Twilio calls an address. */
export function signedForm(url: string, form: Record<string, string>, authToken = twilioAccount.authToken) {
  const fields = Object.keys(form)
    .sort()
    .map((name) => `${name}${form[name]}`);
  const signature = createHmac('sha1', authToken)
    .update(url + fields.join(''))
    .digest('base64');
  return {
    text: new URLSearchParams(form).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Twilio-Signature': signature },
  };
}
