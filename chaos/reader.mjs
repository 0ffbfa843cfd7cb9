import { setTimeout as sleep } from 'node:timers/promises';
import { call, NoAnswer } from './http.mjs';

const timeoutMs = 15_000;
const pauseMs = 200;
/** Once all is quiet, a reader has what there is within this time. */
const finishMs = 20_000;

/**
 * Follows /sync as an integrator does that keeps a copy: page by page to the end, and on from the last time that it has
 * seen. It never goes back, so what it passes once it never sees.
 * @param limit how many records it asks for at a time
 */
export function startReader({ origin, tenant }, { collection, limit }) {
  /** Id → the version that was seen last. */
  const seen = new Map();
  const path = `/api/v1/workspaces/${tenant.workspaceId}/${collection}/sync?limit=${limit}`;
  const headers = { 'X-API-Key': tenant.apiKey };
  let since = '';
  let cursor = '';
  let isStopping = false;

  const readPage = async () => {
    const from = cursor ? `&cursor=${cursor}` : since && `&updated_since=${since}`;
    const answer = await call(origin, { method: 'GET', path: path + from, headers, timeoutMs });
    if (answer.status !== 200) return false;
    const { data, nextCursor } = answer.body;
    for (const { _id, updatedAt } of data) seen.set(_id, updatedAt);
    since = data.at(-1)?.updatedAt ?? since;
    cursor = nextCursor ?? '';
    return cursor !== '';
  };
  const follow = async () => {
    while (!isStopping) {
      const isMore = await readPage().catch((error) => {
        if (error instanceof NoAnswer) return false;
        throw error;
      });
      if (!isMore) await sleep(pauseMs);
    }
  };
  const following = follow();

  return {
    collection,
    seen,
    /** Reads on until it has the final versions, or gives up. @param {Map<string, string>} finals id → updatedAt */
    async finish(finals) {
      const deadline = Date.now() + finishMs;
      const hasAll = () => [...finals].every(([id, updatedAt]) => seen.get(id) === updatedAt);
      while (!hasAll() && Date.now() < deadline) await sleep(pauseMs);
      isStopping = true;
      await following;
    },
  };
}
