import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { subscriptions } from '../../src/features/platform/webhooks/model.ts';
import { queueDeliveries } from '../../src/features/platform/webhooks/queue.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { buildTenant, startServer, type Tenant, type TestServer } from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';
import { configureProvider, messageWith } from '../helpers/messages.ts';
import { type Receiver, startReceiver } from '../helpers/receiver.ts';
import { smtpAccount, startSmtp } from '../helpers/smtp.ts';
import { buildHook } from '../helpers/webhooks.ts';

/** What hangs for some delays nobody else: whoever waited for the first of it to give up would wait ten seconds. */

vi.setConfig({ testTimeout: 60_000 });
const delayedMs = 6_000;

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

  it('of one workspace', async () => {
    const newcomer = await buildTenant(server);
    await buildHook(newcomer, `${receiver.url}/newcomer`, ['lead.created']);
    await hang(await buildTenant(server), 800);
    await receiver.received(25);
    const startedAt = Date.now();
    await createLead(newcomer);
    await receiver.received(1, ({ path }) => path === '/newcomer');
    expect(Date.now() - startedAt).toBeLessThan(delayedMs);
  });
});

describe('100 mail servers that say nothing', () => {
  it('delay no other workspace’s first email', async () => {
    const [silent, smtp] = [await startSilence(), await startSmtp()];
    const account = { host: '127.0.0.1', ...smtpAccount };
    const buildEmail = async (port: number) => {
      const tenant = await buildTenant(server);
      await configureProvider(server, tenant, 'email', { ...account, port });
      return tenant;
    };
    const send = async ({ api }: Tenant) => {
      const body = { to: 'person@example.com', subject: 'Hello', text: 'Hello' };
      return (await api.post('/messages/email').send(body)).body.data as { _id: string };
    };
    const newcomer = await buildEmail(smtp.port);
    const tenants = await Promise.all(Array.from({ length: 100 }, () => buildEmail(silent.port)));
    await Promise.all(tenants.map(send));
    await silent.opened(100);
    const startedAt = Date.now();
    const { _id } = await send(newcomer);
    await messageWith(newcomer, _id, 'accepted');
    expect(Date.now() - startedAt).toBeLessThan(delayedMs);
    // Ends what hangs, for which the worker would wait.
    await silent.close();
    await smtp.close();
  });
});

/** A server that takes connections and never says a word. */
async function startSilence() {
  const sockets = new Set<Socket>();
  const arrivals = new EventEmitter();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    arrivals.emit('connection');
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    async opened(count: number) {
      while (sockets.size < count) await once(arrivals, 'connection');
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
