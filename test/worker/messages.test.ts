import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ObjectId } from '../../src/lib/ids.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { anonymous } from '../helpers/accounts.ts';
import { buildPhone, buildTenant, startServer, type Tenant, useServer } from '../helpers/app.ts';
import type { ApiRequest } from '../helpers/fake-api.ts';
import { graphErrors, inboundText, signedCallback, startGraph, whatsappAccount } from '../helpers/graph.ts';
import { configureProvider, makeDue, messageWith, storedMessage } from '../helpers/messages.ts';
import { signedForm, startTwilio, twilioAccount, twilioError } from '../helpers/twilio.ts';
import { wipeRedis } from '../helpers/webhooks.ts';
import { startWithoutRedis } from '../helpers/without-redis.ts';

const publicUrl = 'https://crm.example.com';
const [graph, twilio] = await Promise.all([startGraph(), startTwilio()]);
const server = useServer({ publicUrl, whatsappApiUrl: graph.url, twilioApiUrl: twilio.url });
let worker: RunningWorker;
const start = (): RunningWorker => startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
beforeAll(() => {
  worker = start();
});
afterAll(async () => {
  await worker.close();
  await Promise.all([graph.close(), twilio.close()]);
});

async function buildSms(): Promise<Tenant> {
  const tenant = await buildTenant(server);
  await configureProvider(server, tenant, 'sms', twilioAccount);
  return tenant;
}

async function sendSms({ api }: Tenant, overrides: Record<string, unknown> = {}) {
  const to = buildPhone();
  const answer = await api.post('/messages/sms').send({ to, body: 'Hello', ...overrides });
  if (answer.status !== 201) throw new Error(`sms answered ${answer.status}: ${answer.text}`);
  return answer.body.data as { _id: string; to: string };
}

const isSendTo = (to: string) => (request: ApiRequest) =>
  request.method === 'POST' && new URLSearchParams(request.text).get('To') === to;
const sendsTo = (to: string) => twilio.requests.filter(isSendTo(to));
const statusesOf = ({ history }: { history: { status: string }[] }) => history.map(({ status }) => status);

/** Waits until the sender has noticed that it will get no answer: then its claim ends early. */
const untilLost = (id: string) =>
  expect
    .poll(async () => {
      const { claimedAt, dueAt } = (await storedMessage(server, id)) ?? {};
      return claimedAt && dueAt ? dueAt.getTime() - claimedAt.getTime() : 0;
    })
    .toSatisfy((claimMs: number) => claimMs > 0 && claimMs < 30_000);

