/** One MongoDB engine and one Redis for the whole run; each test file takes a database and a key prefix of its own. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongo } from 'mongoose';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../src/infra/embedded/index.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    mongoUrl: string;
    redisUrl: string;
  }
}

const log = { info: () => {}, warn: console.warn, error: console.error };

/**
 * Every test file has a database with several hundred files, and the engine, which by default keeps what was used in the
 * last ten minutes open, would run out of handles.
 */
async function closeIdleFilesSoon(url: string): Promise<void> {
  const client = await mongo.MongoClient.connect(url);
  const fileManager = 'file_manager=(close_idle_time=5,close_scan_interval=1,close_handle_minimum=100)';
  await client.db('admin').command({ setParameter: 1, wiredTigerEngineRuntimeConfig: fileManager });
  await client.close();
}

export default async function setup(project: TestProject) {
  if (!existsSync('dist/infra/embedded/engine-child.js'))
    throw new Error('Not built: run npm test, or npm run build.');
  const { MONGODB_URL, REDIS_URL } = process.env;
  const dataDir = await mkdtemp(join(tmpdir(), 'crm-test-'));
  const embedded = await startEmbedded({ dataDir, log, mongo: !MONGODB_URL, redis: !REDIS_URL });
  if (embedded.mongoUrl) await closeIdleFilesSoon(embedded.mongoUrl);
  project.provide('mongoUrl', MONGODB_URL || (embedded.mongoUrl ?? ''));
  project.provide('redisUrl', REDIS_URL || (embedded.redisUrl ?? ''));
  return async () => {
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
