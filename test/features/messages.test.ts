import { afterAll, describe, expect, it } from 'vitest';
import { optOut } from '../../src/features/messaging/messages/opt-outs.ts';
import { unsubscribeToken } from '../../src/features/messaging/messages/urls.ts';
import { ObjectId } from '../../src/lib/ids.ts';
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
import { createContact, createLead } from '../helpers/factories.ts';
import { configureProvider, storedMessage } from '../helpers/messages.ts';
import { signedForm, startTwilio, twilioAccount } from '../helpers/twilio.ts';

const publicUrl = 'https://crm.example.com';
const twilio = await startTwilio();
/** No worker runs here, so what is queued stays queued. */
const server = useServer({ publicUrl, twilioApiUrl: twilio.url });
afterAll(() => twilio.close());

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const sms = (overrides: Record<string, unknown> = {}) => ({ to: buildPhone(), body: 'Hello', ...overrides });
const email = (overrides: Record<string, unknown> = {}) => ({
  to: 'rahul@example.com',
  subject: 'Your visit',
  text: 'See you on Monday',
  ...overrides,
});

const refusals = (path: string, body: () => object) => {
  it('answers 401 without a credential, 403 with another workspace’s and when the module is off', async () => {
    const { workspaceId } = await buildTenant(server);
    const stranger = await buildTenant(server);
    const off = await buildTenant(server, { settings: { modules: ['whatsapp'] } });
    const as = (headers: Record<string, string>) => apiOf(server, workspacePath(workspaceId), headers);
    expect((await as({}).post(path).send(body())).status).toBe(401);
    expect((await as({ 'X-API-Key': stranger.apiKey }).post(path).send(body())).status).toBe(403);
    expect((await off.api.post(path).send(body())).status).toBe(403);
  });
};

