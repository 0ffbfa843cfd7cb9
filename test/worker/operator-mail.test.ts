import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import type { Message } from '../../src/features/messaging/messages/model.ts';
import { ProviderRejected } from '../../src/features/messaging/messages/providers/provider.ts';
import { providerOf } from '../../src/features/messaging/messages/providers/registry.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { buildAccount } from '../helpers/accounts.ts';
import { buildTenant, startServer, type Tenant, type TestServer } from '../helpers/app.ts';
import { configureProvider, makeDue, messageWith } from '../helpers/messages.ts';
import { type Smtp, smtpAccount, startSmtp } from '../helpers/smtp.ts';
import { startWithoutRedis } from '../helpers/without-redis.ts';

const perDay = 3;
/** The workspaces that the operator has approved: grows as the tests make them. */
const approved: string[] = [];
let smtp: Smtp;
let smtpUrl: string;
let server: TestServer;
let worker: RunningWorker;
beforeAll(async () => {
  smtp = await startSmtp();
  smtpUrl = `smtp://${smtpAccount.user}:${smtpAccount.password}@127.0.0.1:${smtp.port}/?from=crm@operator.example`;
  server = await startServer({ smtpUrl, operatorMail: approved, operatorMailPerDay: perDay });
  worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
});
afterAll(async () => {
  await worker.close();
  await server.close();
  await smtp.close();
});

async function buildApproved(): Promise<Tenant> {
  const tenant = await buildTenant(server);
  approved.push(tenant.workspaceId);
  return tenant;
}

let addresses = 0;
const buildAddress = () => `guest.${addresses++}@example.com`;
const send = ({ api }: Tenant, overrides: Record<string, unknown> = {}) =>
  api
    .post('/messages/email')
    .send({ to: buildAddress(), subject: 'Your visit', text: 'See you', ...overrides });
const mailsTo = (to: string) => smtp.mails.filter((mail) => mail.to.includes(to));

