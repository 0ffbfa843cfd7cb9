import type { Context } from '../../../context.ts';
import type { TagKeeper } from '../../../feature.ts';
import { duplicateKeyFields } from '../../../infra/mongo-errors.ts';
import { AppError, duplicate } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { type Caller, type RecordService, recordService } from '../../../records/api/service.ts';
import type { EntityTypesOf } from '../../../records/entity/entity.ts';
import { insertRecord } from '../../../records/insert.ts';
import { updateRecord } from '../../../records/update.ts';
import { type Author, systemIn } from '../../../tenancy/actor.ts';
import { forgetWorkspace } from '../../../tenancy/workspaces/service.ts';
import { assertRoomForJob } from '../jobs/service.ts';
import { isBorne } from './bearers.ts';
import { startCarrying } from './carry.ts';
import { type Tag, tagEntity, tagKey } from './record.ts';

const plain = recordService(tagEntity, {
  complete: (_ctx, _caller, { name }) => ({ keys: [tagKey(name)] }),
  revise: (_ctx, change, { name }, { actor }) =>
    name === undefined
      ? change
      : (tag) =>
          tag.name === name ? change : { ...change, set: { ...change.set, ...renamed(tag, name, actor) } },
  afterCreate: (ctx, { workspaceId }) => forgetWorkspace(ctx, workspaceId),
});

/** A change of a tag that its records have to follow is answered when it is noted; a job carries it to them. */
export const tagService: RecordService<EntityTypesOf<typeof tagEntity>> = {
  ...plain,
  create: (ctx, caller, draft, idempotency) =>
    namingDuplicates(ctx, caller, draft.name, () => plain.create(ctx, caller, draft, idempotency)),
  async update(ctx, caller, id, body, request) {
    const { name } = body;
    if (name !== undefined) await assertRoomForJob(ctx, caller.workspace._id);
    const write = () => plain.update(ctx, caller, id, body, request);
    const tag = await namingDuplicates(ctx, caller, name, write, id);
    await follow(ctx, tag);
    return tag;
  },
  /** Takes the tag off every record as well. */
  async archive(ctx, { actor, workspace }, id) {
    await assertRoomForJob(ctx, workspace._id);
    const revision = (tag: Tag) => (tag.archived ? undefined : { set: ended(ctx, tag, actor) });
    const tag = await updateRecord(ctx, tagEntity, actor, id, revision, {
      isArchivedToo: true,
      isMark: true,
    });
    await follow(ctx, tag);
    return tag;
  },
};

export const { create: createTag, update: updateTag, archive: archiveTag, get: getTag } = tagService;

/** One that is archived already is left alone. */
const archiving = { isArchivedToo: true, isMark: true, action: 'archived' } as const;

async function follow(ctx: Context, tag: Tag): Promise<void> {
  await forgetWorkspace(ctx, tag.workspaceId);
  await startCarrying(ctx, tag);
}

const renamed = (tag: Tag, name: string, author: Author): Partial<Tag> => {
  const owed = owing(tag, author);
  return { ...owed, keys: [...new Set([tagKey(name), ...owed.carry.names])] };
};

const ended = (ctx: Context, tag: Tag, author: Author) => ({
  ...owing(tag, author),
  archived: true,
  archivedAt: ctx.clock.now(),
});

/** What the records that bear the tag are owed, under a new job. */
const owing = ({ name, carry }: Tag, { kind, id, contract }: Author) => ({
  carry: {
    names: [...new Set([...(carry?.names ?? []), tagKey(name)])],
    author: { kind, id, ...(contract === undefined ? {} : { contract }) },
  },
  jobId: new ObjectId(),
});

/** The tag with this name in any case, or whose it still is while records are being rid of it. */
export const findTagByName = (ctx: Context, workspaceId: ObjectId, name: string): Promise<Tag | null> =>
  tagEntity.collection(ctx.db).findOne(workspaceId, { keys: tagKey(name) }, { hint: 'unique_name' });