describe('POST /messages/sms', () => {
  it('queues a message', async () => {
    const { api, workspaceId } = await buildTenant(server);
    const lead = (await api.post('/leads').send(buildLead())).body.data;
    const answer = await api
      .post('/messages/sms')
      .send({ to: lead.mobileNumber.replace('+91', ''), body: 'Hello', metadata: { campaignId: 'c-1' } });
    expect(answer.body).toEqual({
      success: true,
      data: {
        _id: expect.any(String),
        workspaceId,
        channel: 'sms',
        direction: 'outbound',
        type: 'text',
        from: expect.any(String),
        to: lead.mobileNumber,
        body: 'Hello',
        status: 'queued',
        leadId: lead._id,
        metadata: { campaignId: 'c-1' },
        sendAt: expect.any(String),
        attempts: 0,
        history: [{ status: 'queued', at: expect.any(String) }],
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      },
    });
    expect(answer.status).toBe(201);
    const read = await api.get(`/messages/${answer.body.data._id}`);
    expect(read.body).toEqual(answer.body);
  });

  it('schedules a message by delay or by time', async () => {
    const { api } = await buildTenant(server);
    const delayed = await api.post('/messages/sms').send(sms({ delay: 3_600_000 }));
    expect(delayed.body.data.status).toBe('scheduled');
    const waitMs = Date.parse(delayed.body.data.sendAt) - Date.parse(delayed.body.data.createdAt);
    expect(Math.abs(waitMs - 3_600_000)).toBeLessThan(1_000);
    const sendAt = inAnHour();
    const timed = await api.post('/messages/sms').send(sms({ sendAt }));
    expect(timed.body.data).toMatchObject({ status: 'scheduled', sendAt });
    const past = await api.post('/messages/sms').send(sms({ sendAt: '2020-01-01T00:00:00Z' }));
    expect(past.body.data.status).toBe('queued');
  });

  it('is about the lead and contact that it names', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant);
    const contact = await createContact(tenant);
    const answer = await tenant.api
      .post('/messages/sms')
      .send(sms({ leadId: lead._id, contactId: contact._id }));
    expect(answer.body.data).toMatchObject({ leadId: lead._id, contactId: contact._id });
    const stranger = await buildTenant(server);
    for (const field of ['leadId', 'contactId']) {
      for (const id of [(await createLead(stranger))._id, '65b8c47f4e2cfc1df3a75111', 'nonsense']) {
        const refused = await tenant.api.post('/messages/sms').send(sms({ [field]: id }));
        expect(refused.status).toBe(422);
        expect(refused.body.details).toEqual({ [field]: ['Must be the id of a record of this workspace'] });
      }
    }
  });

  it.each([
    ['no recipient', { to: undefined }, 'to'],
    ['a recipient that is no number', { to: 'somebody' }, 'to'],
    ['a number without a country', { to: '12345' }, 'to'],
    ['no text', { body: undefined }, 'body'],
    ['a text that is too long', { body: 'x'.repeat(1_601) }, 'body'],
    ['a delay below zero', { delay: -1 }, 'delay'],
    ['a delay of more than a year', { delay: 40_000_000_000 }, 'delay'],
    ['a time of more than a year', { sendAt: '2090-01-01T00:00:00Z' }, 'sendAt'],
    ['a time that is none', { sendAt: 'tomorrow' }, 'sendAt'],
    ['both a delay and a time', { delay: 5, sendAt: inAnHour() }, 'sendAt'],
    ['operators in metadata', { metadata: { $set: 1 } }, 'metadata'],
  ])('answers 422 to %s', async (_case, overrides, field) => {
    const { api } = await buildTenant(server);
    const answer = await api.post('/messages/sms').send(sms(overrides));
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual([field]);
    expect((await api.get('/messages')).body.data).toEqual([]);
  });

  it('makes one message of fifty parallel requests with one key', async () => {
    const { api } = await buildTenant(server);
    const body = sms();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => api.post('/messages/sms').set('Idempotency-Key', 'k').send(body)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(201));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'])).toHaveLength(49);
    expect((await api.get('/messages')).body.data).toHaveLength(1);
    const other = await api
      .post('/messages/sms')
      .set('Idempotency-Key', 'k')
      .send({ ...body, body: 'Other' });
    expect(other.status).toBe(422);
  });

  it('gives a retry the first answer, whatever has become of the message', async () => {
    const { api } = await buildTenant(server);
    const body = sms({ delay: 60_000 });
    const first = await api.post('/messages/sms').set('Idempotency-Key', 'k').send(body);
    await api.post(`/messages/${first.body.data._id}/cancel`);
    const retry = await api.post('/messages/sms').set('Idempotency-Key', 'k').send(body);
    expect(retry.status).toBe(201);
    expect(retry.body).toEqual(first.body);
  });

  it('refuses an address that has opted out, and keeps a record of it', async () => {
    const { api, workspaceId } = await buildTenant(server);
    const body = sms();
    await optOut(server.ctx, new ObjectId(workspaceId), 'sms', body.to, 'keyword');
    const send = () => api.post('/messages/sms').set('Idempotency-Key', 'k').send(body);
    const answer = await send();
    expect(answer.status).toBe(422);
    expect(answer.body).toEqual({
      success: false,
      error: 'The recipient has opted out of these messages',
      details: { to: [`${body.to} has opted out of these messages`] },
      messageId: expect.any(String),
    });
    expect((await send()).body).toEqual(answer.body);
    const { data } = (await api.get('/messages')).body;
    expect(data).toMatchObject([
      { _id: answer.body.messageId, status: 'blocked', error: { code: 'opted_out' } },
    ]);
    const whatsapp = await api.post('/whatsapp/send/text').send({ to: body.to, body: 'Hello' });
    expect(whatsapp.status).toBe(200);
  });

  refusals('/messages/sms', sms);
});

