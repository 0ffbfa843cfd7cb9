import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from './logger.ts';

/**
 * How a connection behaves when Redis is away:
 * `request` fails at once, so that a request is served without it;
 * `patient` waits and reconnects for ever (subscribers, queue workers).
 */
export type RedisPatience = 'request' | 'patient';

/** Longer than any sane round trip, shorter than a person notices. */
const commandTimeoutMs = 250;

/** Connects in the background; never throws because Redis is away. */
export function connectRedis(url: string, patience: RedisPatience, log: Logger): Redis {
  const redis = new Redis({ ...connectionOptions(url), ...patienceOptions[patience] });
  // One connection speaks for all: the log says once that Redis is away, and once that it is back.
  const isSpeaking = patience === 'request';
  let isAway = false;
  redis.on('error', (error: Error) => {
    if (!isAway && isSpeaking) log.warn({ reason: error.message }, 'redis is unreachable');
    isAway = true;
  });
  redis.on('ready', () => {
    if (isAway && isSpeaking) log.info('redis is back');
    isAway = false;
  });
  return redis;
}

const retryStrategy = (attempt: number): number => Math.min(50 * 2 ** attempt, 1_000);

export const patienceOptions = {
  request: {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    retryStrategy,
  },
  patient: { maxRetriesPerRequest: null, retryStrategy },
} satisfies Record<RedisPatience, RedisOptions>;

interface RedisAddress {
  path?: string;
  host?: string;
  port?: number;
  username?: string;
  password?: string;
  db?: number;
  tls?: object;
}

/** A redis:// URL, or the path of a unix socket, as ioredis options. */
export function connectionOptions(url: string): RedisAddress {
  if (url.startsWith('/')) return { path: url };
  const { hostname, port, username, password, pathname, protocol } = new URL(url);
  return {
    host: hostname || '127.0.0.1',
    port: Number(port || 6379),
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
    ...(pathname.length > 1 ? { db: Number(pathname.slice(1)) } : {}),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
}
