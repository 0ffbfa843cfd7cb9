import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { sendMail } from '../../src/infra/mail.ts';
import { createResolve, type Resolve, resolveLocally } from '../../src/infra/outbound.ts';
import { deliver, SmtpFailure, type SmtpServer } from '../../src/infra/smtp.ts';
import { drips, smtpAccount, startSmtp, startTarpit, tarpits } from '../helpers/smtp.ts';

const timeoutMs = 300;
/** What a busy machine may add. */
const slackMs = 2_000;

const serverAt = (port: number, host = '127.0.0.1', resolve: Resolve = resolveLocally): SmtpServer => ({
  host,
  port,
  isSecure: false,
  user: smtpAccount.user,
  password: smtpAccount.password,
  isTlsRequired: false,
  policy: { isPrivateNetworkAllowed: true, resolve },
});

const envelope = { from: 'sales@lakeside.example', to: ['person@example.com'] };
const content = Buffer.from('Subject: Hello\r\n\r\nHello\r\n');

/** How a delivery failed, which it has to do in time. */
async function failureOf(delivery: Promise<unknown>): Promise<SmtpFailure> {
  const startedAt = Date.now();
  const failure = await delivery.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(Date.now() - startedAt).toBeLessThan(timeoutMs + slackMs);
  expect(failure).toBeInstanceOf(SmtpFailure);
  return failure as SmtpFailure;
}

describe('a delivery by SMTP ends in time', () => {
  const cases = tarpits.flatMap((step) =>
    (Object.keys(drips) as (keyof typeof drips)[]).map((kind) => ({ step, kind })),
  );
  it.each(cases)('when the answer to $step drips on in $kind', async ({ step, kind }) => {
    const tarpit = await startTarpit(step, drips[kind]);
    const failure = await failureOf(deliver(serverAt(tarpit.port), envelope, content, timeoutMs));
    expect(failure).toMatchObject({ code: 'ETIMEDOUT', isHandedOver: step === 'message' });
    await expect.poll(() => tarpit.open).toBe(0);
    await tarpit.close();
  });

  it('when the server says nothing at all', async () => {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const failure = await failureOf(deliver(serverAt(port), envelope, content, timeoutMs));
    expect(failure).toMatchObject({ code: 'ETIMEDOUT', isHandedOver: false });
    await new Promise((resolve) => silent.close(resolve));
  });

  it('when the name server says nothing', async () => {
    const nameServer = createSocket('udp4').bind(0, '127.0.0.1');
    await once(nameServer, 'listening');
    const resolve = createResolve([`127.0.0.1:${nameServer.address().port}`]);
    const server = serverAt(25, 'mail.example.com', resolve);
    const failure = await failureOf(deliver(server, envelope, content, timeoutMs));
    expect(failure).toMatchObject({ code: 'ETIMEDOUT', isHandedOver: false });
    nameServer.close();
  });

  it('when a server that was quick before drags out the second message on the same connection', async () => {
    let mails = 0;
    const smtp = await startSmtp({
      onMailFrom: (_address, _session, callback) => (++mails > 1 ? undefined : callback()),
    });
    const server = serverAt(smtp.port);
    await deliver(server, envelope, content, timeoutMs + slackMs);
    const failure = await failureOf(deliver(server, envelope, content, timeoutMs));
    expect(failure).toMatchObject({ code: 'ETIMEDOUT', isHandedOver: false });
    expect(smtp.connections).toBe(1);
    await smtp.close();
  });
});

describe('a connection that is no longer needed', () => {
  it('is closed though the server never says goodbye', async () => {
    const tarpit = await startTarpit('QUIT');
    await deliver(serverAt(tarpit.port), envelope, content);
    expect(tarpit.open).toBe(1);
    await expect.poll(() => tarpit.open, { timeout: 10_000 }).toBe(0);
    expect(tarpit.commands).toContain('QUIT');
    await tarpit.close();
  });
});

describe('sendMail', () => {
  const urlOf = (port: number) =>
    `smtp://${smtpAccount.user}:${smtpAccount.password}@127.0.0.1:${port}/?from=crm@operator.example`;
  const mail = { to: ['person@example.com'], subject: 'Your invitation', text: 'Welcome' };

  it("sends one email through the URL's server, from its sender", async () => {
    const smtp = await startSmtp();
    await sendMail(urlOf(smtp.port), mail);
    expect(smtp.mails).toMatchObject([{ from: 'crm@operator.example', to: mail.to }]);
    expect(smtp.mails[0]?.text).toContain('Subject: Your invitation');
    await smtp.close();
  });

  it('ends in time', async () => {
    const tarpit = await startTarpit('EHLO');
    const failure = await failureOf(sendMail(urlOf(tarpit.port), mail, timeoutMs));
    expect(failure).toMatchObject({ code: 'ETIMEDOUT', isHandedOver: false });
    await tarpit.close();
  });
});

describe('createResolve', () => {
  it('gives up on name servers that say nothing', async () => {
    const nameServer = createSocket('udp4').bind(0, '127.0.0.1');
    await once(nameServer, 'listening');
    const resolve = createResolve([`127.0.0.1:${nameServer.address().port}`], timeoutMs);
    const startedAt = Date.now();
    await expect(resolve('slow.example.com')).rejects.toMatchObject({ code: 'ETIMEOUT' });
    expect(Date.now() - startedAt).toBeLessThan(timeoutMs + slackMs);
    nameServer.close();
  });
});