describe('POST /messages/email', () => {
  it('queues an email', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant, { email: 'rahul@example.com' });
    const html = '<p>See you on Monday</p>';
    const answer = await tenant.api.post('/messages/email').send(email({ html, cc: ['asha@example.com'] }));
    expect(answer.status).toBe(201);
    expect(answer.body.data).toMatchObject({
      channel: 'email',
      type: 'email',
      to: 'rahul@example.com',
      cc: ['asha@example.com'],
      subject: 'Your visit',
      body: 'See you on Monday',
      html,
      status: 'queued',
      leadId: lead._id,
    });
  });

  it.each([
    ['no recipient', { to: undefined }, 'to'],
    ['a recipient that is no address', { to: 'rahul' }, 'to'],
    ['two addresses in one', { to: 'a@example.com, b@example.com' }, 'to'],
    ['no subject', { subject: undefined }, 'subject'],
    ['a subject of two lines', { subject: 'Hello\r\nBcc: all@example.com' }, 'subject'],
    ['neither text nor html', { text: undefined }, 'text'],
    ['a copy to nobody', { cc: ['nobody'] }, 'cc.0'],
  ])('answers 422 to %s', async (_case, overrides, field) => {
    const { api } = await buildTenant(server);
    const answer = await api.post('/messages/email').send(email(overrides));
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual([field]);
  });

  it('refuses when somebody who would get a copy has opted out', async () => {
    const { api, workspaceId } = await buildTenant(server);
    await optOut(server.ctx, new ObjectId(workspaceId), 'email', 'Asha@Example.com', 'link');
    const answer = await api.post('/messages/email').send(email({ cc: ['asha@example.com'] }));
    expect(answer.status).toBe(422);
    expect(answer.body.details).toEqual({ to: ['asha@example.com has opted out of these messages'] });
  });

  refusals('/messages/email', email);
});

describe('GET /messages', () => {
  it('filters and pages, and leaves html out', async () => {
    const { api } = await buildTenant(server);
    const to = buildPhone();
    await api.post('/messages/sms').send(sms({ to, body: 'one' }));
    await api.post('/messages/sms').send(sms({ delay: 60_000, body: 'two' }));
    await api.post('/messages/email').send(email({ html: '<p>x</p>', text: 'three' }));
    const bodies = async (query: string) =>
      (await api.get(`/messages?${query}`)).body.data.map(({ body }: { body: string }) => body);
    expect(await bodies('')).toEqual(['three', 'two', 'one']);
    expect(await bodies('sort=createdAt')).toEqual(['one', 'two', 'three']);
    expect(await bodies('channel=sms')).toEqual(['two', 'one']);
    expect(await bodies('channel=sms&status=scheduled')).toEqual(['two']);
    expect(await bodies(`to=${encodeURIComponent(to)}`)).toEqual(['one']);
    expect(await bodies(`to=${to.slice(3)}`)).toEqual(['one']);
    expect(await bodies('to=RAHUL@example.com')).toEqual(['three']);
    expect(await bodies('direction=inbound')).toEqual([]);
    const { body: first } = await api.get('/messages?limit=2');
    expect(first.data[0]).not.toHaveProperty('html');
    const { body: second } = await api.get(`/messages?limit=2&cursor=${first.nextCursor}`);
    expect(second.data).toHaveLength(1);
    expect(second.nextCursor).toBeNull();
  });

  it.each(['channel=fax', 'status=lost', 'limit=0', 'cursor=garbage', 'direction=up'])(
    'answers 422 to %s',
    async (query) => {
      const { api } = await buildTenant(server);
      expect((await api.get(`/messages?${query}`)).status).toBe(422);
    },
  );

  it("shows nothing of another workspace's", async () => {
    const { api } = await buildTenant(server);
    const { data } = (await api.post('/messages/sms').send(sms())).body;
    const stranger = await buildTenant(server);
    expect((await stranger.api.get('/messages')).body.data).toEqual([]);
    for (const id of [data._id, 'nonsense', '65b8c47f4e2cfc1df3a75111']) {
      expect((await stranger.api.get(`/messages/${id}`)).status).toBe(404);
      expect((await stranger.api.post(`/messages/${id}/cancel`)).status).toBe(404);
    }
  });

  it('answers 304 to a reader who knows the message', async () => {
    const { api } = await buildTenant(server);
    const { data } = (await api.post('/messages/sms').send(sms({ delay: 60_000 }))).body;
    const { headers } = await api.get(`/messages/${data._id}`);
    const again = () => api.get(`/messages/${data._id}`).set('If-None-Match', headers.etag ?? '');
    expect((await again()).status).toBe(304);
    await api.post(`/messages/${data._id}/cancel`);
    expect((await again()).status).toBe(200);
  });
});

