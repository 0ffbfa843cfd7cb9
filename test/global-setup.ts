/** One MongoDB engine and one Redis for the whole run; each test file takes a database and a key prefix of its own. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../src/infra/embedded/index.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    mongoUrl: string;
    redisUrl: string;
  }
}

const log = { info: () => {}, warn: console.warn, error: console.error };

export default async function setup(project: TestProject) {
  if (!existsSync('dist/infra/embedded/engine-child.js'))
    throw new Error('Not built: run npm test, or npm run build.');
  const { MONGODB_URL, REDIS_URL } = process.env;
  const dataDir = await mkdtemp(join(tmpdir(), 'crm-test-'));
  const embedded = await startEmbedded({ dataDir, log, mongo: !MONGODB_URL, redis: !REDIS_URL });
  project.provide('mongoUrl', MONGODB_URL || (embedded.mongoUrl ?? ''));
  project.provide('redisUrl', REDIS_URL || (embedded.redisUrl ?? ''));
  return async () => {
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