/** Says which tag is in the way, where one is. @param own id of the tag that is to have the name */
async function namingDuplicates<T>(
  ctx: Context,
  { workspace }: Caller,
  name: string | undefined,
  write: () => Promise<T>,
  own?: ObjectId,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const isTaken = error instanceof AppError && error.code === 'conflict' && !error.extra;
    const taken = isTaken && name !== undefined ? await findTagByName(ctx, workspace._id, name) : null;
    if (!taken || taken._id.equals(own)) throw error;
    const { _id: tagId, name: current, createdAt } = tagEntity.present(taken);
    if (taken.archived || tagKey(current) !== tagKey(name ?? '')) {
      throw new AppError('conflict', {
        message: 'Records are still being rid of this name; try again in a moment',
        headers: { 'Retry-After': '1' },
      });
    }
    throw duplicate('Duplicate tag found', { tagId, name: current, createdAt });
  }
}

/** More than anybody looks through. */
const listedMax = 10_000;

/** All live tags, as far as anybody looks through them. */
export const listTags = (ctx: Context, workspaceId: ObjectId): Promise<Tag[]> =>
  tagEntity
    .collection(ctx.db)
    .findPage(
      workspaceId,
      { archived: false },
      { hint: 'list', sort: { createdAt: -1, _id: -1 }, limit: listedMax },
    );

/** A workspace with more has no use for them, and each request reads their names. */
const namesMax = 2_000;

const namesOf = async (ctx: Context, workspaceId: ObjectId): Promise<string[]> => {
  const options = {
    sort: { createdAt: 1, _id: 1 },
    hint: 'list',
    limit: namesMax,
    projection: { name: 1 },
  } as const;
  const tags = await tagEntity.collection(ctx.db).find(workspaceId, { archived: false }, options).toArray();
  return tags.map(({ name }) => name);
};

async function learn(ctx: Context, workspaceId: ObjectId, names: readonly string[]): Promise<void> {
  const byKey = new Map<string, string>();
  // Of several spellings the first counts.
  for (const name of names) if (!byKey.has(tagKey(name))) byKey.set(tagKey(name), name);
  const options = { hint: 'unique_name', projection: { keys: 1 } };
  const filter = { keys: { $in: [...byKey.keys()] } };
  const known = await tagEntity.collection(ctx.db).find(workspaceId, filter, options).toArray();
  for (const key of known.flatMap(({ keys = [] }) => keys)) byKey.delete(key);
  if (byKey.size === 0) return;
  for (const [key, name] of byKey) {
    try {
      // One after another: their ids are the order of the list.
      await insertRecord(ctx, tagEntity, systemIn(workspaceId), { name, keys: [key] });
    } catch (error) {
      if (!duplicateKeyFields(error)) throw error;
    }
  }
  await forgetWorkspace(ctx, workspaceId);
}

/** The settings' list. A tag that records bear stays, whatever the list says: to take it off them is to archive it. */
async function replace(ctx: Context, workspaceId: ObjectId, names: readonly string[]): Promise<void> {
  await learn(ctx, workspaceId, names);
  const wanted = new Set(names.map(tagKey));
  const live = await tagEntity
    .collection(ctx.db)
    .find(workspaceId, { archived: false }, { hint: 'list', limit: namesMax })
    .toArray();
  for (const tag of live) {
    if (wanted.has(tagKey(tag.name)) || (await isBorne(ctx, workspaceId, tag.name))) continue;
    const author = systemIn(workspaceId);
    const revision = (current: Tag) => (current.archived ? undefined : { set: ended(ctx, current, author) });
    const gone = await updateRecord(ctx, tagEntity, author, tag._id, revision, archiving);
    await startCarrying(ctx, gone);
  }
  await forgetWorkspace(ctx, workspaceId);
}

export const tagKeeper: TagKeeper = { names: namesOf, learn, replace };
