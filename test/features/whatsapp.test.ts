import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { anonymous } from '../helpers/accounts.ts';
import {
  apiOf,
  buildLead,
  buildPhone,
  buildTenant,
  type Tenant,
  useServer,
  workspacePath,
} from '../helpers/app.ts';
import {
  graphError,
  graphErrors,
  inboundText,
  signedCallback,
  startGraph,
  statusUpdate,
  whatsappAccount,
} from '../helpers/graph.ts';
import { configureProvider, storedMessage } from '../helpers/messages.ts';

/** No worker runs here: whoever waits for an answer sends the message itself, as it does when workers are away. */
const graph = await startGraph();
const server = useServer({ whatsappApiUrl: graph.url });
afterAll(() => graph.close());
beforeEach(() => {
  graph.templates.length = 0;
});

/** A workspace with an account at the fake Graph API. */
async function buildWhatsapp(): Promise<Tenant> {
  const tenant = await buildTenant(server);
  await configureProvider(server, tenant, 'whatsapp', whatsappAccount);
  return tenant;
}

const digits = (phone: string) => phone.slice(1);
const sentTo = (phone: string) =>
  graph.requests
    .filter(({ path }) => path.endsWith('/messages'))
    .map(({ text }) => JSON.parse(text) as Record<string, unknown>)
    .filter(({ to }) => to === digits(phone));

/** Delivers a callback as Meta would. */
function deliver({ workspaceId }: Tenant, value: Record<string, unknown>, appSecret?: string) {
  const { text, headers } = signedCallback(value, appSecret);
  return anonymous(server).post(`/api/providers/whatsapp/${workspaceId}`).set(headers).send(text);
}

