import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { type Embedded, startEmbedded } from '../../src/infra/embedded/index.ts';
import { type ConfigOverrides, startServer, type TestServer } from './app.ts';

export interface ServerWithoutRedis {
  server: TestServer;
  /** Where its Redis is when it is there. */
  redisUrl: string;
  /** What it has logged, as objects. */
  logged: Record<string, unknown>[];
  startRedis(): Promise<void>;
  stopRedis(): Promise<void>;
  close(): Promise<void>;
}

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** A server with a Redis of its own, which is not there until the test starts it. */
export async function startWithoutRedis(overrides: ConfigOverrides = {}): Promise<ServerWithoutRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), 'crm-redis-'));
  let redis: Embedded | undefined;
  const startRedis = async () => {
    redis = await startEmbedded({ dataDir, log: quiet, mongo: false, redis: true });
    return redis.redisUrl ?? '';
  };
  const stopRedis = async () => {
    await redis?.stop();
    redis = undefined;
  };
  // Its address stays the same for one data directory.
  const redisUrl = await startRedis();
  await stopRedis();
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(JSON.parse(line)) });
  const server = await startServer(overrides, { redisUrl, log });
  return {
    server,
    redisUrl,
    logged,
    startRedis: async () => void (await startRedis()),
    stopRedis,
    async close() {
      await server.close();
      await stopRedis();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
