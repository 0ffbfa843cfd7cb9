import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { composeLetter, plainName } from '../../src/tenancy/accounts/letters.ts';
import { owedMails } from '../../src/tenancy/mail/model.ts';
import { mailsPerDay } from '../../src/tenancy/mail/quota.ts';
import { sweepMails } from '../../src/tenancy/mail/sweep.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { anonymous, buildAccount, buildEmail, buildRegistration } from '../helpers/accounts.ts';
import { startServer, type TestServer } from '../helpers/app.ts';
import { type Smtp, smtpAccount, startSmtp } from '../helpers/smtp.ts';

const password = 'a password of my own';
let smtp: Smtp;
let server: TestServer;
let isRefusing = false;

beforeAll(async () => {
  smtp = await startSmtp({
    onMailFrom: (_address, _session, callback) =>
      callback(isRefusing ? Object.assign(new Error('Not now'), { responseCode: 451 }) : undefined),
  });
  const smtpUrl = `smtp://${smtpAccount.user}:${smtpAccount.password}@127.0.0.1:${smtp.port}`;
  server = await startServer({ smtpUrl, publicUrl: 'https://crm.example.com' });
});
afterAll(async () => {
  await server.close();
  await smtp.close();
});
afterEach(() => {
  vi.restoreAllMocks();
  isRefusing = false;
});

const post = (path: string, body: object) => anonymous(server).post(path).send(body);
const sweep = () => sweepMails(server.ctx, composeLetter, new AbortController().signal);
const mailsTo = (email: string) => smtp.mails.filter(({ to }) => to.includes(email));
const owedTo = (to: string) => owedMails(server.ctx.db).find({ to }).toArray();
/** As a person reads it. */
const textOf = (mail?: { text: string }) => mail?.text.replaceAll('=\r\n', '').replaceAll('=3D', '=') ?? '';
/** The token of the last mail to the address, once it is there. */
async function tokenMailedTo(email: string, count = 1): Promise<string> {
  await vi.waitFor(() => expect(mailsTo(email)).toHaveLength(count), { timeout: 5_000 });
  return /#token=([\w-]{43})/.exec(textOf(mailsTo(email).at(-1)))?.[1] ?? '';
}
const later = (milliseconds: number) => {
  const at = server.ctx.clock.now().getTime() + milliseconds;
  vi.spyOn(server.ctx.clock, 'now').mockImplementation(() => new Date(at));
};
const buildInvitation = (email: string) => ({ name: 'Ina Invited', email, role: 'agent' });

describe('a mail of the system', () => {
  it('carries the invitation, which the answer does not', async () => {
    const admin = await buildAccount(server);
    const email = buildEmail();
    const { body } = await admin.portal.post('/members').send(buildInvitation(email));
    expect(body).not.toHaveProperty('invitation');
    await sweep();
    const token = await tokenMailedTo(email);
    const [mail] = mailsTo(email);
    expect(mail?.text).toMatch(/^Subject: Invitation to the team of Lakeside Homes\r$/m);
    expect(textOf(mail)).toContain(`https://crm.example.com/invitation#token=${token}`);
    expect((await post('/api/invitations/accept', { token, password })).status).toBe(200);
    await vi.waitFor(async () => expect(await owedTo(email)).toEqual([]));
  });

  it('carries the reset and the verification', async () => {
    const email = buildEmail();
    const registered = await post('/api/register', buildRegistration({ email }));
    expect(registered.body).not.toHaveProperty('verification');
    await sweep();
    const verification = await tokenMailedTo(email);
    expect((await post('/api/email/verify', { token: verification })).status).toBe(200);
    const forgot = await post('/api/password/forgot', { email });
    expect(forgot.body).not.toHaveProperty('reset');
    await sweep();
    const reset = await tokenMailedTo(email, 2);
    expect((await post('/api/password/reset', { token: reset, password })).status).toBe(200);
    expect((await post('/api/login', { email, password })).status).toBe(200);
  });

  it('is sent by whichever worker runs', async () => {
    const email = buildEmail();
    await post('/api/register', buildRegistration({ email }));
    const worker: RunningWorker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 50 });
    try {
      expect(await tokenMailedTo(email)).toMatch(/^[\w-]{43}$/);
    } finally {
      await worker.close();
    }
  });

  it('is owed until it has left, with the same token', async () => {
    const email = buildEmail();
    isRefusing = true;
    await post('/api/register', buildRegistration({ email }));
    await sweep();
    await vi.waitFor(async () => {
      const [owed] = await owedTo(email);
      expect(owed).toMatchObject({ attempts: 1 });
      // No longer leased: the failure is written down.
      expect(owed?.dueAt.getTime()).toBeLessThan(Date.now() + 30_000);
    });
    isRefusing = false;
    later(31_000);
    await sweep();
    expect((await post('/api/email/verify', { token: await tokenMailedTo(email) })).status).toBe(200);
  });

  it('goes to nobody without an account, and to nobody whose invitation was taken back', async () => {
    const admin = await buildAccount(server);
    const [stranger, withdrawn] = [buildEmail(), buildEmail()];
    await post('/api/password/forgot', { email: stranger });
    const { body } = await admin.portal.post('/members').send(buildInvitation(withdrawn));
    await admin.portal.delete(`/members/${body.data._id}`).expect(200);
    // It may still be expected: who owes it may be about to say so.
    await sweep();
    await vi.waitFor(async () => expect((await owedTo(stranger))[0]).toMatchObject({ attempts: 1 }));
    later(120_000);
    await sweep();
    await vi.waitFor(async () =>
      expect([...(await owedTo(stranger)), ...(await owedTo(withdrawn))]).toEqual([]),
    );
    expect([...mailsTo(stranger), ...mailsTo(withdrawn)]).toEqual([]);
  });

  it('keeps no secret in the database', async () => {
    const email = buildEmail();
    await post('/api/register', buildRegistration({ email }));
    const owed = JSON.stringify(await owedTo(email));
    await sweep();
    const token = await tokenMailedTo(email);
    const users = await server.ctx.db.global('users').find({ email }).toArray();
    expect(owed + JSON.stringify(users)).not.toContain(token);
  });
});

