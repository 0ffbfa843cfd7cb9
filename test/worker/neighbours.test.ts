import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { subscriptions } from '../../src/features/platform/webhooks/model.ts';
import { queueDeliveries } from '../../src/features/platform/webhooks/queue.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { buildTenant, startServer, type Tenant, type TestServer } from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';
import { configureProvider, messageWith } from '../helpers/messages.ts';
import { type Receiver, startReceiver } from '../helpers/receiver.ts';
import { smtpAccount, startSmtp, startTarpit } from '../helpers/smtp.ts';
import { buildHook } from '../helpers/webhooks.ts';

/** What hangs for some delays nobody else: far sooner than the first of what hangs gives up. */

vi.setConfig({ testTimeout: 60_000 });
const delayedMs = 4_000;

let server: TestServer;
let worker: RunningWorker;
beforeEach(async () => {
  server = await startServer();
  worker = startWorker(server.ctx, inject('redisUrl'));
});
afterEach(async () => {
  await worker.close();
  await server.close();
});

describe('800 endpoints that hang', () => {
  let receiver: Receiver;
  beforeEach(async () => {
    receiver = await startReceiver();
    receiver.behave('hang');
    receiver.behave(200, '/newcomer');
  });
  /** Before the worker is stopped, which would wait for them. */
  afterEach(() => receiver.close());

  /** Endpoints of one workspace, as many as it likes, each owed one delivery. */
  async function hang(tenant: Tenant, count: number): Promise<void> {
    const { ctx } = server;
    const workspaceId = new ObjectId(tenant.workspaceId);
    const hook = await buildHook(tenant, `${receiver.url}/hang`);
    const template = await subscriptions(ctx.db).findById(workspaceId, new ObjectId(hook._id));
    if (!template) throw new Error('No such webhook');
    const made = Array.from({ length: count }, () => ({ ...template, _id: new ObjectId() }));
    await subscriptions(ctx.db).insertMany(workspaceId, made);
    const event = {
      eventId: new ObjectId(),
      event: 'lead.created' as const,
      at: ctx.clock.now(),
      body: '{}',
    };
    await queueDeliveries(
      ctx,
      made.map(({ _id }) => ({ workspaceId, subscriptionId: _id, ...event })),
    );
  }

  it.each([1, 20])('of %i workspaces', async (workspaces) => {
    const newcomer = await buildTenant(server);
    await buildHook(newcomer, `${receiver.url}/newcomer`, ['lead.created']);
    const tenants = await Promise.all(Array.from({ length: workspaces }, () => buildTenant(server)));
    await Promise.all(tenants.map((tenant) => hang(tenant, 800 / workspaces)));
    // As many as one workspace gets, and as many as there are places for all.
    await receiver.received(workspaces === 1 ? 50 : 500);
    const startedAt = Date.now();
    await createLead(newcomer);
    await receiver.received(1, ({ path }) => path === '/newcomer');
    expect(Date.now() - startedAt).toBeLessThan(delayedMs);
  });
});

describe('100 mail servers that answer for ever', () => {
  it('delay no other workspace’s first email', async () => {
    const [tarpit, smtp] = [await startTarpit('EHLO'), await startSmtp()];
    const account = { host: '127.0.0.1', ...smtpAccount };
    const send = async ({ api }: Tenant) => {
      const body = { to: 'person@example.com', subject: 'Hello', text: 'Hello' };
      return (await api.post('/messages/email').send(body)).body.data as { _id: string };
    };
    for (let index = 0; index < 100; index += 1) {
      const tenant = await buildTenant(server);
      await configureProvider(server, tenant, 'email', { ...account, port: tarpit.port });
      await send(tenant);
    }
    await vi.waitFor(() => expect(tarpit.open).toBe(100), { timeout: 20_000 });
    const newcomer = await buildTenant(server);
    await configureProvider(server, newcomer, 'email', { ...account, port: smtp.port });
    const startedAt = Date.now();
    const { _id } = await send(newcomer);
    await messageWith(newcomer, _id, 'accepted');
    expect(Date.now() - startedAt).toBeLessThan(delayedMs);
    // Ends what hangs, for which the worker would wait.
    await tarpit.close();
    await smtp.close();
  });
});