describe('SMS through Twilio', () => {
  it('is sent, and followed to its delivery', async () => {
    const tenant = await buildSms();
    const { _id, to } = await sendSms(tenant);
    const accepted = await messageWith(tenant, _id, 'accepted');
    const [request] = sendsTo(to);
    const callback = `${publicUrl}/api/providers/twilio/${tenant.workspaceId}/status?messageId=${_id}`;
    expect(Object.fromEntries(new URLSearchParams(request?.text))).toEqual({
      To: to,
      From: twilioAccount.from,
      Body: 'Hello',
      StatusCallback: callback,
    });
    expect(accepted).toMatchObject({
      providerId: twilio.messages.find((message) => message.to === to)?.sid,
      from: twilioAccount.from,
      attempts: 1,
    });
    for (const MessageStatus of ['queued', 'sent', 'delivered', 'sent']) {
      const form = { MessageSid: accepted.providerId, MessageStatus, To: to };
      const { text, headers } = signedForm(callback, form);
      const answer = await anonymous(server).post(callback.replace(publicUrl, '')).set(headers).send(text);
      expect(answer.status).toBe(200);
    }
    const delivered = await messageWith(tenant, _id, 'delivered');
    expect(statusesOf(delivered)).toEqual(['queued', 'accepted', 'sent', 'delivered']);
    expect(sendsTo(to)).toHaveLength(1);
  });

  it("keeps Twilio's reason when Twilio refuses", async () => {
    const tenant = await buildSms();
    twilio.next(() => twilioError(400, 21_211, "Invalid 'To' Phone Number: +9198XXXX"));
    const { _id, to } = await sendSms(tenant);
    const rejected = await messageWith(tenant, _id, 'rejected');
    expect(rejected.error).toEqual({ code: '21211', reason: "Invalid 'To' Phone Number: +9198XXXX" });
    expect(await storedMessage(server, _id)).not.toHaveProperty('dueAt');
    expect(sendsTo(to)).toHaveLength(1);
  });

  it('remembers whom Twilio names as having opted out', async () => {
    const tenant = await buildSms();
    twilio.next(() => twilioError(400, 21_610, 'Attempt to send to unsubscribed recipient'));
    const { _id, to } = await sendSms(tenant);
    await messageWith(tenant, _id, 'rejected');
    expect((await tenant.api.post('/messages/sms').send({ to, body: 'Again' })).status).toBe(422);
  });

  it('tries again after a rate limit, and leaves the provider alone meanwhile', async () => {
    const tenant = await buildSms();
    twilio.next(() => twilioError(429, 20_429, 'Too Many Requests'));
    const first = await sendSms(tenant);
    await expect.poll(async () => (await storedMessage(server, first._id))?.error?.code).toBe('20429');
    const second = await sendSms(tenant);
    await messageWith(tenant, second._id, 'accepted');
    await messageWith(tenant, first._id, 'accepted');
    const [refused, ...others] = await twilio.received(3, ({ text }) =>
      [first.to, second.to].some((to) => isSendTo(to)({ method: 'POST', text } as ApiRequest)),
    );
    expect(others).toHaveLength(2);
    for (const { at } of others) expect(at - (refused?.at ?? 0)).toBeGreaterThan(800);
  });

  it('is adopted when Twilio took it and the answer was lost, even beside its twin', async () => {
    const tenant = await buildSms();
    const to = buildPhone();
    const takeAndDie = (request: ApiRequest) => {
      twilio.take(request);
      return 'reset' as const;
    };
    twilio.next(takeAndDie, takeAndDie);
    const twins = [await sendSms(tenant, { to }), await sendSms(tenant, { to })];
    await twilio.received(2, isSendTo(to));
    const ids: string[] = [];
    for (const { _id } of twins) {
      await untilLost(_id);
      await makeDue(server, _id);
      ids.push((await messageWith(tenant, _id, 'accepted')).providerId);
    }
    expect(ids.sort()).toEqual(
      twilio.messages
        .filter((message) => message.to === to)
        .map(({ sid }) => sid)
        .sort(),
    );
    expect(sendsTo(to)).toHaveLength(2);
  });

  it('becomes unknown when Twilio has never seen it, and is not sent again', async () => {
    const tenant = await buildSms();
    twilio.next(() => 'reset');
    const { _id, to } = await sendSms(tenant);
    await untilLost(_id);
    await makeDue(server, _id);
    const unknown = await messageWith(tenant, _id, 'unknown');
    expect(unknown.error.code).toBe('answer_lost');
    expect(sendsTo(to)).toHaveLength(1);
  });

  it('waits for a provider that can’t be reached, and can be cancelled meanwhile', async () => {
    const gone = await startTwilio();
    await gone.close();
    const away = await startServer({ twilioApiUrl: gone.url });
    const ownWorker = startWorker(away.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
    const tenant = await buildTenant(away);
    await configureProvider(away, tenant, 'sms', twilioAccount);
    const { _id } = await sendSms(tenant);
    await expect.poll(async () => (await storedMessage(away, _id))?.attempts, { timeout: 10_000 }).toBe(2);
    const waiting = await messageWith(tenant, _id, 'queued');
    expect(waiting.error).toEqual({ code: 'ECONNREFUSED', reason: 'The provider can’t be reached' });
    expect((await tenant.api.post(`/messages/${_id}/cancel`)).body.data.status).toBe('cancelled');
    await ownWorker.close();
    await away.close();
  });
});

describe('a sender that died', () => {
  it('leaves a message that is shown as unknown and never sent', async () => {
    const tenant = await buildTenant(server);
    await configureProvider(server, tenant, 'whatsapp', whatsappAccount);
    const sent = await tenant.api.post('/whatsapp/send/text').send({ to: buildPhone(), body: 'Hello' });
    const { _id, to } = sent.body.data.message;
    // As the database looks when the process dies between the claim and the record of the answer.
    const collection = server.ctx.db.global('messages');
    await collection.updateOne({ _id: new ObjectId(_id) }, { $unset: { providerId: '' } });
    await makeDue(server, _id, {
      status: 'sending',
      claim: new ObjectId(),
      claimedAt: new Date(Date.now() - 120_000),
    });
    const unknown = await messageWith(tenant, _id, 'unknown');
    expect(unknown.error.code).toBe('answer_lost');
    const calls = graph.requests.filter(({ text }) => text.includes(to.slice(1)));
    expect(calls).toHaveLength(1);
  });
});

describe('a sender that died, and credentials that can’t be read any more', () => {
  it('leave a message that is shown as unknown', async () => {
    const tenant = await buildSms();
    const { _id } = await sendSms(tenant);
    await messageWith(tenant, _id, 'accepted');
    const workspaceId = new ObjectId(tenant.workspaceId);
    const accounts = server.ctx.db.global('provider_accounts');
    await accounts.updateMany({ workspaceId }, { $set: { sealed: 'sealed with another key' } });
    await server.ctx.cache.invalidate(`message-provider:${tenant.workspaceId}:sms`);
    await makeDue(server, _id, { status: 'sending', claim: new ObjectId(), claimedAt: new Date() });
    const unknown = await messageWith(tenant, _id, 'unknown');
    expect(unknown.error.code).toBe('answer_lost');
    expect(await storedMessage(server, _id)).not.toHaveProperty('dueAt');
  });
});

describe('scheduled messages', () => {
  it('leave once at their time when Redis has lost everything', async () => {
    const tenant = await buildSms();
    const sendAt = new Date(Date.now() + 1_500);
    const scheduled = await Promise.all(
      Array.from({ length: 20 }, () => sendSms(tenant, { sendAt: sendAt.toISOString() })),
    );
    expect(await wipeRedis(server.ctx)).toBeGreaterThan(0);
    for (const { _id, to } of scheduled) {
      await messageWith(tenant, _id, 'accepted');
      const [request, ...others] = sendsTo(to);
      expect(others).toEqual([]);
      // By the database's clock, which is known to within half of the round trip that measured it.
      expect(request?.at).toBeGreaterThanOrEqual(sendAt.getTime() - 250);
    }
  });

  it('leave once when several workers see them due, and survive their restart', async () => {
    const tenant = await buildSms();
    await worker.close();
    const sendAt = new Date(Date.now() + 300).toISOString();
    const scheduled = await Promise.all(Array.from({ length: 60 }, () => sendSms(tenant, { sendAt })));
    const others = [start(), start()];
    worker = start();
    await Promise.all(scheduled.map(({ _id }) => messageWith(tenant, _id, 'accepted')));
    for (const { to } of scheduled) expect(sendsTo(to)).toHaveLength(1);
    await Promise.all(others.map((other) => other.close()));
  });

  it('are blocked when the recipient opts out before', async () => {
    const tenant = await buildSms();
    const { _id, to } = await sendSms(tenant, { delay: 3_600_000 });
    const url = `/api/providers/twilio/${tenant.workspaceId}/inbound`;
    const form = { MessageSid: `SM-${_id}`, From: to, To: twilioAccount.from, Body: 'STOP' };
    const { text, headers } = signedForm(`${publicUrl}${url}`, form);
    await anonymous(server).post(url).set(headers).send(text);
    await makeDue(server, _id);
    const blocked = await messageWith(tenant, _id, 'blocked');
    expect(blocked.error).toEqual({ code: 'opted_out', reason: `${to} has opted out of these messages` });
    expect(sendsTo(to)).toEqual([]);
  });

  it('are either cancelled or sent, never both', async () => {
    const tenant = await buildSms();
    const queued = await Promise.all(Array.from({ length: 40 }, () => sendSms(tenant)));
    const answers = await Promise.all(queued.map(({ _id }) => tenant.api.post(`/messages/${_id}/cancel`)));
    for (const [index, { _id, to }] of queued.entries()) {
      const { status } = await messageWith(tenant, _id, 'cancelled', 'accepted');
      const isCancelled = status === 'cancelled';
      expect(answers[index]?.status).toBe(isCancelled ? 200 : 409);
      expect(sendsTo(to)).toHaveLength(isCancelled ? 0 : 1);
    }
  });
});

describe('the pace', () => {
  it('is fifty SMS a second for a workspace, and another workspace does not feel it', async () => {
    const [busy, other] = [await buildSms(), await buildSms()];
    const body = 'One of many';
    await Promise.all(Array.from({ length: 120 }, () => sendSms(busy, { body })));
    const startedAt = Date.now();
    const { _id } = await sendSms(other);
    await messageWith(other, _id, 'accepted');
    expect(Date.now() - startedAt).toBeLessThan(1_500);
    const requests = await twilio.received(120, ({ text }) => text.includes('One+of+many'));
    const times = requests.map(({ at }) => at).sort((a, b) => a - b);
    // Measured where they arrive: the first ones may be held up on the way more than later ones.
    const jitterMs = 400;
    for (const [index, at] of times.entries()) {
      const earliest = Math.floor(index / 50) * 1_000;
      expect(at - (times[0] ?? 0)).toBeGreaterThan(earliest - jitterMs);
    }
  });
});

describe('WhatsApp through a worker', () => {
  it('answers as soon as the worker has Meta’s answer', async () => {
    const tenant = await buildTenant(server);
    await configureProvider(server, tenant, 'whatsapp', whatsappAccount);
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const startedAt = Date.now();
      const answer = await tenant.api.post('/whatsapp/send/text').send({ to: buildPhone(), body: 'Hello' });
      expect(answer.status).toBe(200);
      times.push(Date.now() - startedAt);
    }
    // Before the request would have sent the message itself.
    expect(Math.min(...times)).toBeLessThan(450);
  });

  it('sends once, however many requests and workers', async () => {
    const tenant = await buildTenant(server);
    await configureProvider(server, tenant, 'whatsapp', whatsappAccount);
    const to = buildPhone();
    graph.next(graphErrors.rateLimit);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        tenant.api.post('/whatsapp/send/text').set('Idempotency-Key', 'k').send({ to, body: 'Hello' }),
      ),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect(graph.requests.filter(({ text }) => text.includes(to.slice(1)))).toHaveLength(2);
  });

  it('answers 503 when Meta takes too long, and a retry with the same key gets the answer', async () => {
    const tenant = await buildTenant(server);
    await configureProvider(server, tenant, 'whatsapp', whatsappAccount);
    let release: (() => void) | undefined;
    const hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    graph.next({ hold, answer: { status: 200, body: { messages: [{ id: 'wamid.slow' }] } } });
    const body = { to: buildPhone(), body: 'Hello' };
    const send = () => tenant.api.post('/whatsapp/send/text').set('Idempotency-Key', 'slow').send(body);
    const slow = await send();
    expect(slow.status).toBe(503);
    expect(slow.headers['retry-after']).toBe('5');
    expect(slow.body).toMatchObject({ success: false, status: 'sending', messageId: expect.any(String) });
    release?.();
    const retry = await send();
    expect(retry.status).toBe(200);
    expect(retry.body.data.wamid).toBe('wamid.slow');
    expect(retry.headers['idempotency-replayed']).toBe('true');
    expect(graph.requests.filter(({ text }) => text.includes(body.to.slice(1)))).toHaveLength(1);
  });

  it('works without Redis, once, and what waited leaves when Redis is back', async () => {
    const away = await startWithoutRedis({ whatsappApiUrl: graph.url, twilioApiUrl: twilio.url });
    const tenant = await buildTenant(away.server);
    await configureProvider(away.server, tenant, 'whatsapp', whatsappAccount);
    await configureProvider(away.server, tenant, 'sms', twilioAccount);
    const to = buildPhone();
    const answer = await tenant.api.post('/whatsapp/send/text').send({ to, body: 'Hello' });
    expect(answer.status).toBe(200);
    const { _id, to: smsTo } = await sendSms(tenant);
    expect(sendsTo(smsTo)).toEqual([]);

    await away.startRedis();
    const ownWorker = startWorker(away.server.ctx, away.redisUrl, { sweepEveryMs: 100 });
    await messageWith(tenant, _id, 'accepted');
    expect(sendsTo(smsTo)).toHaveLength(1);
    expect(graph.requests.filter(({ text }) => text.includes(to.slice(1)))).toHaveLength(1);
    await ownWorker.close();
    await away.close();
  });
});

