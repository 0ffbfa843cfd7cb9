import { setTimeout as delay } from 'node:timers/promises';
import type { Api } from './app.ts';

export interface SyncedRecord {
  _id: string;
  updatedAt: string;
}

/** Settling takes 1.5 s, and a loaded machine its time. */
const patienceMs = 15_000;
const roundEveryMs = 100;

/**
 * Reads /sync as a client does that keeps up: page by page to the end, and later on from the last time it has seen.
 * Never goes back, so what it misses once it misses for good. Ends when `isComplete` says so, or gives up.
 */
export async function followSync<T extends SyncedRecord>(
  api: Api,
  path: string,
  isComplete: (seen: ReadonlyMap<string, T>) => boolean,
): Promise<Map<string, T>> {
  const seen = new Map<string, T>();
  const deadline = Date.now() + patienceMs;
  let since: string | undefined;
  while (Date.now() < deadline) {
    let cursor: string | null | undefined;
    do {
      const query = new URLSearchParams({ limit: '7' });
      if (cursor) query.set('cursor', cursor);
      if (since) query.set('updated_since', since);
      const { body } = await api.get(`${path}/sync?${query}`);
      for (const record of body.data as T[]) seen.set(record._id, record);
      const last = (body.data as T[]).at(-1)?.updatedAt;
      cursor = body.nextCursor;
      // The cursor belongs to this round; the next one starts where it ended.
      if (!cursor && last) since = last;
    } while (cursor);
    if (isComplete(seen)) break;
    await delay(roundEveryMs);
  }
  return seen;
}
