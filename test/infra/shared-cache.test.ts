import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { createLogger } from '../../src/infra/logger.ts';
import { connectRedis } from '../../src/infra/redis.ts';
import { createSharedCache, type SharedCache } from '../../src/infra/shared-cache.ts';

const log = createLogger('silent');
const opened: { redis: Redis[]; cache: SharedCache }[] = [];
afterEach(async () => {
  for (const { redis, cache } of opened.splice(0)) {
    await cache.close();
    for (const one of redis) one.disconnect();
  }
});

/** One process's cache. */
async function build(prefix: string, url = inject('redisUrl'), bytesMax?: number) {
  const redis = connectRedis(url, 'request', log);
  const subscriber = connectRedis(url, 'patient', log);
  const cache = createSharedCache(redis, subscriber, prefix, log, bytesMax);
  opened.push({ redis: [redis, subscriber], cache });
  return { cache, redis, subscriber };
}

/** Waits until the cache keeps things, which it does while it hears of invalidations. */
const whenListening = (cache: SharedCache) =>
  vi.waitFor(async () => {
    const load = vi.fn(async () => 1);
    const key = randomUUID();
    await cache.get(key, load);
    await cache.get(key, load);
    expect(load).toHaveBeenCalledTimes(1);
  });

describe('the shared cache', () => {
  it('loads once and forgets everywhere', async () => {
    const prefix = randomUUID();
    const [one, two] = [await build(prefix), await build(prefix)];
    await Promise.all([whenListening(one.cache), whenListening(two.cache)]);
    let value = 'old';
    const load = vi.fn(async () => value);
    for (const { cache } of [one, two, one, two]) expect(await cache.get('key', load)).toBe('old');
    expect(load).toHaveBeenCalledTimes(2);

    value = 'new';
    expect(await two.cache.get('key', load)).toBe('old');
    await one.cache.invalidate('key');
    expect(await one.cache.get('key', load)).toBe('new');
    await vi.waitFor(async () => expect(await two.cache.get('key', load)).toBe('new'));
  });

  it('makes one load of parallel ones', async () => {
    const { cache } = await build(randomUUID());
    const load = vi.fn(async () => 'value');
    const values = await Promise.all(Array.from({ length: 10 }, () => cache.get('key', load)));
    expect(new Set(values)).toEqual(new Set(['value']));
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('keeps no absence and no failure', async () => {
    const { cache } = await build(randomUUID());
    await whenListening(cache);
    expect(await cache.get('key', async () => undefined)).toBeUndefined();
    await expect(cache.get('key', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await cache.get('key', async () => 'value')).toBe('value');
  });

  it('does not keep what was loaded before an invalidation', async () => {
    const { cache } = await build(randomUUID());
    await whenListening(cache);
    let finish: (value: string) => void = () => {};
    const early = cache.get('key', () => new Promise<string>((resolve) => (finish = resolve)));
    await cache.invalidate('key');
    expect(await cache.get('key', async () => 'new')).toBe('new');
    finish('old');
    expect(await early).toBe('old');
    expect(await cache.get('key', async () => 'newer')).toBe('new');
  });

  it('keeps nothing while Redis is away', async () => {
    const { cache } = await build(randomUUID(), '/nonexistent/redis.sock');
    const load = vi.fn(async () => 'value');
    for (let read = 0; read < 3; read++) expect(await cache.get('key', load)).toBe('value');
    expect(load).toHaveBeenCalledTimes(3);
    await cache.invalidate('key');
  });

  it('forgets everything when it was deaf for a while', async () => {
    const { cache, subscriber } = await build(randomUUID());
    await whenListening(cache);
    let value = 'old';
    const read = () => cache.get('key', async () => value);
    expect(await read()).toBe('old');
    value = 'new';
    expect(await read()).toBe('old');
    subscriber.disconnect(true);
    await vi.waitFor(async () => expect(await read()).toBe('new'));
    await whenListening(cache);
  });

  it('sends again what could not be sent', async () => {
    const prefix = randomUUID();
    const [one, two] = [await build(prefix), await build(prefix)];
    await Promise.all([whenListening(one.cache), whenListening(two.cache)]);
    let value = 'old';
    const elsewhere = () => two.cache.get('key', async () => value);
    expect(await elsewhere()).toBe('old');
    const gone = once(one.redis, 'end');
    one.redis.disconnect();
    await gone;
    value = 'new';
    await one.cache.invalidate('key');
    expect(await elsewhere()).toBe('old');
    await one.redis.connect();
    await vi.waitFor(async () => expect(await elsewhere()).toBe('new'));
  });

  it('keeps no more than so many bytes, and nothing that is larger by itself', async () => {
    const { cache } = await build(randomUUID(), inject('redisUrl'), 10_000);
    await whenListening(cache);
    const loads = vi.fn(async (length: number) => ({ text: 'x'.repeat(length) }));
    const get = (key: string, length: number) => cache.get(key, () => loads(length));
    await get('one', 4_000);
    await get('two', 4_000);
    await get('one', 4_000);
    expect(loads).toHaveBeenCalledTimes(2);
    await get('three', 4_000);
    await get('two', 4_000);
    expect(loads).toHaveBeenCalledTimes(4);
    await get('huge', 20_000);
    expect((await get('huge', 20_000))?.text).toHaveLength(20_000);
    expect(loads).toHaveBeenCalledTimes(6);
  });

  it('tells listeners of every invalidation', async () => {
    const prefix = randomUUID();
    const [one, two] = [await build(prefix), await build(prefix)];
    await whenListening(two.cache);
    const heard: string[] = [];
    const stop = two.cache.onInvalidate((key) => heard.push(key));
    await one.cache.invalidate('a');
    await vi.waitFor(() => expect(heard).toContain('a'));
    stop();
    await two.cache.invalidate('b');
    expect(heard).not.toContain('b');
  });
});
