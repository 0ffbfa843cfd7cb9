import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from './listen.mjs';

/** How the provider answers. After `lost` and `late` it has taken the message, though nobody hears of it. */
const moods = { accept: 86, slow: 5, refuse: 5, lost: 4 };
const slowMs = 600;

/** @typedef {Awaited<ReturnType<typeof startProvider>>} Provider */

/**
 * Stands for Twilio (SMS, which can be asked what it has taken) and for Meta's Graph API (WhatsApp, which can't). Counts
 * what it takes by recipient and text: there must never be two of one.
 */
export async function startProvider(random) {
  /** `${to} ${text}` → how often taken. */
  const taken = new Map();
  const sms = [];
  const take = (to, text) => taken.set(`${to} ${text}`, (taken.get(`${to} ${text}`) ?? 0) + 1);

  const server = await listen(async (request, response, text) => {
    const url = new URL(request.url, 'http://provider');
    const isSms = url.pathname.endsWith('/Messages.json');
    if (isSms && request.method === 'GET') return answer(response, 200, { messages: listed(sms, url) });
    const mood = random.weighted(moods);
    if (mood === 'refuse') return refuse(response, isSms);
    if (mood === 'slow') await sleep(slowMs);
    // Whoever sent it may be dead by now; then it has been taken all the same.
    const accepted = isSms ? takeSms(sms, take, text) : takeWhatsapp(take, text);
    if (mood === 'lost') return request.socket.destroy();
    answer(response, isSms ? 201 : 200, accepted);
  });
  return { origin: server.origin, taken, close: server.close };
}

function takeSms(sms, take, text) {
  const form = new URLSearchParams(text);
  const message = {
    sid: `SM${randomBytes(16).toString('hex')}`,
    to: form.get('To'),
    body: form.get('Body'),
    direction: 'outbound-api',
    date_created: new Date().toUTCString(),
  };
  sms.push(message);
  take(message.to, message.body);
  return message;
}

function takeWhatsapp(take, text) {
  const { to, text: content } = JSON.parse(text);
  take(`+${to}`, content.body);
  return { messaging_product: 'whatsapp', messages: [{ id: `wamid.${randomBytes(20).toString('base64')}` }] };
}

const listed = (sms, url) => sms.filter(({ to }) => to === url.searchParams.get('To'));

/** Each in its own words: too many requests, nothing taken. */
function refuse(response, isSms) {
  if (isSms) return answer(response, 429, { code: 20_429, message: 'Too many requests', status: 429 });
  const error = { message: 'Rate limit hit', code: 130_429, error_data: { details: 'Too many messages' } };
  return answer(response, 429, { error });
}

const answer = (response, status, body) =>
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
