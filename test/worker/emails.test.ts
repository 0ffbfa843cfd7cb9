import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Message } from '../../src/features/messaging/messages/model.ts';
import {
  ProviderUnavailable,
  ProviderUncertain,
} from '../../src/features/messaging/messages/providers/provider.ts';
import { smtpEmail, workspaceSender } from '../../src/features/messaging/messages/providers/smtp-email.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { anonymous } from '../helpers/accounts.ts';
import { buildTenant, startServer, type Tenant, useServer } from '../helpers/app.ts';
import { configureProvider, makeDue, messageWith, storedMessage } from '../helpers/messages.ts';
import { type Mail, type Smtp, smtpAccount, startSmtp, startTarpit } from '../helpers/smtp.ts';

const publicUrl = 'https://crm.example.com';
const smtp = await startSmtp();
const server = useServer({ publicUrl });
let worker: RunningWorker;
beforeAll(() => {
  worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
});
afterAll(async () => {
  await worker.close();
  await smtp.close();
});

async function buildEmail(port = smtp.port, account: Partial<typeof smtpAccount> = {}): Promise<Tenant> {
  const tenant = await buildTenant(server);
  await configureProvider(server, tenant, 'email', { host: '127.0.0.1', port, ...smtpAccount, ...account });
  return tenant;
}

let addresses = 0;
const buildAddress = () => `person.${addresses++}@example.com`;

async function sendEmail({ api }: Tenant, overrides: Record<string, unknown> = {}) {
  const body = { to: buildAddress(), subject: 'Your visit', text: 'See you on Monday', ...overrides };
  const answer = await api.post('/messages/email').send(body);
  if (answer.status !== 201) throw new Error(`email answered ${answer.status}: ${answer.text}`);
  return answer.body.data as { _id: string; to: string };
}

const mailsTo = (to: string, { mails }: Smtp = smtp) => mails.filter((mail) => mail.to.includes(to));

/** The headers of a mail, unfolded, by name in lower case. */
function headersOf({ text }: Mail): Map<string, string> {
  const [head = ''] = text.split('\r\n\r\n', 1);
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
}

