import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../dist/config.js';
import { keyKinds } from '../dist/contracts.js';
import { createContext } from '../dist/create-context.js';
import { features } from '../dist/features.js';
import { startEmbedded } from '../dist/infra/embedded/index.js';
import { createLogger } from '../dist/infra/logger.js';
import { connectMongo } from '../dist/infra/mongo.js';
import { startProcess } from './processes.mjs';

/** Both sides and what they share. @typedef {Awaited<ReturnType<typeof startEnvironment>>} Environment */

const log = { info() {}, warn: console.warn, error: console.error };

const abandonedRequestsMs = 1_000;

/** Limits that are never reached; they are counted all the same. */
const settings = {
  NODE_ENV: 'production',
  LOG_LEVEL: 'warn',
  JWT_SECRET: 'a-secret-of-the-benchmark-with-32-characters',
  ENCRYPTION_KEY: 'another-secret-of-the-benchmark-of-32-chars',
  RATE_LIMIT_PER_MINUTE: '1000000000',
  RATE_LIMIT_PER_HOUR: '1000000000',
  WEBHOOK_ALLOW_PRIVATE_NETWORK: 'true',
  DEMO: 'off',
};

/**
 * Starts engine, Redis, API, worker, baseline and a receiver for events.
 * @param {{ profileFolder?: string | undefined }} options
 */
export async function startEnvironment({ profileFolder }) {
  const dataDir = await mkdtemp(join(tmpdir(), 'crm-bench-'));
  const embedded = await startEmbedded({ dataDir, log, mongo: true, redis: true });
  const { redisUrl } = embedded;
  const mongoUrl = urlOfDatabase(embedded.mongoUrl, 'bench_server');
  const baselineMongoUrl = urlOfDatabase(embedded.mongoUrl, 'bench_baseline');
  const shared = { ...settings, MONGODB_URL: mongoUrl, REDIS_URL: redisUrl };

  const { ctx, close } = await createContext({
    features,
    keyKinds,
    config: loadConfig(shared),
    log: createLogger('warn'),
    mongoUrl,
    redisUrl,
  });
  // The same collections and indexes as the server's.
  const baselineDatabase = await connectMongo(baselineMongoUrl);
  await baselineDatabase.ensureIndexes();

  const start = (script, args, env) => startProcess(script, args, { ...shared, ...env }, profileFolder);
  const api = await start('dist/main.js', ['api'], {});
  const worker = await start('dist/main.js', ['worker'], { PORT: undefined });
  const baseline = await start('bench/baseline/server.mjs', [], { MONGODB_URL: baselineMongoUrl });
  const receiver = await start('bench/receiver.mjs', [], {});

  let another;
  let attacker;
  const stores = () => ({ engine: embedded.pids().mongo, redis: embedded.pids().redis });
  return {
    ctx,
    /** For processes that are started besides. */
    stores: { mongoUrl: embedded.mongoUrl, redisUrl },
    baselineDatabase,
    receiver,
    /** A second API process over the same stores. */
    async startAnotherApi() {
      another = await start('dist/main.js', ['api'], {});
      return another;
    },
    /** A hostile client with servers of its own. */
    async startAttacker() {
      attacker = await start('bench/attacker.mjs', [], {});
      return attacker;
    },
    server: {
      name: 'server',
      origin: api.origin,
      pids: () => ({ api: api.pid, worker: worker.pid, ...stores() }),
    },
    baseline: {
      name: 'baseline',
      origin: baseline.origin,
      pids: () => ({ baseline: baseline.pid, ...stores() }),
    },
    async stop() {
      // The load generator hangs up on its last requests; they end all the same.
      await sleep(abandonedRequestsMs);
      await Promise.all(
        [api, another, attacker, worker, baseline, receiver].map((process) => process?.stop()),
      );
      await close();
      await baselineDatabase.close();
      await embedded.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const urlOfDatabase = (url, name) => url.replace('/?', `/${name}?`);
