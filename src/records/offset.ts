import type { mongo } from 'mongoose';
import type { TenantCollection, TenantDocument } from '../infra/tenant-collection.ts';
import type { ObjectId } from '../lib/ids.ts';

/** One page by limit and offset, for contracts that page so. */
export interface OffsetPage<T> {
  records: T[];
  /**
   * Exact up to `countedMax`. Beyond that it is what is known to exist, at least one more than this page shows when
   * there is more, so that a client that reads until `offset` reaches `total` reads everything.
   */
  total: number;
  hasMore: boolean;
}

/** Counting is a walk along the index; this bounds the walk, whatever the size of the workspace. */
export const countedMax = 10_000;

/** Skipping is such a walk too. */
export const offsetMax = 100_000;

export async function pageByOffset<T extends TenantDocument>(
  collection: TenantCollection<T>,
  workspaceId: ObjectId,
  query: { filter: mongo.Filter<T>; sort: mongo.Sort; hint: string; limit: number; offset: number },
): Promise<OffsetPage<T>> {
  const { filter, sort, hint, limit, offset } = query;
  const [found, counted] = await Promise.all([
    // One more than the page shows whether there is another page.
    collection.find(workspaceId, filter, { sort, hint, skip: offset, limit: limit + 1 }).toArray(),
    collection.count(workspaceId, filter, { hint, limit: countedMax }),
  ]);
  const records = found.slice(0, limit);
  const hasMore = found.length > limit;
  const known = offset + found.length;
  return { records, total: found.length > 0 ? Math.max(counted, known) : counted, hasMore };
}
