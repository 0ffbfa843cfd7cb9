import { setTimeout as sleep } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import type { Context } from '../../context.ts';
import { type Decimal, plus, toDecimal, zero } from '../../lib/decimal.ts';
import { AppError } from '../../lib/errors.ts';
import type { ObjectId } from '../../lib/ids.ts';
import type { RecordDocument } from '../record.ts';
import { listIndexOf, tallyIndex, unpacked } from '../tally.ts';
import type { Aggregate } from './aggregate.ts';

/** A group: how many records count in it, and their sums. */
export interface Row {
  by: string[];
  count: number;
  sums: Record<string, Decimal>;
}

/** How many records one command looks at: a few hundredths of a second. */
const sliceRecords = 10_000;
/** How long nothing is counted after a slice, in terms of what it took: all counts of a process together leave a core to others for a third of the time. */
const pauseShare = 0.5;
/** Groups that an aggregate may have; a workspace with more has made them on purpose. */
const rowsMax = 50_000;

/**
 * Counts the live records of a workspace by the groups that they keep. It goes along the index in slices, so each record
 * is counted once, as it is when its slice is read, however many change meanwhile.
 * @param inTurn lets the slices of different counts take turns
 */
export async function countRows(
  ctx: Context,
  workspaceId: ObjectId,
  aggregate: Aggregate,
  inTurn: <R>(slice: () => Promise<R>) => Promise<R>,
): Promise<Row[]> {
  const rows = new Map<string, Row>();
  for (let from: ObjectId | undefined, isEnd = false; !isEnd; ) {
    const { groups, end } = await inTurn(async () => {
      const startedAt = performance.now();
      const slice = await readSlice(ctx, workspaceId, aggregate, from);
      if (slice.end) await sleep((performance.now() - startedAt) * pauseShare);
      return slice;
    });
    for (const group of groups) add(rows, group, aggregate);
    if (rows.size > rowsMax) throw tooManyGroups();
    isEnd = end === undefined;
    from = end;
  }
  return [...rows.values()];
}

interface Group {
  _id: string | null;
  count: number;
  last: ObjectId;
  [sum: string]: unknown;
}

/** The groups of the next records, and where they end; without an end they are the last ones. */
async function readSlice(
  ctx: Context,
  workspaceId: ObjectId,
  { entity, group, sums, isList }: Aggregate,
  from: ObjectId | undefined,
): Promise<{ groups: Group[]; end: ObjectId | undefined }> {
  const path = `$tally.${group}`;
  const sumOf = (name: string) => ({ $sum: `${isList ? path : '$tally'}.${name}` });
  const filter = {
    archived: false,
    ...(from ? { _id: { $gt: from } } : {}),
    ...(isList ? { [`tally.${group}`]: { $exists: true } } : {}),
  } as mongo.Filter<RecordDocument>;
  const stages = [
    { $sort: { _id: 1 } },
    { $limit: sliceRecords },
    ...(isList ? [{ $unwind: path }] : []),
    {
      $group: {
        _id: isList ? `${path}.by` : path,
        count: { $sum: 1 },
        last: { $max: '$_id' },
        ...Object.fromEntries(sums.map((name) => [name, sumOf(name)])),
      },
    },
  ];
  const groups = await ctx.db
    .tenant<RecordDocument>(entity.collection(ctx.db).name)
    .aggregate<Group>(workspaceId, filter, stages, { hint: isList ? listIndexOf(group) : tallyIndex })
    .toArray();
  const last = groups.map((one) => one.last).reduce<ObjectId | undefined>(later, undefined);
  // A list counts a record several times, so only the next slice tells that there is none.
  const seen = groups.reduce((total, { count }) => total + count, 0);
  return { groups, end: seen < sliceRecords ? undefined : last };
}

const later = (one: ObjectId | undefined, other: ObjectId): ObjectId =>
  one && one.toHexString() > other.toHexString() ? one : other;

function add(rows: Map<string, Row>, group: Group, { sums }: Aggregate): void {
  const { _id: key, count } = group;
  if (key === null) return;
  let row = rows.get(key);
  if (!row) {
    row = { by: unpacked(key), count: 0, sums: Object.fromEntries(sums.map((name) => [name, zero])) };
    rows.set(key, row);
  }
  row.count += count;
  for (const name of sums) row.sums[name] = plus(row.sums[name] ?? zero, toDecimal(String(group[name])));
}

const tooManyGroups = () =>
  new AppError('unavailable', { message: `There are more than ${rowsMax} different groups to count` });