describe('POST /messages/{id}/cancel', () => {
  it('cancels what has not left, once and again', async () => {
    const { api } = await buildTenant(server);
    for (const overrides of [{}, { delay: 60_000 }]) {
      const { data } = (await api.post('/messages/sms').send(sms(overrides))).body;
      const first = await api.post(`/messages/${data._id}/cancel`);
      expect(first.status).toBe(200);
      expect(first.body.data.status).toBe('cancelled');
      const again = await api.post(`/messages/${data._id}/cancel`);
      expect(again.body).toEqual(first.body);
      expect(await storedMessage(server, data._id)).not.toHaveProperty('dueAt');
    }
    expect((await api.get('/messages?status=cancelled')).body.data).toHaveLength(2);
  });

  it('answers 409 once the message has left', async () => {
    const { api } = await buildTenant(server);
    const sent = await api.post('/whatsapp/send/text').send({ to: buildPhone(), body: 'Hello' });
    const answer = await api.post(`/messages/${sent.body.data.message._id}/cancel`);
    expect(answer.status).toBe(409);
    expect(answer.body.error).toBe('The message can no longer be cancelled: it is accepted');
  });
});

describe('Twilio callbacks', () => {
  async function buildSms() {
    const tenant = await buildTenant(server);
    await configureProvider(server, tenant, 'sms', twilioAccount);
    return tenant;
  }

  function call(
    { workspaceId }: Pick<Tenant, 'workspaceId'>,
    path: string,
    form: Record<string, string>,
    authToken?: string,
  ) {
    const url = `/api/providers/twilio/${workspaceId}/${path}`;
    const { text, headers } = signedForm(`${publicUrl}${url}`, form, authToken);
    return anonymous(server).post(url).set(headers).send(text);
  }

  const inbound = (overrides: Record<string, string> = {}) => ({
    MessageSid: `SM${new ObjectId().toHexString()}`,
    From: buildPhone(),
    To: twilioAccount.from,
    Body: 'When can I come?',
    NumMedia: '0',
    ...overrides,
  });

  it('store what comes in, once, with the lead that has the number', async () => {
    const tenant = await buildSms();
    const lead = await createLead(tenant);
    const form = inbound({ From: String(lead.mobileNumber) });
    for (let round = 0; round < 3; round++) {
      const answer = await call(tenant, 'inbound', form);
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('text/xml; charset=utf-8');
      expect(answer.text).toBe('<?xml version="1.0" encoding="UTF-8"?><Response></Response>');
    }
    const { data } = (await tenant.api.get('/messages?direction=inbound')).body;
    expect(data).toMatchObject([
      {
        channel: 'sms',
        from: lead.mobileNumber,
        to: twilioAccount.from,
        body: 'When can I come?',
        status: 'received',
        providerId: form.MessageSid,
        leadId: lead._id,
      },
    ]);
  });

  it.each([
    ['STOP', 'START'],
    ['Unsubscribe', 'unstop'],
  ])('let a person opt out by %s and in again by %s', async (stop, start) => {
    const tenant = await buildSms();
    const to = buildPhone();
    await call(tenant, 'inbound', inbound({ From: to, Body: stop }));
    expect((await tenant.api.post('/messages/sms').send(sms({ to }))).status).toBe(422);
    await call(tenant, 'inbound', inbound({ From: to, Body: start }));
    expect((await tenant.api.post('/messages/sms').send(sms({ to }))).status).toBe(201);
    await call(tenant, 'inbound', inbound({ From: to, Body: 'ARRÊT', OptOutType: 'STOP' }));
    expect((await tenant.api.post('/messages/sms').send(sms({ to }))).status).toBe(422);
    await call(tenant, 'inbound', inbound({ From: to, Body: 'please stop by tomorrow' }));
    expect((await tenant.api.get('/messages?direction=inbound')).body.data).toHaveLength(4);
  });

  it.each(['START', 'STOP'])('heed the last decision, though an earlier %s is replayed', async (replayed) => {
    const tenant = await buildSms();
    const to = buildPhone();
    const isOptedOut = async () => (await tenant.api.post('/messages/sms').send(sms({ to }))).status === 422;
    const words = replayed === 'START' ? ['STOP', 'START', 'STOP'] : ['STOP', 'START'];
    const forms = words.map((Body) => inbound({ From: to, Body }));
    for (const form of forms) await call(tenant, 'inbound', form);
    expect(await isOptedOut()).toBe(replayed === 'START');
    for (const form of forms) expect((await call(tenant, 'inbound', form)).status).toBe(200);
    await call(tenant, 'inbound', forms[words.indexOf(replayed)] ?? {});
    expect(await isOptedOut()).toBe(replayed === 'START');
    const { data } = (await tenant.api.get('/messages?direction=inbound')).body;
    expect(data).toHaveLength(forms.length);
  });

  it('opt nobody out again when the report of a failure is replayed', async () => {
    const tenant = await buildSms();
    const to = buildPhone();
    const { data } = (await tenant.api.post('/messages/sms').send(sms({ to }))).body;
    const messages = server.ctx.db.global('messages');
    await messages.updateOne(
      { _id: new ObjectId(data._id) },
      { $set: { status: 'accepted', providerId: `SM-${data._id}` } },
    );
    const failed = { MessageSid: `SM-${data._id}`, MessageStatus: 'undelivered', ErrorCode: '21610' };
    await call(tenant, 'status', failed);
    expect((await tenant.api.post('/messages/sms').send(sms({ to }))).status).toBe(422);
    await call(tenant, 'inbound', inbound({ From: to, Body: 'START' }));
    await call(tenant, 'status', failed);
    expect((await tenant.api.post('/messages/sms').send(sms({ to }))).status).toBe(201);
  });

  it('answer 403 to a wrong signature, without an account and for a workspace that does not exist', async () => {
    const tenant = await buildSms();
    const without = await buildTenant(server);
    const form = inbound();
    const attempts = [
      call(tenant, 'inbound', form, 'another token'),
      call(without, 'inbound', form),
      call({ workspaceId: '65b8c47f4e2cfc1df3a75111' }, 'inbound', form),
      call({ workspaceId: 'nonsense' }, 'inbound', form),
      call(tenant, 'status', { MessageSid: 'SM1', MessageStatus: 'sent' }, ''),
      anonymous(server).post(`/api/providers/twilio/${tenant.workspaceId}/inbound`).type('form').send(form),
    ];
    for (const attempt of attempts) {
      const answer = await attempt;
      expect(answer.status).toBe(403);
      expect(answer.body).toEqual({ success: false, error: 'The signature does not match' });
    }
    const { text, headers } = signedForm(
      `${publicUrl}/api/providers/twilio/${tenant.workspaceId}/inbound`,
      form,
    );
    const changed = text.replace('When', 'Where');
    const forged = anonymous(server).post(`/api/providers/twilio/${tenant.workspaceId}/inbound`);
    expect((await forged.set(headers).send(changed)).status).toBe(403);
  });

  it('ignore statuses of messages that are not known here', async () => {
    const tenant = await buildSms();
    for (const MessageStatus of ['queued', 'delivered', 'something-new']) {
      expect((await call(tenant, 'status', { MessageSid: 'SM-unknown', MessageStatus })).status).toBe(200);
    }
  });
});

