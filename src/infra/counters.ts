import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { fulfilled, gather } from '../lib/gather.ts';
import type { Logger } from './logger.ts';

/** One fixed window to count in. */
export interface Window {
  key: string;
  windowSeconds: number;
}

export interface Counted {
  count: number;
  /** Until the window ends, rounded up. */
  resetSeconds: number;
}

/**
 * Counts in fixed windows across processes: any number of windows in one Redis round trip. While Redis is away each
 * process counts for itself, so limits still hold per process and nobody is locked out.
 */
export interface Counters {
  hit<const W extends readonly Window[]>(windows: W): Promise<{ [K in keyof W]: Counted }>;
  /** Undoes one hit. */
  takeBack(windows: readonly Window[]): Promise<void>;
}

/**
 * KEYS: one counter per window. ARGV: by, then the window's length in seconds for each key. A counter expires with its
 * window, which is part of its key; the expiry is set with the first hit.
 */
const hitScript = `
local counts = {}
for i, key in ipairs(KEYS) do
  local count = redis.call('INCRBY', key, ARGV[1])
  if count == tonumber(ARGV[1]) then redis.call('EXPIRE', key, ARGV[i + 1]) end
  counts[i] = count
end
return counts`;

interface Hit {
  keys: string[];
  windows: readonly Window[];
}

/** How many hits of one moment go to Redis together. */
const gatheredMax = 1_000;

/** How long Redis is left alone after it failed to answer. */
const pauseMs = 1_000;

type HitCommand = (keyCount: number, ...keysAndArguments: (string | number)[]) => Promise<number[]>;

/** @param now milliseconds; the shared clock, so that processes agree on where a window begins */
export function createCounters(redis: Redis, prefix: string, now: () => number, log: Logger): Counters {
  redis.defineCommand('hitWindows', { lua: hitScript });
  const hitWindows = (redis as unknown as { hitWindows: HitCommand }).hitWindows.bind(redis);
  const local = new LRUCache<string, number>({ max: 100_000, ttl: 3_600_000 });
  let pausedUntil = 0;
  let isDegraded = false;

  const countLocally = (keys: string[], by: number) =>
    keys.map((key) => {
      const count = (local.get(key) ?? 0) + by;
      local.set(key, count);
      return count;
    });

  const count = async (keys: string[], windows: readonly Window[], by: number): Promise<number[]> => {
    if (redis.status !== 'ready' || Date.now() < pausedUntil) return degrade(keys, by);
    try {
      const counts = await hitWindows(
        keys.length,
        ...keys,
        by,
        ...windows.map((window) => window.windowSeconds),
      );
      if (isDegraded) log.info('rate limits are shared between processes again');
      isDegraded = false;
      return counts;
    } catch {
      pausedUntil = Date.now() + pauseMs;
      return degrade(keys, by);
    }
  };

  const degrade = (keys: string[], by: number) => {
    if (!isDegraded) log.warn('rate limits are counted per process: redis does not answer');
    isDegraded = true;
    return countLocally(keys, by);
  };

  /** Requests that arrive together are counted together, and each takes its own number out of the range. */
  const countGathered = gather(gatheredMax, async (hits: Hit[]) => {
    const groups = new Map<string, Hit[]>();
    for (const hit of hits) {
      const id = hit.keys.join();
      const group = groups.get(id);
      if (group) group.push(hit);
      else groups.set(id, [hit]);
    }
    const numbers = new Map<Hit, number[]>();
    const countGroup = async (group: Hit[], { keys, windows }: Hit) => {
      const totals = await count(keys, windows, group.length);
      for (const [index, hit] of group.entries()) {
        const after = group.length - 1 - index;
        numbers.set(
          hit,
          totals.map((total) => total - after),
        );
      }
    };
    await Promise.all([...groups.values()].map((group) => countGroup(group, group[0] as Hit)));
    return hits.map((hit) => fulfilled(numbers.get(hit) ?? []));
  });

  const place = (windows: readonly Window[]) => {
    const seconds = now() / 1_000;
    return windows.map(({ key, windowSeconds }) => {
      const index = Math.floor(seconds / windowSeconds);
      const resetSeconds = Math.ceil((index + 1) * windowSeconds - seconds);
      // The braces keep the windows of one key on one node of a Redis Cluster.
      return { key: `${prefix}:count:{${key}}:${windowSeconds}:${index}`, resetSeconds };
    });
  };

  return {
    async hit<const W extends readonly Window[]>(windows: W) {
      const places = place(windows);
      const counts = await countGathered({ keys: places.map(({ key }) => key), windows });
      return places.map(({ resetSeconds }, index) => ({ count: counts[index] ?? 0, resetSeconds })) as {
        [K in keyof W]: Counted;
      };
    },
    async takeBack(windows) {
      await count(
        place(windows).map(({ key }) => key),
        windows,
        -1,
      );
    },
  };
}
