/**
 * Stand-ins for MongoDB and Redis, for trying, developing and testing without installing servers. They run as child
 * processes that come back when they die, vanish when the server does, and keep everything under the data directory.
 */
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { lockDataDir } from './data-dir-lock.ts';
import { startEngine } from './engine.ts';
import { startRedis } from './redis.ts';
import { makeRunDir } from './run-dir.ts';
import type { Log } from './types.ts';

export interface Embedded {
  mongoUrl?: string;
  /** The absolute path of a unix socket, which ioredis takes in place of a URL. */
  redisUrl?: string;
  /** The present process ids; they change when a child was restarted. */
  pids(): { mongo?: number; redis?: number };
  stop(): Promise<void>;
}

/**
 * Starts what is asked for over `dataDir`, which is created when missing and locked until `stop`. The addresses stay
 * valid for as long as this process lives, restarts of the children included. Rejects with one message to show.
 */
export async function startEmbedded(options: {
  dataDir: string;
  log: Log;
  mongo: boolean;
  redis: boolean;
}): Promise<Embedded> {
  if (!options.mongo && !options.redis) return { pids: () => ({}), stop: async () => {} };

  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = realpathSync(options.dataDir);
  const runDir = makeRunDir(dataDir);
  const lock = await lockDataDir(dataDir, runDir);
  const context = { dataDir, runDir, log: options.log };

  const [mongo, redis] = await Promise.allSettled([
    options.mongo ? startEngine(context) : undefined,
    options.redis ? startRedis(context) : undefined,
  ]);
  const children = [mongo, redis].flatMap((start) => (start.status === 'fulfilled' && start.value) || []);
  async function stop() {
    await Promise.all(children.map((child) => child.stop()));
    rmSync(runDir, { recursive: true, force: true });
    await lock.release();
  }

  const failed = [mongo, redis].find((start) => start.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const started = (start: typeof mongo) => (start.status === 'fulfilled' ? start.value : undefined);
  return {
    mongoUrl: started(mongo)?.url,
    redisUrl: started(redis)?.url,
    pids: () => ({ mongo: started(mongo)?.pid(), redis: started(redis)?.pid() }),
    stop,
  };
}
