import type { Context } from '../../../context.ts';
import { decodeCursor, encodeCursor, type Position } from '../../../lib/cursor.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Caller } from '../../../records/api/service.ts';
import type { HistoryRow } from '../../../records/history.ts';
import type { Page } from '../../../records/page.ts';
import { listHistoryOf, presentHistoryRow } from '../../data/history/service.ts';
import { listMessagesOf, presentMessage } from '../../messaging/messages/service.ts';
import { activityEntity } from '../activities/record.ts';
import { listActivitiesAbout } from '../activities/service.ts';
import type { TimelineItem } from './schema.ts';

export interface Subject {
  /** The kind of record: "lead". */
  type: string;
  id: ObjectId;
}

interface Entry {
  position: Position<Date>;
  item: TimelineItem;
}

type Source = (page: { limit: number; cursor?: string | undefined }) => Promise<Entry[]>;

/**
 * What happened around a record, newest first: what people wrote down, messages, and its own history. Each source has
 * its entries in order of time, so that a page of all is among the first of each, and one position is where all go on.
 */
export async function listTimeline(
  ctx: Context,
  caller: Caller,
  subject: Subject,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ items: TimelineItem[]; nextCursor: string | null }> {
  if (cursor) decodeCursor(cursor);
  const sources = sourcesOf(ctx, caller, subject);
  // One more than the page shows whether there is another.
  const found = await Promise.all(sources.map((source) => source({ limit: limit + 1, cursor })));
  const entries = found.flat().sort((one, other) => newestFirst(one.position, other.position));
  const shown = entries.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ item }) => item),
    nextCursor: last && entries.length > limit ? encodeCursor(last.position) : null,
  };
}

/** As the lists of each source have it. */
const newestFirst = (one: Position<Date>, other: Position<Date>): number =>
  Number(other.value) - Number(one.value) || (one.id.toHexString() < other.id.toHexString() ? 1 : -1);

/** Where a caller may look. */
function sourcesOf(ctx: Context, { actor, workspace }: Caller, { type, id }: Subject): Source[] {
  const workspaceId = workspace._id;
  const entriesOf = <T extends { _id: ObjectId }>(
    { records }: Page<T>,
    timeOf: (record: T) => Date,
    show: (record: T) => Omit<TimelineItem, 'at'>,
  ): Entry[] =>
    records.map((record) => {
      const time = timeOf(record);
      return { position: { value: time, id: record._id }, item: { ...show(record), at: time.toISOString() } };
    });
  const history: Source = async (page) =>
    entriesOf(await listHistoryOf(ctx, workspaceId, id, page), ({ at }) => at, showChange);
  const activities: Source = async (page) =>
    entriesOf(
      await listActivitiesAbout(ctx, workspaceId, { type, id }, page),
      ({ occurredAt }) => occurredAt,
      (activity) => ({ kind: 'activity', activity: activityEntity.present(activity) }),
    );
  const messages: Source = async (page) =>
    entriesOf(
      await listMessagesOf(ctx, workspaceId, { type, id }, page),
      ({ createdAt }) => createdAt,
      (message) => ({ kind: 'message', message: presentMessage(message) }),
    );
  return [
    history,
    // A lead's activities are open to whoever reads leads, as its own routes have it.
    ...(type === 'lead' || actor.scopes.has('activity.read') ? [activities] : []),
    ...(actor.scopes.has('message.read') ? [messages] : []),
  ];
}

const showChange = (row: HistoryRow): Omit<TimelineItem, 'at'> => ({
  kind:
    row.action !== 'created' && row.changes.some(([field]) => field === 'stageId')
      ? 'stage_change'
      : 'change',
  change: presentHistoryRow(row),
});
