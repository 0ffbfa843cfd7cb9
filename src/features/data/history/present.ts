import type { HistoryRow } from '../../../records/history.ts';
import type { HistoryRowOut } from './schema.ts';

export const presentHistoryRow = ({
  _id,
  record: { type, id },
  action,
  changes,
  actor,
  contract,
  at,
}: HistoryRow): HistoryRowOut => ({
  _id: _id.toHexString(),
  record: { type, id: id.toHexString() },
  action,
  changes: Object.fromEntries(changes.map(([field, before, after]) => [field, [before, after]])),
  actor: { kind: actor.kind, id: actor.id },
  contract,
  at: at.toISOString(),
});
