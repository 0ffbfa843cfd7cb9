import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { withinTime } from '../lib/time-limit.ts';
import type { Logger } from './logger.ts';

/**
 * What a request needs again and again (credential, workspace, subscriptions), kept in this process for seconds.
 * Whoever changes such a thing invalidates its key, and every process forgets it within the round trip of a Redis
 * message. An entry is trusted only while this process hears those messages: with Redis away every read goes to the
 * database, so a revoked credential stays revoked.
 */
export interface SharedCache {
  /** The cached value, or what `load` returns. Parallel loads of one key are one; `undefined` is not kept. */
  get<T>(key: string, load: () => Promise<T | undefined>): Promise<T | undefined>;
  /** Forgets the key here now, and in every process. */
  invalidate(key: string): Promise<void>;
  /** Hears of every invalidation, including one's own. */
  onInvalidate(listener: (key: string) => void): () => void;
  close(): Promise<void>;
}

const entriesMax = 20_000;
/** Of what the values would be as JSON: a workspace with long lists weighs more than a thousand keys. */
const cachedBytesMax = 64 * 1_024 * 1_024;
/** Bounds the damage of a message that never came. */
const ttlMs = 10_000;
/** How soon a message that could not be sent is sent again. */
const resendMs = 100;
/** A Redis that hangs keeps its connections; only an answer shows that messages get through. */
const checkEveryMs = 1_000;
const checkMs = 1_000;

export function createSharedCache(
  redis: Redis,
  subscriber: Redis,
  prefix: string,
  log: Logger,
  bytesMax = cachedBytesMax,
): SharedCache {
  const channel = `${prefix}:invalidate`;
  const entries = new LRUCache<string, { value: unknown }>({
    max: entriesMax,
    ttl: ttlMs,
    maxSize: bytesMax,
    sizeCalculation: (entry) => JSON.stringify(entry).length,
  });
  const loading = new Map<string, Promise<unknown>>();
  const listeners = new Set<(key: string) => void>();
  // After its lifetime no process holds what the message would have made it forget.
  const unsent = new LRUCache<string, true>({ max: entriesMax, ttl: ttlMs });
  let isListening = false;
  let resending: NodeJS.Timeout | undefined;

  const forget = (key: string) => {
    entries.delete(key);
    // A load that began before the change may return the old state: it is not to be kept.
    loading.delete(key);
    for (const listener of listeners) listener(key);
  };

  const send = async (key: string) => {
    try {
      await redis.publish(channel, key);
      unsent.delete(key);
    } catch {
      unsent.set(key, true);
      resending ??= setTimeout(resend, resendMs).unref();
    }
  };
  const resend = () => {
    resending = undefined;
    for (const key of [...unsent.keys()]) void send(key);
  };

  const listen = async () => {
    try {
      await subscriber.subscribe(channel);
      // Messages may have passed while nobody listened.
      entries.clear();
      loading.clear();
      isListening = true;
    } catch (error) {
      log.debug({ err: error }, 'could not subscribe to cache invalidations');
    }
  };
  subscriber.on('ready', () => void listen());
  subscriber.on('close', () => {
    isListening = false;
  });
  subscriber.on('message', (from: string, key: string) => {
    if (from === channel) forget(key);
  });
  if (subscriber.status === 'ready') void listen();

  const check = async () => {
    if (!isListening) return;
    const answer = subscriber.ping();
    try {
      await withinTime(answer, checkMs);
    } catch {
      isListening = false;
      // Once it answers after all; a connection that ends instead is followed by `ready`.
      await answer.then(listen, () => undefined);
    }
  };
  let isChecking = false;
  const checker = setInterval(() => {
    if (isChecking) return;
    isChecking = true;
    void check().finally(() => {
      isChecking = false;
    });
  }, checkEveryMs).unref();

  return {
    async get<T>(key: string, load: () => Promise<T | undefined>) {
      const entry = isListening ? entries.get(key) : undefined;
      if (entry) return entry.value as T;
      const underWay = loading.get(key);
      if (underWay) return underWay as Promise<T | undefined>;
      const promise = load();
      loading.set(key, promise);
      try {
        const value = await promise;
        if (value !== undefined && isListening && loading.get(key) === promise) entries.set(key, { value });
        return value;
      } finally {
        if (loading.get(key) === promise) loading.delete(key);
      }
    },
    async invalidate(key) {
      forget(key);
      await send(key);
    },
    onInvalidate(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      clearTimeout(resending);
      clearInterval(checker);
      unsent.clear();
      listeners.clear();
      entries.clear();
    },
  };
}
