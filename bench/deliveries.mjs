/**
 * The worker's delivery rate, in events a second: to one receiver that answers at once, to ten of them, and to ten of
 * which one hangs. Server and worker run in this process, the receivers in a thread of their own.
 *
 *     npm run build && node bench/deliveries.mjs [events]
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

if (isMainThread) await measure(Number(process.argv[2] ?? 10_000));
else await receive();

/** Counts requests by path; /hang is never answered. */
async function receive() {
  const counts = new Map();
  const server = createServer((req, res) => {
    req.resume().on('end', () => {
      counts.set(req.url, (counts.get(req.url) ?? 0) + 1);
      if (req.url !== '/hang') res.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  parentPort.postMessage(server.address().port);
  parentPort.on('message', () => parentPort.postMessage(counts));
}

async function measure(events) {
  const [
    { loadConfig },
    { createContext },
    { keyKinds },
    { features },
    { createLogger },
    { startEmbedded },
    { startWorker },
    webhooks,
  ] = await Promise.all([
    import('../dist/config.js'),
    import('../dist/create-context.js'),
    import('../dist/contracts.js'),
    import('../dist/features.js'),
    import('../dist/infra/logger.js'),
    import('../dist/infra/embedded/index.js'),
    import('../dist/worker.js'),
    loadWebhooks(),
  ]);
  const dataDir = await mkdtemp(join(tmpdir(), 'crm-bench-'));
  const log = createLogger('warn');
  const config = loadConfig({ DATA_DIR: dataDir, WEBHOOK_ALLOW_PRIVATE_NETWORK: 'true' });
  const embedded = await startEmbedded({ dataDir, log, mongo: true, redis: true });
  const { mongoUrl, redisUrl } = embedded;
  const { ctx, close } = await createContext({ features, keyKinds, config, log, mongoUrl, redisUrl });
  const receiver = new Worker(new URL(import.meta.url));
  const [port] = await once(receiver, 'message');

  const scenarios = {
    'one endpoint': ['/a'],
    'ten endpoints': Array.from({ length: 10 }, (_, index) => `/b${index}`),
    'ten endpoints, one hangs': ['/hang', ...Array.from({ length: 9 }, (_, index) => `/c${index}`)],
  };
  for (const [name, paths] of Object.entries(scenarios)) {
    const queued = await queue(ctx, webhooks, port, paths, Math.ceil(events / paths.length));
    const startedAt = performance.now();
    const worker = startWorker(ctx, redisUrl);
    const answering = paths.filter((path) => path !== '/hang');
    await delivered(receiver, answering, queued);
    const seconds = (performance.now() - startedAt) / 1_000;
    const total = queued * answering.length;
    console.log(
      `${name}: ${total} events in ${seconds.toFixed(1)} s, ${Math.round(total / seconds)} events/s`,
    );
    await worker.close();
  }
  await receiver.terminate();
  await close();
  await embedded.stop();
  await rm(dataDir, { recursive: true, force: true });
  process.exit(0);
}

async function loadWebhooks() {
  const [{ createSubscription }, { queueDeliveries }, { ObjectId }] = await Promise.all([
    import('../dist/features/platform/webhooks/service.js'),
    import('../dist/features/platform/webhooks/queue.js'),
    import('../dist/lib/ids.js'),
  ]);
  return { createSubscription, queueDeliveries, ObjectId };
}

/** Stores `count` events for each path, in a workspace of its own each. */
async function queue(ctx, { createSubscription, queueDeliveries, ObjectId }, port, paths, count) {
  const body = JSON.stringify({ _id: '0'.repeat(24), name: 'Rahul Sharma', description: 'x'.repeat(600) });
  for (const path of paths) {
    const workspaceId = new ObjectId();
    const input = { name: 'bench', url: `http://127.0.0.1:${port}${path}`, events: ['lead.created'] };
    const { subscription } = await createSubscription(ctx, workspaceId, input, undefined);
    for (let done = 0; done < count; done += 500) {
      const outgoing = Array.from({ length: Math.min(500, count - done) }, () => ({
        workspaceId,
        subscriptionId: subscription._id,
        eventId: new ObjectId(),
        event: 'lead.created',
        at: ctx.clock.now(),
        body,
      }));
      await queueDeliveries(ctx, outgoing);
    }
  }
  return count;
}

async function delivered(receiver, paths, count) {
  for (;;) {
    receiver.postMessage('counts');
    const [counts] = await once(receiver, 'message');
    if (paths.every((path) => (counts.get(path) ?? 0) >= count)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