describe('the log', () => {
  it('never has a message’s text, whatever goes wrong', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) });
    const own = await startServer(
      { publicUrl, whatsappApiUrl: graph.url, twilioApiUrl: twilio.url },
      { log },
    );
    const ownWorker = startWorker(own.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
    const tenant = await buildTenant(own);
    await configureProvider(own, tenant, 'whatsapp', whatsappAccount);
    await configureProvider(own, tenant, 'sms', twilioAccount);
    const text = 'For your eyes only';
    graph.next('reset', { status: 500, body: 'no JSON' });
    twilio.next(() => ({ status: 201, body: {} }));
    for (let round = 0; round < 2; round++) {
      const answer = await tenant.api.post('/whatsapp/send/text').send({ to: buildPhone(), body: text });
      expect(answer.body.status).toBe('unknown');
    }
    const { to } = await sendSms(tenant, { body: text });
    await twilio.received(1, isSendTo(to));
    const { workspaceId } = tenant;
    const callback = signedCallback(inboundText(buildPhone().slice(1), text));
    const path = `/api/providers/whatsapp/${workspaceId}`;
    expect((await anonymous(own).post(path).set(callback.headers).send(callback.text)).status).toBe(200);
    await ownWorker.close();
    await own.close();
    expect(lines.length).toBeGreaterThan(4);
    expect(lines.join('')).not.toContain(text);
    expect(lines.join('')).not.toContain(whatsappAccount.accessToken);
  });
});

describe('stopping a worker', () => {
  it('finishes the message in hand', async () => {
    const tenant = await buildSms();
    let release: (() => void) | undefined;
    const hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    twilio.next((request) => ({ hold, answer: { status: 201, body: { sid: twilio.take(request).sid } } }));
    const { _id, to } = await sendSms(tenant);
    await twilio.received(1, isSendTo(to));
    const closing = worker.close();
    release?.();
    await closing;
    expect((await storedMessage(server, _id))?.status).toBe('accepted');
    worker = start();
  });
});