/** A mail server with a will of its own: answers line by line, and hangs up when told to. */
async function startScript(answer: (line: string) => string | 'hang up' | undefined) {
  const sockets = new Set<Socket>();
  const lines: string[] = [];
  const scripted = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write('220 script\r\n');
    let rest = '';
    socket.on('data', (chunk) => {
      const parts = (rest + chunk.toString('utf8')).split('\r\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        const reply = answer(line);
        if (reply === 'hang up') socket.destroy();
        else if (reply) socket.write(`${reply}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => scripted.listen(0, '127.0.0.1', resolve));
  return {
    port: (scripted.address() as { port: number }).port,
    lines,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => scripted.close(resolve));
    },
  };
}

describe('email over SMTP', () => {
  it('arrives as it was written', async () => {
    const tenant = await buildEmail();
    const { _id, to } = await sendEmail(tenant, {
      cc: ['copy@example.com'],
      subject: 'Ihr Besuch – Café',
      text: 'Bis Montag, äöü',
      html: '<p>Bis Montag</p>',
    });
    const accepted = await messageWith(tenant, _id, 'accepted');
    const [mail, ...others] = mailsTo(to);
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ from: smtpAccount.from, to: [to, 'copy@example.com'] });
    const headers = headersOf(mail as Mail);
    expect(headers.get('from')).toBe(smtpAccount.from);
    expect(headers.get('to')).toBe(to);
    expect(headers.get('cc')).toBe('copy@example.com');
    expect(headers.get('subject')).toMatch(/^=\?UTF-8\?/);
    expect(headers.get('message-id')).toBe(`<${_id}@lakeside.example>`);
    expect(mail?.text).toContain('Bis Montag, =C3=A4=C3=B6=C3=BC');
    expect(mail?.text).toContain('<p>Bis Montag</p>');
    expect(accepted).toMatchObject({
      providerId: `<${_id}@lakeside.example>`,
      from: smtpAccount.from,
      attempts: 1,
    });
  });

  it('opts its recipient out at one click', async () => {
    const tenant = await buildEmail();
    const { _id, to } = await sendEmail(tenant);
    await messageWith(tenant, _id, 'accepted');
    const headers = headersOf(mailsTo(to)[0] as Mail);
    expect(headers.get('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    const link = headers.get('list-unsubscribe') ?? '';
    expect(link).toMatch(/^<https:\/\/crm\.example\.com\/u\/[\w.-]+>$/);
    const path = link.slice(1 + publicUrl.length, -1);
    const click = await anonymous(server).post(path).type('form').send('List-Unsubscribe=One-Click');
    expect(click.status).toBe(200);
    const again = await tenant.api.post('/messages/email').send({ to, subject: 'Again', text: 'Hello' });
    expect(again.status).toBe(422);
  });

  it('offers no one-click to recipients who share a link', async () => {
    const tenant = await buildEmail();
    const { _id, to } = await sendEmail(tenant, { cc: ['copy@example.com'] });
    await messageWith(tenant, _id, 'accepted');
    const headers = headersOf(mailsTo(to)[0] as Mail);
    expect(headers.has('list-unsubscribe')).toBe(true);
    expect(headers.has('list-unsubscribe-post')).toBe(false);
  });

  it('shares connections', async () => {
    const own = await startSmtp();
    const tenant = await buildEmail(own.port);
    const emails = await Promise.all(Array.from({ length: 60 }, () => sendEmail(tenant)));
    await own.received(60);
    for (const { to } of emails) expect(mailsTo(to, own)).toHaveLength(1);
    expect(own.connections).toBeLessThanOrEqual(25);
    await own.close();
  });

  it('is rejected when the login is', async () => {
    const tenant = await buildEmail(smtp.port, { password: 'wrong' });
    const { _id, to } = await sendEmail(tenant);
    const rejected = await messageWith(tenant, _id, 'rejected');
    expect(rejected.error).toEqual({ code: '535', reason: expect.stringContaining('Invalid login') });
    expect(JSON.stringify(rejected)).not.toContain('wrong');
    expect(mailsTo(to)).toEqual([]);
  });

  it('keeps the reason of a server that knows no such recipient', async () => {
    const own = await startSmtp({
      onRcptTo: (_address, _session, callback) =>
        callback(Object.assign(new Error('No such user here'), { responseCode: 550 })),
    });
    const tenant = await buildEmail(own.port);
    const { _id } = await sendEmail(tenant);
    const rejected = await messageWith(tenant, _id, 'rejected');
    expect(rejected.error).toEqual({ code: '550', reason: expect.stringContaining('No such user here') });
    await own.close();
  });

  it('tells when only some recipients were taken', async () => {
    const own = await startSmtp({
      onRcptTo: ({ address }, _session, callback) =>
        address === 'gone@example.com'
          ? callback(Object.assign(new Error('No such user here'), { responseCode: 550 }))
          : callback(),
    });
    const tenant = await buildEmail(own.port);
    const { _id } = await sendEmail(tenant, { cc: ['gone@example.com'] });
    const accepted = await messageWith(tenant, _id, 'accepted');
    expect(accepted.error).toEqual({ reason: 'The server refused the recipients gone@example.com' });
    await own.close();
  });

  it('is tried again when the server is busy', async () => {
    let refusals = 1;
    const own = await startSmtp({
      onMailFrom: (_address, _session, callback) =>
        refusals-- > 0
          ? callback(Object.assign(new Error('Try again later'), { responseCode: 451 }))
          : callback(),
    });
    const tenant = await buildEmail(own.port);
    const { _id, to } = await sendEmail(tenant);
    const accepted = await messageWith(tenant, _id, 'accepted');
    expect(accepted.attempts).toBe(2);
    expect(mailsTo(to, own)).toHaveLength(1);
    await own.close();
  });

  it('becomes unknown when the connection breaks after the message was handed over, and is not sent again', async () => {
    const script = await startScript((line) => {
      if (line === '.') return 'hang up';
      if (line === 'DATA') return '354 go on';
      return /^(EHLO|MAIL|RCPT)/.test(line) ? '250 ok' : undefined;
    });
    const tenant = await buildEmail(script.port, { user: undefined });
    const { _id } = await sendEmail(tenant);
    const unknown = await messageWith(tenant, _id, 'unknown');
    expect(unknown.error.code).toBe('answer_lost');
    expect(script.lines.filter((line) => line === 'DATA')).toHaveLength(1);
    await script.close();
  });

  it('is tried again when the connection breaks before', async () => {
    const script = await startScript((line) => (line.startsWith('RCPT') ? 'hang up' : '250 ok'));
    const tenant = await buildEmail(script.port, { user: undefined });
    const { _id } = await sendEmail(tenant);
    await expect.poll(async () => (await storedMessage(server, _id))?.attempts).toBe(1);
    const queued = await messageWith(tenant, _id, 'queued');
    expect(queued.error).toEqual({ code: 'ECONNECTION', reason: 'The mail server can’t be reached' });
    await tenant.api.post(`/messages/${_id}/cancel`);
    await script.close();
  });

  it('is tried again when the server drags out its answers, and unknown once the message was handed over', async () => {
    const { _id } = await sendEmail(await buildEmail(), { delay: 3_600_000 });
    const message = (await storedMessage(server, _id)) as Message;
    for (const [step, outcome] of [
      ['EHLO', ProviderUnavailable],
      ['DATA', ProviderUnavailable],
      ['message', ProviderUncertain],
    ] as const) {
      const tarpit = await startTarpit(step);
      const sender = workspaceSender(server.ctx.config, {
        host: '127.0.0.1',
        port: tarpit.port,
        ...smtpAccount,
      });
      await expect(smtpEmail(sender, () => undefined, 300).send(message)).rejects.toBeInstanceOf(outcome);
      await tarpit.close();
    }
  });

  it('waits for a server that is away', async () => {
    const gone = await startSmtp();
    await gone.close();
    const tenant = await buildEmail(gone.port);
    const { _id } = await sendEmail(tenant);
    await expect.poll(async () => (await storedMessage(server, _id))?.attempts).toBe(1);
    const queued = await messageWith(tenant, _id, 'queued');
    expect(queued.error).toEqual({ code: 'ECONNREFUSED', reason: 'The mail server can’t be reached' });
    await tenant.api.post(`/messages/${_id}/cancel`);
  });

  it('is not handed to a server whose certificate does not fit', async () => {
    const own = await startSmtp({ hideSTARTTLS: false });
    const tenant = await buildEmail(own.port);
    const { _id } = await sendEmail(tenant);
    await expect.poll(async () => (await storedMessage(server, _id))?.error?.code).toMatch(/CERT/);
    expect(own.mails).toEqual([]);
    await tenant.api.post(`/messages/${_id}/cancel`);
    await own.close();
  });

  it('fails when the server has been away for a day', async () => {
    const gone = await startSmtp();
    await gone.close();
    const tenant = await buildEmail(gone.port);
    const { _id } = await sendEmail(tenant, { delay: 3_600_000 });
    await makeDue(server, _id, { sendAt: new Date(Date.now() - 25 * 3_600_000) });
    expect((await messageWith(tenant, _id, 'failed')).error.reason).toBe('The mail server can’t be reached');
  });
});

describe('which mail server', () => {
  it("is the operator's for an approved workspace that has none, and says who sends", async () => {
    const url = `smtp://${smtpAccount.user}:${smtpAccount.password}@127.0.0.1:${smtp.port}/?from=crm@operator.example`;
    const operated = await startServer({ smtpUrl: url, operatorMail: 'all' });
    const ownWorker = startWorker(operated.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
    const tenant = await buildTenant(operated);
    const { _id, to } = await sendEmail(tenant);
    await messageWith(tenant, _id, 'accepted');
    const [mail] = mailsTo(to);
    expect(mail?.from).toBe('crm@operator.example');
    // Without PUBLIC_URL there is no address that the recipient could call.
    expect(headersOf(mail as Mail).has('list-unsubscribe')).toBe(false);
    await ownWorker.close();
    await operated.close();
  });

  it('is never one of our own network when a workspace names it', async () => {
    const webhooks = { isPrivateNetworkAllowed: false, retryDelaysMs: [1_000], timeoutMs: 1_000 };
    const guarded = await startServer({ webhooks });
    const ownWorker = startWorker(guarded.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
    const tenant = await buildTenant(guarded);
    const account = { host: '127.0.0.1', port: smtp.port, ...smtpAccount };
    await configureProvider(guarded, tenant, 'email', account);
    const { _id, to } = await sendEmail(tenant);
    const rejected = await messageWith(tenant, _id, 'rejected');
    expect(rejected.error.reason).toBe('127.0.0.1 is not an address of the public internet');
    expect(mailsTo(to)).toEqual([]);
    await ownWorker.close();
    await guarded.close();
  });
});
