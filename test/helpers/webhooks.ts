import type { Context } from '../../src/context.ts';
import { eventTypes } from '../../src/records/entity/names.ts';
import type { EventType } from '../../src/records/record.ts';
import type { Tenant } from './app.ts';

export interface Hook {
  _id: string;
  secret: string;
  /** Path of the subscription below the workspace. */
  path: string;
}

/** Subscribes to events, by default to all. */
export async function buildHook(
  { api }: Pick<Tenant, 'api'>,
  url: string,
  events: readonly EventType[] = eventTypes(),
): Promise<Hook> {
  const answer = await api.post('/webhooks').send({ name: 'Test webhook', url, events });
  if (answer.status !== 201) throw new Error(`POST /webhooks answered ${answer.status}: ${answer.text}`);
  const { _id, secret } = answer.body.data;
  return { _id, secret, path: `/webhooks/${_id}` };
}

export interface LogRow {
  _id: string;
  deliveryId: string;
  webhookId: string;
  event: string;
  payload: Record<string, unknown>;
  outcome: 'success' | 'failure';
  statusCode?: number;
  responseBody?: string;
  error?: string;
  timestamp: string;
}

/** The newest rows of the deliveries log, newest first, once there are `count`. */
export async function readLog({ api }: Pick<Tenant, 'api'>, hook: Hook, count: number): Promise<LogRow[]> {
  return until(async () => {
    const answer = await api.get(`${hook.path}/deliveries?limit=100`);
    const rows = answer.body.data as LogRow[];
    return rows.length >= count ? rows : undefined;
  });
}

const pollEveryMs = 20;
const patienceMs = 30_000;

/** Asks again and again until there is an answer. */
export async function until<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  const endsAt = Date.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > endsAt) throw new Error('It did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, pollEveryMs));
  }
}

/** Redis forgets what this server stored in it, as after a crash without its file. Other test files share the Redis. */
export async function wipeRedis({ redis, redisPrefix }: Context): Promise<number> {
  let wiped = 0;
  for (const pattern of [`${redisPrefix}:*`, `{${redisPrefix}:*`]) {
    const keys = await redis.keys(pattern);
    if (keys.length > 0) wiped += await redis.del(...keys);
  }
  return wiped;
}
