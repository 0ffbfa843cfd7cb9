import type { mongo } from 'mongoose';
import type { TenantCollection, TenantDocument } from '../infra/tenant-collection.ts';
import { decodeCursor, encodeCursor } from '../lib/cursor.ts';
import type { ObjectId } from '../lib/ids.ts';
import { examinedMax, type Listing, walkOf } from './walk.ts';

export interface Page<T> {
  records: T[];
  /** Where the next page begins; null on the last one. */
  nextCursor: string | null;
}

export interface PageRequest extends Listing {
  limit: number;
  cursor?: string | undefined;
  projection?: mongo.Document;
}

/**
 * One page in the order of an index; stable while records are inserted. Where hardly any record meets the further
 * conditions, or the records are large, it has fewer records than asked for, or none, and a cursor to go on with.
 * @throws AppError invalid for a broken cursor
 */
export async function pageByPosition<T extends TenantDocument>(
  collection: TenantCollection<T>,
  workspaceId: ObjectId,
  { limit, cursor, projection, ...listing }: PageRequest,
): Promise<Page<T>> {
  const walk = walkOf(collection, workspaceId, listing);
  const from = cursor ? decodeCursor(cursor, listing.scale ?? 'time', listing.isOptional) : undefined;
  const to = listing.others.length > 0 ? await walk.ahead(from, examinedMax) : undefined;
  // One more than the page shows whether there is another page.
  const { documents, isWhole } = await walk.read({ from, to }, limit + 1, projection);
  const records = documents.slice(0, limit);
  const last = records.at(-1);
  const hasMore = documents.length > limit || !isWhole;
  const next = hasMore && last ? walk.positionOf(last) : to;
  return { records, nextCursor: next ? encodeCursor(next) : null };
}
