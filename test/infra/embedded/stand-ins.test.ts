import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { mongo } from 'mongoose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Embedded, startEmbedded } from '../../../src/infra/embedded/index.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function makeDataDir(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'crm-embedded-'));
  cleanUps.push(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
}

async function start(dataDir: string, parts: { mongo?: boolean; redis?: boolean } = {}) {
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const embedded = await startEmbedded({ dataDir, log, mongo: true, redis: true, ...parts });
  cleanUps.push(() => embedded.stop());
  return { embedded, log };
}

function openNotes(embedded: Embedded) {
  const client = new mongo.MongoClient(embedded.mongoUrl ?? '');
  cleanUps.push(() => client.close());
  return client.db('test').collection<{ _id: number }>('notes');
}

function openRedis(embedded: Embedded) {
  const redis = new Redis(embedded.redisUrl ?? '');
  redis.on('error', () => {});
  cleanUps.push(() => redis.disconnect());
  return redis;
}

/** Runs the built stand-ins in a process of their own, as the server does, and returns once they are up. */
async function startElsewhere(dataDir: string): Promise<{ parent: ChildProcess; pids: number[] }> {
  const entry = pathToFileURL('dist/infra/embedded/index.js').href;
  const script = `
    import { startEmbedded } from '${entry}';
    const log = { info() {}, warn() {}, error() {} };
    const embedded = await startEmbedded({ dataDir: '${dataDir}', log, mongo: true, redis: true });
    console.log(JSON.stringify(embedded));
    console.log(JSON.stringify(Object.values(embedded.pids())));`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanUps.push(() => parent.kill('SIGKILL'));
  let output = '';
  parent.stdout.on('data', (chunk) => {
    output += chunk;
  });
  return vi.waitFor(
    () => {
      const pids = JSON.parse(output.split('\n')[1] ?? '') as number[];
      return { parent, pids };
    },
    { timeout: 10_000 },
  );
}

function isAlive(pid: number | undefined): boolean {
  try {
    process.kill(pid ?? 0, 0);
    return true;
  } catch {
    return false;
  }
}

/** Retries while the driver reports the outage, as the server's callers do. */
const eventually = <T>(ask: () => Promise<T>) => vi.waitFor(ask, { timeout: 8_000, interval: 50 });

describe('the embedded MongoDB', () => {
  it('comes back after a kill, at the same address, with everything it acknowledged', async () => {
    const { embedded, log } = await start(await makeDataDir(), { redis: false });
    const notes = openNotes(embedded);
    const killedPid = embedded.pids().mongo ?? 0;
    for (let i = 0; i < 50; i++) await notes.insertOne({ _id: i });
    process.kill(killedPid, 'SIGKILL');

    expect(await eventually(() => notes.countDocuments())).toBe(50);
    await notes.insertOne({ _id: 50 });
    expect(embedded.pids().mongo).not.toBe(killedPid);
    expect(log.warn).toHaveBeenCalledTimes(1);
  });
});

describe('the private Redis', () => {
  it('comes back after a kill with everything it acknowledged', async () => {
    const { embedded, log } = await start(await makeDataDir(), { mongo: false });
    const redis = openRedis(embedded);
    await redis.set('key', 'value');
    process.kill(embedded.pids().redis ?? 0, 'SIGKILL');

    expect(await eventually(() => redis.get('key'))).toBe('value');
    expect(log.warn).toHaveBeenCalledTimes(1);
  });

  it.runIf(process.platform === 'linux')('gets a new guard when its guard is killed', async () => {
    const { embedded } = await start(await makeDataDir(), { mongo: false });
    const unguardedPid = embedded.pids().redis ?? 0;
    const children = readFileSync(`/proc/${unguardedPid}/task/${unguardedPid}/children`, 'utf8');
    process.kill(Number(children.trim()), 'SIGKILL');

    await vi.waitFor(() => expect(isAlive(unguardedPid)).toBe(false), { timeout: 5_000 });
    expect(await eventually(() => openRedis(embedded).ping())).toBe('PONG');
  });

  it('refuses writes rather than dropping jobs, and keeps an append-only file', async () => {
    const { embedded } = await start(await makeDataDir(), { mongo: false });
    const redis = openRedis(embedded);
    expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    expect(await redis.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
  });
});

describe('the data directory', () => {
  it('serves one process, and says which', async () => {
    const dataDir = await makeDataDir();
    const { embedded } = await start(dataDir, { redis: false });
    const pid = embedded.pids().mongo;
    await expect(start(dataDir)).rejects.toThrow(
      new RegExp(
        `^DATA_DIR ${dataDir} is in use by process ${process.pid} since 20[\\dT:.-]+Z: stop that one`,
      ),
    );
    expect(embedded.pids().mongo).toBe(pid);
    expect(await openNotes(embedded).countDocuments()).toBe(0);
  });

  it('is free at once when its server was killed, which leaves no process behind', async () => {
    const dataDir = await makeDataDir();
    const { parent, pids } = await startElsewhere(dataDir);
    expect(pids.map(isAlive)).toEqual([true, true]);
    parent.kill('SIGKILL');

    const { embedded } = await start(dataDir);
    expect(await openRedis(embedded).ping()).toBe('PONG');
    expect(await openNotes(embedded).countDocuments()).toBe(0);
    await vi.waitFor(() => expect(pids.map(isAlive)).toEqual([false, false]), { timeout: 3_000 });
  });

  it('keeps its records over a clean stop, which leaves neither processes nor sockets', async () => {
    const dataDir = await makeDataDir();
    const first = (await start(dataDir)).embedded;
    await openNotes(first).insertOne({ _id: 1 });
    await openRedis(first).set('key', 'value');
    const pids = Object.values(first.pids());
    await first.stop();
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(existsSync(dirname(first.redisUrl ?? ''))).toBe(false);

    const { embedded } = await start(dataDir);
    expect(await openNotes(embedded).countDocuments()).toBe(1);
    expect(await openRedis(embedded).get('key')).toBe('value');
  });
});

it('starts nothing and locks nothing when nothing is asked for', async () => {
  const dataDir = await makeDataDir();
  await start(dataDir);
  const { embedded } = await start(dataDir, { mongo: false, redis: false });
  expect(embedded.pids()).toEqual({});
});