describe('POST /whatsapp/send/text', () => {
  it("answers with Meta's id once Meta has accepted the message", async () => {
    const { api, workspaceId } = await buildWhatsapp();
    const to = buildPhone();
    const answer = await api.post('/whatsapp/send/text').send({ to: to.replace('+91', '0'), body: 'Hello' });
    expect(answer.body).toEqual({
      success: true,
      data: {
        wamid: graph.accepted.at(-1),
        message: {
          _id: expect.any(String),
          workspaceId,
          conversationId: expect.any(String),
          direction: 'outbound',
          from: whatsappAccount.phoneNumber,
          to,
          type: 'text',
          body: 'Hello',
          status: 'accepted',
          timestamp: expect.any(String),
        },
      },
    });
    expect(answer.status).toBe(200);
    expect(sentTo(to)).toEqual([
      {
        messaging_product: 'whatsapp',
        recipient_type: 'individual',
        to: digits(to),
        biz_opaque_callback_data: answer.body.data.message._id,
        type: 'text',
        text: { preview_url: false, body: 'Hello' },
      },
    ]);
  });

  it('serves a workspace without an account from the sandbox', async () => {
    const { api } = await buildTenant(server);
    const answer = await api.post('/whatsapp/send/text').send({ to: buildPhone(), body: 'Hello' });
    expect(answer.status).toBe(200);
    expect(answer.body.data.wamid).toMatch(/^wamid\../);
  });

  it.each([
    ['no recipient', { body: 'Hello' }, 'to'],
    ['no text', { to: '+919800000000' }, 'body'],
    ['an empty text', { to: '+919800000000', body: '' }, 'body'],
    ['a text that is too long', { to: '+919800000000', body: 'x'.repeat(4_097) }, 'body'],
    ['a recipient that is no number', { to: 'somebody', body: 'Hello' }, 'to'],
    ['a number without a country', { to: '12345', body: 'Hello' }, 'to'],
    ['an object for a text', { to: '+919800000000', body: { $gt: '' } }, 'body'],
  ])('answers 400 to %s', async (_case, body, field) => {
    const { api } = await buildTenant(server);
    const answer = await api.post('/whatsapp/send/text').send(body);
    expect(answer.body).toEqual({
      success: false,
      error: 'Validation failed',
      details: { [field]: [expect.any(String)] },
    });
    expect(answer.status).toBe(400);
  });

  it('answers 400 to an Idempotency-Key that is too long', async () => {
    const { api } = await buildTenant(server);
    const body = { to: buildPhone(), body: 'Hello' };
    const answer = await api.post('/whatsapp/send/text').set('Idempotency-Key', 'k'.repeat(129)).send(body);
    expect(answer.status).toBe(400);
  });

  it("answers 400 with Meta's reason when Meta refuses, and the same to a retry", async () => {
    const { api } = await buildWhatsapp();
    const to = buildPhone();
    graph.next(graphError(400, 131_026, 'Message undeliverable', 'Message Undeliverable.'));
    const send = () =>
      api.post('/whatsapp/send/text').set('Idempotency-Key', 'refused').send({ to, body: 'Hello' });
    const answer = await send();
    expect(answer.body).toEqual({
      success: false,
      error: 'Message Undeliverable.',
      messageId: expect.any(String),
      status: 'rejected',
      providerCode: '131026',
    });
    expect(answer.status).toBe(400);
    const retry = await send();
    expect(retry.status).toBe(400);
    expect(retry.body).toEqual(answer.body);
    expect(sentTo(to)).toHaveLength(1);
  });

  it('answers 400 when the access token has expired', async () => {
    const tenant = await buildWhatsapp();
    await configureProvider(server, tenant, 'whatsapp', { ...whatsappAccount, accessToken: 'expired' });
    const answer = await tenant.api.post('/whatsapp/send/text').send({ to: buildPhone(), body: 'Hello' });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatch(/^Error validating access token/);
    expect(answer.body.providerCode).toBe('190');
  });

  it('tries again after a rate limit, within the wait', async () => {
    const { api } = await buildWhatsapp();
    const to = buildPhone();
    graph.next(graphErrors.rateLimit);
    const answer = await api.post('/whatsapp/send/text').send({ to, body: 'Hello' });
    expect(answer.status).toBe(200);
    expect(sentTo(to)).toHaveLength(2);
    const { body } = await api.get(`/messages/${answer.body.data.message._id}`);
    expect(body.data).toMatchObject({ status: 'accepted', attempts: 2 });
    expect(body.data).not.toHaveProperty('error');
    expect(body.data.history.map(({ status }: { status: string }) => status)).toEqual([
      'queued',
      'queued',
      'accepted',
    ]);
  });

  it('never sends again when the connection breaks, and shows the message as unknown', async () => {
    const tenant = await buildWhatsapp();
    const to = buildPhone();
    graph.next('reset');
    const send = () =>
      tenant.api.post('/whatsapp/send/text').set('Idempotency-Key', 'broken').send({ to, body: 'Hello' });
    const answer = await send();
    expect(answer.status).toBe(503);
    expect(answer.body).toEqual({
      success: false,
      error: 'The provider’s answer was lost; the message may have been sent',
      messageId: expect.any(String),
      status: 'unknown',
    });
    expect(answer.headers).not.toHaveProperty('retry-after');
    expect((await send()).status).toBe(503);
    expect(sentTo(to)).toHaveLength(1);

    // Meta had it after all: its callback names our message.
    const { messageId } = answer.body;
    const report = statusUpdate('wamid.late', 'delivered', { biz_opaque_callback_data: messageId });
    expect((await deliver(tenant, report)).status).toBe(200);
    const retry = await send();
    expect(retry.status).toBe(200);
    expect(retry.body.data.wamid).toBe('wamid.late');
    expect(sentTo(to)).toHaveLength(1);
  });

  it('sends once for fifty parallel requests with one key', async () => {
    const { api } = await buildWhatsapp();
    const to = buildPhone();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        api.post('/whatsapp/send/text').set('Idempotency-Key', 'once').send({ to, body: 'Hello' }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(49);
    expect(sentTo(to)).toHaveLength(1);
    const other = await api
      .post('/whatsapp/send/text')
      .set('Idempotency-Key', 'once')
      .send({ to, body: 'Something else' });
    expect(other.status).toBe(400);
  });

  it('refuses whoever may not send', async () => {
    const { api, workspaceId } = await buildTenant(server, { settings: { modules: ['leads'] } });
    const body = { to: buildPhone(), body: 'Hello' };
    expect((await api.post('/whatsapp/send/text').send(body)).status).toBe(403);
    const nobody = apiOf(server, workspacePath(workspaceId), {});
    expect((await nobody.post('/whatsapp/send/text').send(body)).status).toBe(401);
    const stranger = await buildTenant(server);
    const answer = await apiOf(server, workspacePath(workspaceId), { 'X-API-Key': stranger.apiKey })
      .post('/whatsapp/send/text')
      .send(body);
    expect(answer.status).toBe(403);
  });

  it('takes any credential of the workspace', async () => {
    const { api } = await buildTenant(server, { scopes: ['lead.read'] });
    expect((await api.post('/whatsapp/send/text').send({ to: buildPhone(), body: 'Hello' })).status).toBe(
      200,
    );
  });
});

describe('POST /whatsapp/send/template', () => {
  it('turns variables into parameters of the body, and shows the text that the recipient sees', async () => {
    const { api } = await buildWhatsapp();
    graph.templates.push({
      id: '594425479261596',
      name: 'qvoo_hello',
      language: 'en',
      category: 'MARKETING',
      status: 'APPROVED',
      components: [{ type: 'BODY', text: 'Hello {{1}}, see {{2}}' }],
    });
    await api.post('/whatsapp/templates/sync');
    const to = buildPhone();
    const answer = await api
      .post('/whatsapp/send/template')
      .send({ to, name: 'qvoo_hello', language: 'en', variables: ['Rahul', 'Lakeside'] });
    expect(answer.status).toBe(200);
    expect(answer.body.data.message).toMatchObject({ type: 'template', body: 'Hello Rahul, see Lakeside' });
    expect(sentTo(to)[0]).toMatchObject({
      type: 'template',
      template: {
        name: 'qvoo_hello',
        language: { code: 'en' },
        components: [
          {
            type: 'body',
            parameters: [
              { type: 'text', text: 'Rahul' },
              { type: 'text', text: 'Lakeside' },
            ],
          },
        ],
      },
    });
  });

  it('passes components on as they are', async () => {
    const { api } = await buildWhatsapp();
    const to = buildPhone();
    const components = [
      { type: 'header', parameters: [{ type: 'image', image: { link: 'https://example.com/a.png' } }] },
    ];
    const body = { to, name: 'unknown_here', language: 'en_US', components };
    const answer = await api.post('/whatsapp/send/template').send(body);
    expect(answer.status).toBe(200);
    expect(answer.body.data.message.body).toBe('unknown_here');
    expect(sentTo(to)[0]).toMatchObject({ template: { components } });
  });

  it("answers 400 with Meta's reason for a template that Meta does not have", async () => {
    const { api } = await buildWhatsapp();
    graph.next(graphErrors.unknownTemplate);
    const body = { to: buildPhone(), name: 'qvoo_hello', language: 'en_US' };
    const answer = await api.post('/whatsapp/send/template').send(body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toBe('template name (qvoo_hello) does not exist in en_US');
  });

  it.each([
    ['no name', { to: '+919800000000', language: 'en' }],
    ['no language', { to: '+919800000000', name: 'qvoo_hello' }],
    ['components that are no list', { to: '+919800000000', name: 'a', language: 'en', components: {} }],
    ['operators', { to: '+919800000000', name: 'a', language: 'en', components: [{ $where: '1' }] }],
    [
      'both forms',
      { to: '+919800000000', name: 'a', language: 'en', components: [{ type: 'body' }], variables: ['x'] },
    ],
  ])('answers 400 to %s', async (_case, body) => {
    const { api } = await buildTenant(server);
    expect((await api.post('/whatsapp/send/template').send(body)).status).toBe(400);
  });
});

describe('templates', () => {
  const template = (name: string, overrides: Record<string, unknown> = {}) => ({
    id: `id-${name}`,
    name,
    language: 'en',
    category: 'UTILITY',
    status: 'APPROVED',
    components: [{ type: 'BODY', text: `Text of ${name}` }],
    ...overrides,
  });

  it('are fetched page by page, changed ones are changed and lost ones dropped', async () => {
    const { api } = await buildWhatsapp();
    graph.templates.push(...['e', 'a', 'c', 'b', 'd'].map((name) => template(name)));
    const synced = await api.post('/whatsapp/templates/sync');
    expect(synced.status).toBe(200);
    expect(synced.body).toMatchObject({ success: true, message: 'Templates synchronized' });
    expect(synced.body.data.map(({ name }: { name: string }) => name)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(synced.body.data[0]).toEqual({
      _id: expect.any(String),
      name: 'a',
      language: 'en',
      category: 'UTILITY',
      status: 'APPROVED',
      components: [{ type: 'BODY', text: 'Text of a' }],
      syncedAt: expect.any(String),
    });

    graph.templates.splice(0, 5, template('a', { status: 'PAUSED' }), template('f'));
    await api.post('/whatsapp/templates/sync');
    const listed = await api.get('/whatsapp/templates');
    const shown = listed.body.data.map(({ name, status }: Record<string, string>) => `${name} ${status}`);
    expect(shown).toEqual(['a PAUSED', 'f APPROVED']);
    expect(listed.body.data[0]._id).toBe(synced.body.data[0]._id);
  });

  it('come from the sandbox where there is no account', async () => {
    const { api } = await buildTenant(server);
    expect((await api.get('/whatsapp/templates')).body).toEqual({ success: true, data: [] });
    const { body } = await api.post('/whatsapp/templates/sync');
    expect(body.data).toMatchObject([{ name: 'hello_world', language: 'en_US' }]);
  });

  it("answer 400 with Meta's reason when Meta refuses", async () => {
    const tenant = await buildWhatsapp();
    await configureProvider(server, tenant, 'whatsapp', { ...whatsappAccount, accessToken: 'expired' });
    const answer = await tenant.api.post('/whatsapp/templates/sync');
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatch(/^Error validating access token/);
    const { businessAccountId: _, ...without } = whatsappAccount;
    await configureProvider(server, tenant, 'whatsapp', without);
    expect((await tenant.api.post('/whatsapp/templates/sync')).status).toBe(400);
  });
});

describe('GET /api/providers/whatsapp/{workspaceId}', () => {
  const handshake = (query: Record<string, string>) => new URLSearchParams(query).toString();
  const good = {
    'hub.mode': 'subscribe',
    'hub.verify_token': whatsappAccount.verifyToken,
    'hub.challenge': '1158201444',
  };

  it('gives the challenge back to whoever knows the verify token', async () => {
    const { workspaceId } = await buildWhatsapp();
    const answer = await anonymous(server).get(`/api/providers/whatsapp/${workspaceId}?${handshake(good)}`);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('1158201444');
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  it('refuses everybody else', async () => {
    const { workspaceId } = await buildWhatsapp();
    const { workspaceId: without } = await buildTenant(server);
    const wrong = { ...good, 'hub.verify_token': 'guess' };
    for (const [id, query] of [
      [workspaceId, wrong],
      [workspaceId, {}],
      [without, good],
      ['65b8c47f4e2cfc1df3a75111', good],
      ['nonsense', good],
    ] as const) {
      const answer = await anonymous(server).get(`/api/providers/whatsapp/${id}?${handshake(query)}`);
      expect(answer.status).toBe(403);
      expect(answer.body).toEqual({ success: false, error: 'The signature does not match' });
    }
  });
});

describe('POST /api/providers/whatsapp/{workspaceId}', () => {
  it('stores a message with the lead and contact that have the number, and in its conversation', async () => {
    const tenant = await buildWhatsapp();
    const { api } = tenant;
    const lead = (await api.post('/leads').send(buildLead({ name: 'Rahul Sharma' }))).body.data;
    const from = digits(lead.mobileNumber);
    expect((await deliver(tenant, inboundText(from, 'Is it still free?'))).status).toBe(200);

    const { conversations } = (await api.get('/whatsapp/conversations')).body;
    expect(conversations).toEqual([
      {
        _id: expect.any(String),
        customerWaId: from,
        customerName: 'Sheena Nelson',
        customerPhone: lead.mobileNumber,
        status: 'open',
        leadId: lead._id,
        lastMessagePreview: 'Is it still free?',
        lastMessageDirection: 'inbound',
        lastMessageAt: expect.any(String),
      },
    ]);
    const listed = await api.get(`/messages?leadId=${lead._id}&direction=inbound`);
    expect(listed.body.data).toMatchObject([
      {
        channel: 'whatsapp',
        type: 'text',
        from: lead.mobileNumber,
        to: whatsappAccount.phoneNumber,
        body: 'Is it still free?',
        status: 'received',
        conversationId: conversations[0]._id,
      },
    ]);
  });

  it('stores a message that is delivered many times once', async () => {
    const tenant = await buildWhatsapp();
    const value = inboundText(digits(buildPhone()), 'Hello');
    const answers = await Promise.all(Array.from({ length: 10 }, () => deliver(tenant, value)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect((await tenant.api.get('/messages')).body.data).toHaveLength(1);
    expect((await tenant.api.get('/whatsapp/conversations')).body.conversations).toHaveLength(1);
  });

  it('follows a message from sent to read, and never back', async () => {
    const tenant = await buildWhatsapp();
    const sent = await tenant.api.post('/whatsapp/send/text').send({ to: buildPhone(), body: 'Hello' });
    const { wamid, message } = sent.body.data;
    for (const status of ['delivered', 'sent', 'delivered', 'read', 'delivered', 'failed']) {
      expect((await deliver(tenant, statusUpdate(wamid, status))).status).toBe(200);
    }
    const { data } = (await tenant.api.get(`/messages/${message._id}`)).body;
    expect(data.history.map(({ status }: { status: string }) => status)).toEqual([
      'queued',
      'accepted',
      'delivered',
      'read',
    ]);
    expect(data.status).toBe('read');
    expect((await tenant.api.get('/messages?status=read')).body.data).toHaveLength(1);
    expect((await tenant.api.get('/messages?status=accepted')).body.data).toHaveLength(0);
  });

  it('shows why a message could not be delivered', async () => {
    const tenant = await buildWhatsapp();
    const sent = await tenant.api.post('/whatsapp/send/text').send({ to: buildPhone(), body: 'Hello' });
    const { wamid, message } = sent.body.data;
    const errors = [
      { code: 131_047, title: 'Re-engagement message', error_data: { details: 'More than 24 hours' } },
    ];
    await deliver(tenant, statusUpdate(wamid, 'failed', { errors }));
    const { data } = (await tenant.api.get(`/messages/${message._id}`)).body;
    expect(data).toMatchObject({ status: 'failed', error: { code: '131047', reason: 'More than 24 hours' } });
  });

  it('takes a status that overtakes the answer to the send', async () => {
    const tenant = await buildWhatsapp();
    let release: (() => void) | undefined;
    const hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    const body = { messages: [{ id: 'wamid.overtaken' }] };
    graph.next({ hold, answer: { status: 200, body } });
    const to = buildPhone();
    const sending = tenant.api
      .post('/whatsapp/send/text')
      .send({ to, body: 'Hello' })
      .then((answer) => answer);
    await graph.received(1, ({ text }) => text.includes(digits(to)));
    const id = String(sentTo(to)[0]?.biz_opaque_callback_data);
    await deliver(tenant, statusUpdate('wamid.overtaken', 'delivered', { biz_opaque_callback_data: id }));
    release?.();
    expect((await sending).body.data.wamid).toBe('wamid.overtaken');
    await expect.poll(async () => (await storedMessage(server, id))?.status).toBe('delivered');
    expect(await storedMessage(server, id)).not.toHaveProperty('dueAt');
  });

  it.each([
    ['a wrong secret', 'another-secret'],
    ['no secret at all', ''],
  ])('answers 403 to a signature with %s', async (_case, secret) => {
    const tenant = await buildWhatsapp();
    const answer = await deliver(tenant, inboundText(digits(buildPhone()), 'Hello'), secret);
    expect(answer.status).toBe(403);
    expect((await tenant.api.get('/messages')).body.data).toEqual([]);
  });

  it('answers 403 without a signature, without an account and for a workspace that does not exist', async () => {
    const tenant = await buildWhatsapp();
    const bare = await anonymous(server)
      .post(`/api/providers/whatsapp/${tenant.workspaceId}`)
      .send({ entry: [] });
    expect(bare.status).toBe(403);
    const without = await buildTenant(server);
    const value = inboundText(digits(buildPhone()), 'Hello');
    expect((await deliver(without, value)).status).toBe(403);
    expect((await deliver({ ...tenant, workspaceId: '65b8c47f4e2cfc1df3a75111' }, value)).status).toBe(403);
  });

  it('leaves out what it does not understand, and what belongs to another number', async () => {
    const tenant = await buildWhatsapp();
    const known = inboundText(digits(buildPhone()), 'Hello');
    const strange = [
      { id: 7 },
      null,
      'text',
      { id: 'wamid.x', from: 'letters', timestamp: '1', type: 'text' },
    ];
    const answer = await deliver(tenant, {
      ...known,
      messages: [...strange, ...known.messages],
      statuses: [{}, 5],
    });
    expect(answer.status).toBe(200);
    const metadata = { phone_number_id: '999999999', display_phone_number: '15550000000' };
    await deliver(tenant, { ...inboundText(digits(buildPhone()), 'For another'), metadata });
    const { data } = (await tenant.api.get('/messages')).body;
    expect(data.map(({ body }: { body: string }) => body)).toEqual(['Hello']);
  });

  it('reads captions, buttons and files', async () => {
    const tenant = await buildWhatsapp();
    const from = digits(buildPhone());
    await deliver(
      tenant,
      inboundText(from, '', {
        type: 'image',
        text: undefined,
        image: { id: '42', mime_type: 'image/jpeg', caption: 'My flat' },
      }),
    );
    await deliver(
      tenant,
      inboundText(from, '', { type: 'button', text: undefined, button: { text: 'Yes' } }),
    );
    const { data } = (await tenant.api.get('/messages?sort=createdAt')).body;
    expect(data).toMatchObject([
      { type: 'image', body: 'My flat', metadata: { mediaId: '42', mimeType: 'image/jpeg' } },
      { type: 'button', body: 'Yes' },
    ]);
  });

  it('lets a person opt out and in again', async () => {
    const tenant = await buildWhatsapp();
    const to = buildPhone();
    const send = () => tenant.api.post('/whatsapp/send/text').send({ to, body: 'Hello' });
    await deliver(tenant, inboundText(digits(to), ' Stop. '));
    const refused = await send();
    expect(refused.status).toBe(400);
    expect(refused.body).toEqual({
      success: false,
      error: 'The recipient has opted out of these messages',
      details: { to: [`${to} has opted out of these messages`] },
      messageId: expect.any(String),
    });
    expect(sentTo(to)).toEqual([]);
    expect((await tenant.api.get(`/messages/${refused.body.messageId}`)).body.data.status).toBe('blocked');
    await deliver(tenant, inboundText(digits(to), 'START'));
    expect((await send()).status).toBe(200);
  });

  it('heeds the last decision, in whatever order and however often callbacks come', async () => {
    const tenant = await buildWhatsapp();
    const to = buildPhone();
    const isOptedOut = async () =>
      (await tenant.api.post('/whatsapp/send/text').send({ to, body: 'Hello' })).status === 400;
    const nowSeconds = Math.floor(Date.now() / 1_000);
    const said = (word: string, secondsAgo: number) =>
      inboundText(digits(to), word, { timestamp: String(nowSeconds - secondsAgo) });
    const [start, stop, late] = [said('START', 30), said('STOP', 20), said('START', 25)];
    for (const [callback, expected] of [
      [start, false],
      [stop, true],
      [start, true],
      [late, true],
    ] as const) {
      expect((await deliver(tenant, callback)).status).toBe(200);
      expect(await isOptedOut()).toBe(expected);
    }
    await deliver(tenant, said('START', 10));
    expect(await isOptedOut()).toBe(false);
    await deliver(tenant, stop);
    expect(await isOptedOut()).toBe(false);
  });

  it('opens no conversation again that was closed since, when it is replayed', async () => {
    const tenant = await buildWhatsapp();
    const callback = inboundText(digits(buildPhone()), 'Hello');
    await deliver(tenant, callback);
    const [{ _id }] = (await tenant.api.get('/whatsapp/conversations')).body.conversations;
    await tenant.api.patch(`/whatsapp/conversations/${_id}`).send({ status: 'closed' });
    await deliver(tenant, callback);
    expect((await tenant.api.get('/whatsapp/conversations?status=open')).body.conversations).toEqual([]);
  });
});

describe('GET /whatsapp/conversations', () => {
  const names = (answer: { body: { conversations: { customerName?: string }[] } }) =>
    answer.body.conversations.map(({ customerName }) => customerName);

  async function buildConversations() {
    const tenant = await buildTenant(server);
    const people = ['Asha Rao', 'Rahul Sharma', 'Rahul Verma'];
    const phones: string[] = [];
    for (const name of people) {
      const lead = buildLead({ name });
      phones.push(lead.mobileNumber);
      await tenant.api.post('/leads').send(lead);
      await tenant.api.post('/whatsapp/send/text').send({ to: lead.mobileNumber, body: `Hello ${name}` });
    }
    return { ...tenant, phones };
  }

  it('lists the liveliest first, page by page', async () => {
    const { api, phones } = await buildConversations();
    await api.post('/whatsapp/send/text').send({ to: phones[0] ?? '', body: 'Again' });
    const first = await api.get('/whatsapp/conversations?limit=2');
    expect(names(first)).toEqual(['Asha Rao', 'Rahul Verma']);
    expect(first.body.conversations[0]).toMatchObject({
      lastMessagePreview: 'Again',
      lastMessageDirection: 'outbound',
    });
    const second = await api.get(`/whatsapp/conversations?limit=2&cursor=${first.body.nextCursor}`);
    expect(names(second)).toEqual(['Rahul Sharma']);
    expect(second.body.nextCursor).toBeNull();
  });

  it('searches names and numbers', async () => {
    const { api, phones } = await buildConversations();
    const search = async (text: string) =>
      names(await api.get(`/whatsapp/conversations?search=${encodeURIComponent(text)}`));
    expect(await search('rahul')).toEqual(['Rahul Verma', 'Rahul Sharma']);
    expect(await search('Sharma Rahul')).toEqual(['Rahul Sharma']);
    expect(await search(phones[0] ?? '')).toEqual(['Asha Rao']);
    expect(await search((phones[0] ?? '').slice(3))).toEqual(['Asha Rao']);
    expect(await search('nobody')).toEqual([]);
    expect(await search('!!')).toEqual([]);
  });

  it('filters by status, which closing changes and a message that comes in changes back', async () => {
    const tenant = await buildWhatsapp();
    const from = digits(buildPhone());
    await deliver(tenant, inboundText(from, 'Hello'));
    const [{ _id }] = (await tenant.api.get('/whatsapp/conversations')).body.conversations;
    const closed = await tenant.api.patch(`/whatsapp/conversations/${_id}`).send({ status: 'closed' });
    expect(closed.status).toBe(200);
    expect(closed.body.data).toMatchObject({ _id, status: 'closed' });
    const count = async (query: string) =>
      (await tenant.api.get(`/whatsapp/conversations?${query}`)).body.conversations.length;
    expect([await count('status=open'), await count('status=closed&search=sheena')]).toEqual([0, 1]);
    await deliver(tenant, inboundText(from, 'One more thing'));
    expect([await count('status=open'), await count('status=closed')]).toEqual([1, 0]);
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'status=half-open', 'cursor=garbage', 'search='])(
    'answers 400 to %s',
    async (query) => {
      const { api } = await buildTenant(server);
      expect((await api.get(`/whatsapp/conversations?${query}`)).status).toBe(400);
    },
  );

  it("shows and changes nothing of another workspace's", async () => {
    const { api, phones } = await buildConversations();
    const [{ _id }] = (await api.get('/whatsapp/conversations')).body.conversations;
    const stranger = await buildTenant(server);
    expect(
      (await stranger.api.get(`/whatsapp/conversations?search=${digits(phones[0] ?? '')}`)).body
        .conversations,
    ).toEqual([]);
    const change = (id: string) =>
      stranger.api.patch(`/whatsapp/conversations/${id}`).send({ status: 'closed' });
    expect((await change(_id)).status).toBe(404);
    expect((await change('nonsense')).status).toBe(404);
  });
});
