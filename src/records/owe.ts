import type { Context } from '../context.ts';
import { ObjectId } from '../lib/ids.ts';
import { changesBetween } from './field-changes.ts';
import type { HistoryNote } from './history.ts';
import type { Entity, EventType, Owed, RecordDocument } from './record.ts';

/**
 * What a change owes: the events of these types, as far as anybody wants them, and its row in the history.
 * @param record as the change leaves it
 */
export async function owedBy(
  ctx: Context,
  types: EventType[],
  { workspaceId, updatedAt: at }: RecordDocument,
  history: HistoryNote | undefined,
): Promise<Owed[]> {
  const owed: Owed[] = [];
  for (const type of types) {
    if (await ctx.relay.isWanted(workspaceId, type)) owed.push({ id: new ObjectId(), type, at });
  }
  if (!history) return owed;
  const [first = { id: new ObjectId(), at }, ...others] = owed;
  return [{ ...first, history }, ...others];
}

/** What earlier changes still owe, with what the record shows of them no more after the next one. */
export function beforeNextChange<T extends RecordDocument>(
  entity: Entity<T>,
  current: T,
  waiting: Owed[],
): Owed[] {
  return waiting.map(({ history, ...owed }) => ({
    ...owed,
    ...(owed.type ? { record: owed.record ?? snapshotOf(current) } : {}),
    ...(history
      ? { history: { changes: changesBetween(undefined, entity.present(current)), ...history } }
      : {}),
  }));
}

/** What the store keeps in a record for itself. */
export const storeFields = [
  'owed',
  'owedSince',
  'facets',
  'sortKeys',
  'tally',
  'idempotency',
  'storedAt',
] as const;

/** The record without what the store keeps for itself. */
export function snapshotOf(record: RecordDocument): Record<string, unknown> {
  const {
    owed: _,
    owedSince: _since,
    facets: _facets,
    sortKeys: _keys,
    tally: _tally,
    idempotency: _mark,
    storedAt: _at,
    ...snapshot
  } = record;
  return snapshot;
}

/** The history row that the last change of a record owes, as the change answered it. */
export function lastRowOf({
  owed = [],
  updatedAt,
}: RecordDocument): (Owed & { history: HistoryNote }) | undefined {
  const last = owed.findLast(({ at, history }) => history && at.getTime() === updatedAt.getTime());
  return last?.history && { ...last, history: last.history };
}
