import type { Context } from '../context.ts';
import { ObjectId } from '../lib/ids.ts';
import type { EventType, OwedEvent, RecordDocument } from './record.ts';

/** The events of these types that a change owes, as far as anybody wants them. @param record as the change leaves it */
export async function oweEvents(
  ctx: Context,
  types: EventType[],
  record: RecordDocument,
): Promise<OwedEvent[]> {
  const events: OwedEvent[] = [];
  for (const type of types) {
    if (!(await ctx.relay.isWanted(record.workspaceId, type))) continue;
    events.push({ id: new ObjectId(), type, at: record.updatedAt });
  }
  return events;
}

/** What the store keeps in a record for itself. */
export const storeFields = ['owed', 'owedSince', 'facets', 'idempotency', 'storedAt'] as const;

/** The record without what the store keeps for itself. */
export function snapshotOf(record: RecordDocument): Record<string, unknown> {
  const {
    owed: _,
    owedSince: _since,
    facets: _facets,
    idempotency: _mark,
    storedAt: _at,
    ...snapshot
  } = record;
  return snapshot;
}
