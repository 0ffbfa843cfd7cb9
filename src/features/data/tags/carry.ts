import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Change } from '../../../records/change.ts';
import { facet } from '../../../records/facets.ts';
import type { Entity, RecordDocument } from '../../../records/record.ts';
import type { EventListener } from '../../../records/relay.ts';
import { updateRecord } from '../../../records/update.ts';
import { forgetWorkspace } from '../../../tenancy/workspaces/service.ts';
import type { JobKind, Slice } from '../jobs/kind.ts';
import type { Job } from '../jobs/model.ts';
import { type Source, throughRecords } from '../jobs/records.ts';
import { authorOf, startJob } from '../jobs/service.ts';
import { bearersOf } from './bearers.ts';
import { type Tag, tagEntity, tagKey } from './record.ts';

/**
 * Carries a change of a tag's name, or its end, to the records that bear it. The change itself notes which names are
 * owed (`carry`) and the job's id, in one write; the job is stored afterwards, by the request or, where that died, by
 * whoever passes on the tag's event. While the job runs the old names stay the tag's, so nobody makes another tag of
 * them. Then they are let go, and once every write that was under way has come to its end the records are gone through
 * once more, unless a new tag has the name by then.
 */

const kindOf = ({ archived }: Tag): string => (archived ? 'tag.delete' : 'tag.rename');

/** Stores the job that the tag owes, if it owes one; doing so again changes nothing. */
export async function startCarrying(ctx: Context, tag: Tag): Promise<void> {
  const { workspaceId, _id: id, carry, jobId } = tag;
  if (!carry || !jobId) return;
  const author = { ...carry.author, workspaceId };
  await startJob(ctx, author, {
    id: jobId,
    kind: kindOf(tag),
    subject: { type: tagEntity.name, id },
    input: { names: carry.names },
  });
}

/** Hears of every change of a tag: what its request could not begin is begun here. */
export const tagCarrier = (ctx: Context): EventListener => ({
  name: 'tags',
  isListening: async (_workspaceId, type) => type === 'tag.updated' || type === 'tag.deleted',
  async accept(events) {
    for (const { type, workspaceId, record } of events) {
      if (type !== 'tag.updated' && type !== 'tag.deleted') continue;
      const tag = await tagEntity.collection(ctx.db).findById(workspaceId, record._id as ObjectId);
      if (tag) await startCarrying(ctx, tag);
    }
  },
});

interface Round {
  /** The second time the names are no longer the tag's. */
  isSecond: boolean;
  through?: object | undefined;
}

/** Longer than a write takes that had looked at the tags before the names were let go. */
const settlingMs = 2_000;

async function slice(ctx: Context, job: Job): Promise<Slice> {
  const { workspaceId, subject, input } = job;
  const tag = await tagEntity.collection(ctx.db).findById(workspaceId, subject.id);
  if (!tag) return {};
  const { isSecond, through } = (job.cursor as Round | undefined) ?? { isSecond: false };
  // A later change of the tag has a job that carries these names too.
  if (!isSecond && !tag.jobId?.equals(job._id)) return {};
  const owed = input.names as string[];
  const names = isSecond ? await unclaimed(ctx, workspaceId, owed) : owed;
  const { cursor, total, ...counts } = await throughRecords(
    ctx,
    { ...job, cursor: through as object },
    sourcesOf(ctx, names),
    (record, { entity, field }) => retag(ctx, job, entity, record, { field, names, tag }),
  );
  if (cursor) return { ...counts, ...(isSecond ? {} : { total }), cursor: { isSecond, through: cursor } };
  if (isSecond) return counts;
  await letGo(ctx, tag, job);
  const resumeAt = new Date(ctx.clock.now().getTime() + settlingMs);
  return { ...counts, total, cursor: { isSecond: true }, resumeAt };
}

const sourcesOf = (ctx: Context, names: readonly string[]): (Source & { field: string })[] =>
  bearersOf(ctx).flatMap(({ entity, field }) =>
    names.map((name) => ({
      name: `${entity.path} ${field} ${name}`,
      entity,
      field,
      facet: facet(field, name),
    })),
  );

/** Those of the names that no tag has by now. */
async function unclaimed(ctx: Context, workspaceId: ObjectId, names: readonly string[]): Promise<string[]> {
  const tags = tagEntity.collection(ctx.db);
  const found = await tags
    .find(workspaceId, { keys: { $in: [...names] } }, { hint: 'unique_name' })
    .toArray();
  const claimed = new Set(found.flatMap(({ keys }) => keys));
  return names.filter((name) => !claimed.has(name));
}

/** Has the record call the tag by its name of today, or no more. */
function retag(
  ctx: Context,
  job: Job,
  entity: Entity<RecordDocument>,
  record: RecordDocument,
  { field, names, tag }: { field: string; names: readonly string[]; tag: Tag },
): Promise<RecordDocument> {
  const revision = (current: RecordDocument): Change => {
    const borne = ((current as unknown as Record<string, unknown>)[field] ?? []) as string[];
    const kept = borne.flatMap((name) => {
      if (!names.includes(tagKey(name))) return [name];
      return tag.archived ? [] : [tag.name];
    });
    return { set: { [field]: [...new Set(kept)] } };
  };
  const options = { known: record, isArchivedToo: true, isMark: true };
  return updateRecord(ctx, entity, authorOf(job), record._id, revision, options);
}

/** The tag has no other names any more; the end of an archived one is complete. */
async function letGo(ctx: Context, { _id, workspaceId, archived, name }: Tag, job: Job): Promise<void> {
  const update = archived
    ? { $unset: { carry: '', keys: '' } }
    : { $set: { keys: [tagKey(name)] }, $unset: { carry: '' } };
  await tagEntity
    .collection(ctx.db)
    .updateOne(workspaceId, { _id, jobId: job._id }, update as object, { hint: '_id_' });
  await forgetWorkspace(ctx, workspaceId);
}

export const tagJobs: readonly JobKind[] = [
  { name: 'tag.rename', slice },
  { name: 'tag.delete', slice },
];