describe('/u/{token}', () => {
  async function buildLink() {
    const tenant = await buildTenant(server);
    const { data } = (await tenant.api.post('/messages/email').send(email())).body;
    return { ...tenant, path: `/u/${unsubscribeToken(server.ctx, new ObjectId(data._id))}` };
  }

  it('shows a page that changes nothing, opts out by one click, and in again', async () => {
    const { api, path } = await buildLink();
    const isOptedOut = async () => (await api.post('/messages/email').send(email())).status === 422;
    const page = await anonymous(server).get(path);
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.text).toContain('Do you want no more emails from Test workspace?');
    expect(await isOptedOut()).toBe(false);

    const click = await anonymous(server).post(path).type('form').send('List-Unsubscribe=One-Click');
    expect(click.status).toBe(200);
    expect(await isOptedOut()).toBe(true);
    await anonymous(server).post(path).set('Content-Type', 'multipart/form-data; boundary=x').send('--x--');
    expect(await isOptedOut()).toBe(true);

    expect((await anonymous(server).post(`${path}?again=1`)).status).toBe(200);
    expect(await isOptedOut()).toBe(false);
  });

  it('asks which recipient it is when there are copies, and opts out nobody else', async () => {
    const tenant = await buildTenant(server);
    const { to, cc } = { to: 'addressee@example.com', cc: ['one@example.com', 'two@example.com'] };
    const { data } = (await tenant.api.post('/messages/email').send(email({ to, cc }))).body;
    const path = `/u/${unsubscribeToken(server.ctx, new ObjectId(data._id))}`;
    const optedOut = async () => {
      const answers = await Promise.all(
        [to, ...cc].map((one) => tenant.api.post('/messages/email').send(email({ to: one }))),
      );
      return [to, ...cc].filter((_, index) => answers[index]?.status === 422);
    };
    const page = await anonymous(server).get(path);
    for (const address of [to, ...cc]) expect(page.text).toContain(`Unsubscribe ${address}`);

    const click = await anonymous(server).post(path).type('form').send('List-Unsubscribe=One-Click');
    expect(click.status).toBe(422);
    for (const wrong of ['3', '-1', 'x', ''])
      expect((await anonymous(server).post(`${path}?recipient=${wrong}`)).status).toBe(422);
    expect(await optedOut()).toEqual([]);

    const left = await anonymous(server).post(`${path}?recipient=2`);
    expect(left.text).toContain('two@example.com will get no more emails');
    expect(left.text).toContain('action="?recipient=2&amp;again=1"');
    expect(await optedOut()).toEqual(['two@example.com']);
    await anonymous(server).post(`${path}?recipient=2&again=1`);
    expect(await optedOut()).toEqual([]);
  });

  it('escapes the name of the workspace', async () => {
    const tenant = await buildTenant(server, { settings: { name: '<script>alert(1)</script>' } });
    const { data } = (await tenant.api.post('/messages/email').send(email())).body;
    const { text } = await anonymous(server).get(
      `/u/${unsubscribeToken(server.ctx, new ObjectId(data._id))}`,
    );
    expect(text).toContain('&lt;script&gt;');
    expect(text).not.toContain('<script>');
  });

  it('answers 404 to a token that was not made here', async () => {
    const { path } = await buildLink();
    const other = unsubscribeToken(server.ctx, new ObjectId());
    for (const wrong of [
      `${path}x`,
      path.replace(/.\./, (last) => (last === '0.' ? '1.' : '0.')),
      `/u/${other}`,
      '/u/x',
    ]) {
      expect((await anonymous(server).get(wrong)).status).toBe(404);
      expect((await anonymous(server).post(wrong)).status).toBe(404);
    }
  });
});