describe("the operator's mail server", () => {
  it('sends nothing for a workspace that the operator has not approved: the sandbox serves, and says so', async () => {
    const { portal, workspaceId } = await buildAccount(server);
    expect((await portal.get('/message-providers/email')).body.data.provider).toBe('sandbox');
    const tenant = await buildTenant(server);
    const { body } = await send(tenant);
    const accepted = await messageWith(tenant, body.data._id, 'accepted');
    expect(accepted.from).toBe('sandbox@example.com');
    expect(mailsTo(body.data.to)).toEqual([]);
    approved.push(workspaceId);
    expect((await portal.get('/message-providers/email')).body.data).toMatchObject({
      provider: 'smtp',
      isConfigured: false,
    });
  });

  it('takes so many recipients a day, copies counted, and answers 429 from then on', async () => {
    const tenant = await buildApproved();
    const first = await send(tenant, { cc: ['copy@example.com'] });
    await messageWith(tenant, first.body.data._id, 'accepted');
    const tooMany = await send(tenant, { cc: ['copy@example.com'] });
    expect(tooMany.status).toBe(429);
    expect(tooMany.body.error).toMatch(/^The 3 recipients a day/);
    expect(Number(tooMany.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(tooMany.headers['retry-after'])).toBeLessThanOrEqual(24 * 3_600);
    const last = await send(tenant);
    await messageWith(tenant, last.body.data._id, 'accepted');
    expect((await send(tenant)).status).toBe(429);
    // Another day's email is another day's business, and other workspaces have their own.
    expect((await send(tenant, { delay: 48 * 3_600_000 })).status).toBe(201);
    expect((await send(await buildApproved())).status).toBe(201);
  });

  it('is counted when an email leaves, so nothing that was accepted earlier gets around it', async () => {
    const tenant = await buildApproved();
    const later = await Promise.all(
      Array.from({ length: perDay + 2 }, () => send(tenant, { delay: 48 * 3_600_000 })),
    );
    const ids = later.map(({ body }) => body.data._id as string);
    for (const id of ids) await makeDue(server, id);
    const settled = await Promise.all(ids.map((id) => messageWith(tenant, id, 'accepted', 'rejected')));
    const rejected = settled.filter(({ status }) => status === 'rejected');
    expect(rejected).toHaveLength(2);
    expect(rejected[0].error).toMatchObject({
      code: 'daily_limit',
      reason: expect.stringContaining('used up'),
    });
    for (const { to, status } of settled) expect(mailsTo(to)).toHaveLength(status === 'accepted' ? 1 : 0);
  });

  it("has no say in what leaves through a workspace's own account", async () => {
    const tenant = await buildApproved();
    await configureProvider(server, tenant, 'email', { host: '127.0.0.1', port: smtp.port, ...smtpAccount });
    for (let count = 0; count < perDay + 2; count += 1) {
      const { status, body } = await send(tenant);
      expect(status).toBe(201);
      expect((await messageWith(tenant, body.data._id, 'accepted')).from).toBe(smtpAccount.from);
    }
  });

  it('gets back what certainly did not leave', async () => {
    let refusals = 2;
    const busy = await startSmtp({
      onMailFrom: (_address, _session, callback) =>
        refusals-- > 0
          ? callback(Object.assign(new Error('Try again later'), { responseCode: 451 }))
          : callback(),
    });
    const url = `smtp://${smtpAccount.user}:${smtpAccount.password}@127.0.0.1:${busy.port}`;
    const own = await startServer({ smtpUrl: url, operatorMail: 'all', operatorMailPerDay: 1 });
    const provider = await providerOf(own.ctx, new ObjectId(), 'email');
    const message = messageOf(new ObjectId());
    for (let count = 0; count < 2; count += 1)
      await expect(provider.send(message)).rejects.toMatchObject({ code: '451' });
    await provider.send(message);
    await expect(provider.send(message)).rejects.toMatchObject({ code: 'daily_limit' });
    await own.close();
    await busy.close();
  });

  it('keeps its count while Redis is away and many processes send at once', async () => {
    const without = await startWithoutRedis({ smtpUrl, operatorMail: 'all', operatorMailPerDay: perDay });
    const workspaceId = new ObjectId();
    const messages = Array.from({ length: 20 }, () => messageOf(workspaceId));
    const outcomes = await Promise.allSettled(
      messages.map(async (message) =>
        (await providerOf(without.server.ctx, workspaceId, 'email')).send(message),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(perDay);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ProviderRejected);
    expect(messages.flatMap(({ to }) => mailsTo(to))).toHaveLength(perDay);
    await without.close();
  });
});

const messageOf = (workspaceId: ObjectId): Message => ({
  _id: new ObjectId(),
  workspaceId,
  version: 1,
  createdAt: new Date(),
  updatedAt: new Date(),
  archived: false,
  facets: [],
  channel: 'email',
  direction: 'outbound',
  type: 'email',
  to: buildAddress(),
  subject: 'Your visit',
  body: 'See you',
  status: 'sending',
  history: [],
  attempts: 1,
});

describe('OPERATOR_MAIL', () => {
  const secrets = { JWT_SECRET: 'x'.repeat(32), ENCRYPTION_KEY: 'y'.repeat(32) };
  const load = (environment: NodeJS.ProcessEnv) => loadConfig({ ...secrets, ...environment });

  it('is nobody, everybody or some workspaces', () => {
    const id = 'a'.repeat(24);
    expect(load({})).toMatchObject({ operatorMail: [], operatorMailPerDay: 200 });
    expect(load({ OPERATOR_MAIL: 'none' }).operatorMail).toEqual([]);
    expect(load({ OPERATOR_MAIL: 'all' }).operatorMail).toBe('all');
    expect(load({ OPERATOR_MAIL: `${id}, ${id}` }).operatorMail).toEqual([id, id]);
    expect(load({ OPERATOR_MAIL_PER_DAY: '5' }).operatorMailPerDay).toBe(5);
  });

  it('says what it may be', () =>
    expect(() => load({ OPERATOR_MAIL: 'some' })).toThrow(
      'OPERATOR_MAIL: must be none, all or workspace ids, separated by commas',
    ));

  it.each([{ OPERATOR_MAIL: ',' }, { OPERATOR_MAIL_PER_DAY: '0' }, { OPERATOR_MAIL_PER_DAY: 'many' }])(
    'stops the start by name when it is wrong: %o',
    (wrong) => expect(() => load(wrong)).toThrow(new RegExp(`^${Object.keys(wrong)[0]}: `)),
  );
});
