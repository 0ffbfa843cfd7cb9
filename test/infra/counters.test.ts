import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { createCounters } from '../../src/infra/counters.ts';
import { createLogger } from '../../src/infra/logger.ts';
import { connectRedis } from '../../src/infra/redis.ts';

const log = createLogger('silent');
const connections: Redis[] = [];
afterEach(() => {
  for (const redis of connections.splice(0)) redis.disconnect();
});

async function connect(url = inject('redisUrl')) {
  const redis = connectRedis(url, 'request', log);
  connections.push(redis);
  if (url === inject('redisUrl')) await new Promise((resolve) => redis.once('ready', resolve));
  return redis;
}

const minute = 60_000;
const start = 1_700_000_040_000; // A minute and an hour begin neither here nor within the next 20 seconds.

async function build(prefix: string = randomUUID(), url?: string) {
  const time = { now: start };
  const redis = await connect(url);
  return { prefix, time, redis, counters: createCounters(redis, prefix, () => time.now, log) };
}

const window = { key: 'k', windowSeconds: 60 };

describe.each([
  ['with Redis', undefined],
  ['without Redis', '/nonexistent/redis.sock'],
])('counters %s', (_, url) => {
  it('count each window by itself', async () => {
    const { counters } = await build(undefined, url);
    const windows = [window, { key: 'k', windowSeconds: 3_600 }, { key: 'k', windowSeconds: 60 }] as const;
    const [[first], [second, hour]] = [await counters.hit([window]), await counters.hit(windows)];
    expect(first.count).toBe(1);
    expect(second.count).toBeGreaterThan(1);
    expect(hour.count).toBe(1);
  });

  it('begin anew with the next window', async () => {
    const { counters, time } = await build(undefined, url);
    const [{ resetSeconds }] = await counters.hit([window]);
    expect(resetSeconds).toBe(60 - ((start / 1_000) % 60));
    time.now += resetSeconds * 1_000 - 1;
    expect(await counters.hit([window])).toEqual([{ count: 2, resetSeconds: 1 }]);
    time.now += 1;
    expect(await counters.hit([window])).toEqual([{ count: 1, resetSeconds: 60 }]);
    time.now += minute;
    expect((await counters.hit([window]))[0].count).toBe(1);
  });

  it('take hits back', async () => {
    const { counters } = await build(undefined, url);
    await counters.hit([window]);
    await counters.hit([window]);
    await counters.takeBack([window]);
    expect((await counters.hit([window]))[0].count).toBe(2);
  });
});

describe('counters in Redis', () => {
  it('are one for all processes with a prefix, and lose no parallel hit', async () => {
    const [one, two] = [await build('shared'), await build('shared')];
    const other = await build();
    const key = { key: randomUUID(), windowSeconds: 60 };
    const hits = await Promise.all(
      Array.from({ length: 100 }, (_, index) => (index % 2 ? one : two).counters.hit([key])),
    );
    expect(hits.map(([{ count }]) => count).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    expect((await other.counters.hit([key]))[0].count).toBe(1);
  });

  it('vanish with their window', async () => {
    const { counters, redis, prefix } = await build();
    await counters.hit([window, { key: 'k', windowSeconds: 3_600 }]);
    const keys = await redis.keys(`${prefix}:*`);
    const lifetimes = await Promise.all(keys.map((key) => redis.ttl(key)));
    expect(lifetimes.sort((a, b) => a - b)).toEqual([60, 3_600]);
  });
});

it('counters go on alone when Redis stops answering', async () => {
  const { counters, redis } = await build();
  await counters.hit([window]);
  redis.disconnect();
  expect((await counters.hit([window]))[0].count).toBe(1);
  expect((await counters.hit([window]))[0].count).toBe(2);
});
