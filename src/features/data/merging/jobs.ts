import type { Context } from '../../../context.ts';
import { duplicateKeyFields } from '../../../infra/mongo-errors.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Change } from '../../../records/change.ts';
import type { Field } from '../../../records/entity/field.ts';
import { holdersOf } from '../../../records/references.ts';
import { updateRecord } from '../../../records/update.ts';
import type { JobKind, Slice } from '../jobs/kind.ts';
import type { Job } from '../jobs/model.ts';
import { throughRecords } from '../jobs/records.ts';
import { authorOf } from '../jobs/service.ts';
import { type Mergeable, type MergedRecord, mergeables } from './mergeable.ts';
import { followMerges, graceMs, mergeJobOf } from './service.ts';

interface Round {
  /** The second time for what was being written when the record went. */
  isSecond: boolean;
  through?: object | undefined;
}

/** Longer than a write takes that had still found the record live. */
const settlingMs = 2_000;

/** What follows from a merge: the record that is left gets what it lacks, and all that points at the other points at it. */
async function slice(ctx: Context, mergeable: Mergeable, job: Job): Promise<Slice> {
  const { workspaceId, subject } = job;
  const other = await mergeable.entity.collection(ctx.db).findById(workspaceId, subject.id);
  if (!other?.mergeJobId?.equals(job._id)) return notMerged(ctx, job);
  const kept = await followMerges(ctx, mergeable, other);
  const round = job.cursor as Round | undefined;
  if (!round) await fill(ctx, mergeable, job, kept, other);
  const { isSecond, through } = round ?? { isSecond: false };
  const from = { type: mergeable.entity.name, id: other._id };
  const sources = holdersOf(ctx).flatMap((holder) => {
    const facet = holder.facet(from);
    return facet === undefined ? [] : [{ ...holder, holder, facet }];
  });
  const { cursor, total, ...counts } = await throughRecords(
    ctx,
    { ...job, cursor: through as object },
    sources,
    // The loser itself refers to where it went.
    async (record, { holder }) => {
      if (!record._id.equals(kept._id)) await holder.repoint(ctx, authorOf(job), record, from, kept._id);
    },
  );
  if (cursor) return { ...counts, ...(isSecond ? {} : { total }), cursor: { isSecond, through: cursor } };
  if (isSecond) return counts;
  const resumeAt = new Date(ctx.clock.now().getTime() + settlingMs);
  return { ...counts, total, cursor: { isSecond: true }, resumeAt };
}

/** The request died before the moment of truth, or hasn't come to it. @throws AppError conflict once it can't any more */
function notMerged(ctx: Context, { createdAt }: Job): Slice {
  const lastMoment = new Date(createdAt.getTime() + graceMs);
  if (ctx.clock.now() < lastMoment) return { cursor: {}, resumeAt: lastMoment };
  throw new AppError('conflict', { message: 'It came to no merge' });
}

/** Gives a record what it lacks and the other has; of values that no two may share only those that nobody has by now. */
async function fill(
  ctx: Context,
  { entity, apart = [], along = [] }: Mergeable,
  job: Job,
  kept: MergedRecord,
  other: MergedRecord,
): Promise<void> {
  const fields = Object.entries(entity.fields).filter(([name, field]) =>
    goesOver(name, field, { apart, along }),
  );
  const unique = new Set(entity.uniqueFields.map(({ field }) => field));
  const isShared = ([name, { derived }]: [string, Field]) =>
    unique.has(name) || unique.has(derived?.from ?? '');
  for (const some of [fields, fields.filter((entry) => !isShared(entry))]) {
    try {
      await updateRecord(ctx, entity, authorOf(job), kept._id, (current) =>
        filling(entity.map, some, current, other),
      );
      return;
    } catch (error) {
      const isRefused = duplicateKeyFields(error) || (error instanceof AppError && error.status < 500);
      if (!isRefused) throw error;
      ctx.log.info({ err: error, recordId: kept._id.toHexString() }, 'a merged record keeps what it has');
    }
  }
}

const goesOver = (
  name: string,
  { stored, derived, options }: Field,
  { apart, along }: { apart: readonly string[]; along: readonly string[] },
): boolean => {
  if (!stored || apart.includes(name)) return false;
  return along.includes(name) || derived !== undefined || !(options.managed || options.hidden);
};

function filling(
  map: string,
  fields: [string, Field][],
  current: MergedRecord,
  other: MergedRecord,
): Change | undefined {
  const [kept, given] = [current, other] as unknown as Record<string, unknown>[];
  if (!kept || !given) return undefined;
  const set: Record<string, unknown> = {};
  for (const [name, { discovers, derived }] of fields) {
    const [mine, theirs] = [kept[name], given[name]];
    if (theirs === undefined) continue;
    if (discovers === 'tags') set[name] = joined(mine as string[] | undefined, theirs as string[]);
    else if (name === map) set[name] = { ...(theirs as object), ...(mine as object | undefined) };
    // What follows from another field comes with it.
    else if (derived ? kept[derived.from] === undefined : mine === undefined) set[name] = theirs;
  }
  return { set };
}

function joined(mine: string[] = [], theirs: string[]): string[] {
  const known = new Set(mine.map((tag) => tag.toLowerCase()));
  return [...mine, ...theirs.filter((tag) => !known.has(tag.toLowerCase()))];
}

export const mergeJobs: readonly JobKind[] = mergeables.map((mergeable) => ({
  name: mergeJobOf(mergeable),
  slice: (ctx, job) => slice(ctx, mergeable, job),
}));
