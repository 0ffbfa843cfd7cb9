import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { declaredBy } from './access/declared.ts';
import type { KeyKind } from './access/key-kind.ts';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import type { Feature } from './feature.ts';
import { startClock } from './infra/clock.ts';
import { createCounters } from './infra/counters.ts';
import type { Logger } from './infra/logger.ts';
import { createMetrics } from './infra/metrics.ts';
import { connectMongo } from './infra/mongo.ts';
import { createQueues } from './infra/queues.ts';
import { connectRedis } from './infra/redis.ts';
import { createSharedCache } from './infra/shared-cache.ts';
import { createSecretBox, randomToken } from './lib/crypto.ts';
import { createFairShare } from './lib/fair-share.ts';
import { createDoubts } from './records/doubts.ts';
import { createRecentRecords } from './records/recent.ts';
import { createRelay } from './records/relay.ts';

export interface ContextOptions {
  features: readonly Feature[];
  /** The API keys that there are, by the names of their kinds. */
  keyKinds: ReadonlyMap<string, KeyKind>;
  config: Config;
  log: Logger;
  mongoUrl: string;
  redisUrl: string;
  /** Overrides the database that the URL names. */
  databaseName?: string;
  /** Overrides what the database server says of itself: whether collections may be divided among several. */
  isDivided?: boolean;
  /** First part of every Redis key; servers that share a Redis but not a database need different ones. */
  redisPrefix?: string;
}

/** A second's share comes at once, and a client that has to wait for longer than this is told to come again. */
const requestShare = { burstMs: 100, waitMaxMs: 3_000 };

/** Connects everything that services work with. @throws when MongoDB can't be reached; Redis may come later */
export async function createContext(
  options: ContextOptions,
): Promise<{ ctx: Context; close(): Promise<void> }> {
  const { features, keyKinds, config, log, mongoUrl, redisUrl, redisPrefix = 'crm' } = options;
  const { databaseName, isDivided } = options;
  const db = await connectMongo(mongoUrl, { databaseName, isDivided });
  const redis = connectRedis(redisUrl, 'request', log);
  const subscriber = connectRedis(redisUrl, 'patient', log);
  const [, clock, secrets] = await Promise.all([
    db.ensureIndexes(),
    startClock(() => db.serverTime(), log),
    loadSecrets(config),
  ]);
  const queueNames = features.flatMap(({ work = [] }) => work.map(({ name }) => name));
  const queues = createQueues(redis, redisPrefix, queueNames, log);
  const collectionNames = features.flatMap(({ entities = [] }) =>
    entities.map((entity) => entity.collection(db).name),
  );
  const ctx: Context = {
    features,
    ...declaredBy(features, keyKinds.values()),
    config,
    keyKinds,
    log,
    db,
    redis,
    redisPrefix,
    cache: createSharedCache(redis, subscriber, redisPrefix, log),
    counters: createCounters(redis, redisPrefix, () => clock.now().getTime(), log),
    share: createFairShare({ share: config.fairShare, ...requestShare }),
    clock,
    queues,
    relay: createRelay(db, collectionNames, log),
    doubts: createDoubts(db, log),
    recent: createRecentRecords(),
    secretBox: createSecretBox(secrets.encryptionKey),
    jwtSecret: secrets.jwtSecret,
    metrics: createMetrics(features.flatMap((feature) => feature.measures ?? [])),
  };
  for (const { listeners = [] } of features) {
    for (const listener of listeners) ctx.relay.addListener(listener(ctx));
  }
  return {
    ctx,
    async close() {
      await ctx.relay.close();
      ctx.doubts.close();
      clock.stop();
      await ctx.cache.close();
      await queues.close();
      redis.disconnect();
      subscriber.disconnect();
      await db.close();
    },
  };
}

interface Secrets {
  jwtSecret: string;
  encryptionKey: string;
}

/** The configured secrets; what is not configured is made once and kept under DATA_DIR, for its owner's eyes only. */
async function loadSecrets(config: Config): Promise<Secrets> {
  if (config.jwtSecret && config.encryptionKey) {
    return { jwtSecret: config.jwtSecret, encryptionKey: config.encryptionKey };
  }
  const path = join(config.dataDir, 'secrets.json');
  await mkdir(config.dataDir, { recursive: true });
  const made: Secrets = { jwtSecret: randomToken(), encryptionKey: randomToken() };
  try {
    // Fails when another process was first; then its secrets are ours too.
    await writeFile(path, JSON.stringify(made), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const kept = JSON.parse(await readFile(path, 'utf8')) as Secrets;
  return {
    jwtSecret: config.jwtSecret ?? kept.jwtSecret,
    encryptionKey: config.encryptionKey ?? kept.encryptionKey,
  };
}