describe('the daily quota', () => {
  it('bounds what one address gets of a kind', async () => {
    const email = buildEmail();
    const answers = await Promise.all(
      Array.from({ length: mailsPerDay.addressAndKind + 3 }, () => post('/api/password/forgot', { email })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(mailsPerDay.addressAndKind).fill(200), 429, 429, 429]);
    const refused = answers.find(({ status }) => status === 429);
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0);
    // Each kind has its own.
    expect((await post('/api/email/verification', { email })).status).toBe(200);
    later(24 * 3_600_000);
    expect((await post('/api/password/forgot', { email })).status).toBe(200);
  });

  it('is the same for the verification, whether somebody waits for it or not', async () => {
    const registration = buildRegistration();
    await post('/api/register', registration);
    // The registration's own mail was the first.
    for (const [email, left] of [
      [registration.email, mailsPerDay.addressAndKind - 1],
      [buildEmail(), mailsPerDay.addressAndKind],
    ] as const) {
      const ask = () => post('/api/email/verification', { email });
      for (let count = 0; count < left; count += 1) {
        expect((await ask()).body).toEqual({
          success: true,
          message: 'If the address waits to be verified, a mail is on its way',
        });
      }
      expect((await ask()).status).toBe(429);
    }
  });

  it('bounds what one workspace sends', async () => {
    const admin = await buildAccount(server);
    const invite = () => admin.portal.post('/members').send(buildInvitation(buildEmail()));
    for (let sent = 0; sent < mailsPerDay.workspace; sent += 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, invite));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    }
    expect((await invite()).status).toBe(429);
    const other = await buildAccount(server);
    expect((await other.portal.post('/members').send(buildInvitation(buildEmail()))).status).toBe(201);
  });
});

describe('in production without a mail server', () => {
  it('nothing is promised that only a mail can keep', async () => {
    const production = await startServer({ isProduction: true, smtpUrl: undefined });
    try {
      const admin = await buildAccount(production);
      const email = buildEmail();
      for (const answer of [
        await admin.portal.post('/members').send(buildInvitation(email)),
        await anonymous(production).post('/api/password/forgot').send({ email: admin.email }),
        await anonymous(production).post('/api/password/forgot').send({ email }),
      ]) {
        expect(answer.status).toBe(503);
        expect(answer.body).toEqual({
          success: false,
          error: 'This needs a mail server, and none is set up',
        });
      }
    } finally {
      await production.close();
    }
  });
});

it.each([
  ['Lakeside Homes', 'Lakeside Homes'],
  ['Müller & Söhne (Köln)', 'Müller and Söhne (Köln)'],
  ['Win at http://evil.example/now', 'Win at http evil example now'],
  ['<a href="//evil.example">x</a>', 'a href evil example x a'],
  ['A\r\nBcc: all@example.com', 'A Bcc all example com'],
])('the name %j is told as %j', (name, told) => {
  expect(plainName(name)).toBe(told);
});
