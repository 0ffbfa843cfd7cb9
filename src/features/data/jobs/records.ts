import type { Context } from '../../../context.ts';
import type { Position } from '../../../lib/cursor.ts';
import { AppError } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Entity, RecordDocument } from '../../../records/record.ts';
import { walkOf } from '../../../records/walk.ts';
import type { Slice } from './kind.ts';
import type { Job } from './model.ts';

/** Records of one entity that a facet finds: `tags=vip`. */
export interface Source<T extends RecordDocument = RecordDocument> {
  /** Tells it from the job's other sources, from version to version. */
  name: string;
  entity: Entity<T>;
  facet: string;
}

/**
 * Where a job through records is: the records that its next slice deals with, and the place behind them. They are chosen
 * with the outcome of the slice before, in one write, so each is counted once, however often a slice is repeated.
 */
interface Through {
  source: string;
  isArchived: boolean;
  after?: Position | undefined;
  ids: ObjectId[];
}

const batchSize = 200;
/** Beyond this a job says only how much is done. */
const countedMax = 1_000_000;

/**
 * One slice of a job that deals with all records of its sources, archived ones included, the oldest first. What begins
 * to belong to a source meanwhile is met as well when it is younger than what was met; otherwise by a further job.
 * @param each deals with one record; an AppError below 500 counts it as failed, and the others go on
 */
export async function throughRecords<S extends Source>(
  ctx: Context,
  { workspaceId, ...job }: Pick<Job, 'workspaceId' | 'cursor' | '_id' | 'kind'>,
  sources: readonly S[],
  each: (record: RecordDocument, source: S) => Promise<unknown>,
): Promise<Slice & { cursor?: Through | undefined }> {
  const cursor = job.cursor as Through | undefined;
  if (!cursor) {
    const [next, total] = await Promise.all([
      nextBatch(ctx, workspaceId, sources, undefined),
      countAll(ctx, workspaceId, sources),
    ]);
    return { cursor: next, total };
  }
  const source = sources.find(({ name }) => name === cursor.source);
  const outcomes = source ? await dealWith(ctx, workspaceId, source, cursor.ids, each) : [];
  for (const { id, reason } of outcomes) {
    const what = { err: reason, jobId: job._id.toHexString(), kind: job.kind, recordId: id.toHexString() };
    ctx.log.warn(what, 'a job leaves a record out');
  }
  const next = await nextBatch(ctx, workspaceId, sources, cursor);
  return { cursor: next, done: cursor.ids.length - outcomes.length, failed: outcomes.length };
}

/** @returns the records that could not be dealt with */
async function dealWith<S extends Source>(
  ctx: Context,
  workspaceId: ObjectId,
  source: S,
  ids: ObjectId[],
  each: (record: RecordDocument, source: S) => Promise<unknown>,
): Promise<{ id: ObjectId; reason: unknown }[]> {
  const collection = source.entity.collection(ctx.db);
  const records = await collection.findPage(
    workspaceId,
    { _id: { $in: ids } },
    { limit: ids.length, hint: '_id_' },
  );
  // Together, so that their writes go to the database as few commands.
  const outcomes = await Promise.allSettled(records.map((record) => each(record, source)));
  return outcomes.flatMap((outcome, index) => {
    if (outcome.status === 'fulfilled') return [];
    const { reason } = outcome;
    const record = records[index];
    if (!record || !(reason instanceof AppError) || reason.status >= 500) throw reason;
    return [{ id: record._id, reason }];
  });
}

async function nextBatch(
  ctx: Context,
  workspaceId: ObjectId,
  sources: readonly Source[],
  from: Through | undefined,
): Promise<Through | undefined> {
  const stretches = sources.flatMap((source) => [false, true].map((isArchived) => ({ source, isArchived })));
  const isHere = ({ source, isArchived }: (typeof stretches)[number]) =>
    source.name === from?.source && isArchived === from.isArchived;
  const here = from ? stretches.findIndex(isHere) : 0;
  for (const [index, { source, isArchived }] of stretches.entries()) {
    if (index < here) continue;
    const after = index === here ? from?.after : undefined;
    const found = await walk(ctx, workspaceId, source, isArchived).positions({ from: after }, batchSize);
    if (found.length === 0) continue;
    return { source: source.name, isArchived, after: found.at(-1), ids: found.map(({ id }) => id) };
  }
  return undefined;
}

async function countAll(
  ctx: Context,
  workspaceId: ObjectId,
  sources: readonly Source[],
): Promise<number | undefined> {
  let total = 0;
  for (const source of sources) {
    for (const isArchived of [false, true]) {
      total += await walk(ctx, workspaceId, source, isArchived).count({ from: undefined }, countedMax);
    }
  }
  return total < countedMax ? total : undefined;
}

const walk = (ctx: Context, workspaceId: ObjectId, { entity, facet }: Source, isArchived: boolean) =>
  walkOf(entity.collection(ctx.db), workspaceId, {
    filter: { archived: isArchived, facets: facet },
    others: [],
    field: 'createdAt',
    direction: 1,
    hint: 'filtered_list',
  });
