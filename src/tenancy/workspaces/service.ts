import mongoose from 'mongoose';
import type { Context } from '../../context.ts';
import { withoutUndefined } from '../../lib/clean.ts';
import { AppError, invalid, notFound } from '../../lib/errors.ts';
import { ObjectId } from '../../lib/ids.ts';
import { type CustomField, type Module, type StoredWorkspace, type Workspace, workspaces } from './model.ts';
import { choosing } from './modules.ts';

const cacheKey = (workspaceId: ObjectId): string => `workspace:${workspaceId.toHexString()}`;

/** The workspace, from this process's memory when it was read in the last seconds. */
export function findWorkspace(ctx: Context, workspaceId: ObjectId): Promise<Workspace | undefined> {
  return ctx.cache.get(cacheKey(workspaceId), async () => {
    const [workspace, tags] = await Promise.all([
      workspaces(ctx.db).findOne({ _id: workspaceId }),
      tagKeeperOf(ctx)?.names(ctx, workspaceId),
    ]);
    if (workspace?.tags?.length) return adoptTags(ctx, workspace, workspace.tags);
    return workspace ? { ...workspace, tags: tags ?? [] } : undefined;
  });
}

const tagKeeperOf = ({ features }: Context) => features.find(({ tagKeeper }) => tagKeeper)?.tagKeeper;

/** Earlier versions kept the names of tags in the workspace: they become tags like the others. */
async function adoptTags(ctx: Context, workspace: StoredWorkspace, names: string[]): Promise<Workspace> {
  const { _id } = workspace;
  await tagKeeperOf(ctx)?.learn(ctx, _id, names);
  await workspaces(ctx.db).updateOne({ _id, tags: names }, { $unset: { tags: '' } });
  return { ...workspace, tags: (await tagKeeperOf(ctx)?.names(ctx, _id)) ?? [] };
}

/** Makes a change known to every process. */
export const forgetWorkspace = (ctx: Context, workspaceId: ObjectId): Promise<void> =>
  ctx.cache.invalidate(cacheKey(workspaceId));

/** @throws AppError not_found */
export async function getWorkspace(ctx: Context, workspaceId: ObjectId): Promise<Workspace> {
  const workspace = await findWorkspace(ctx, workspaceId);
  if (!workspace) throw notFound('Workspace');
  return workspace;
}

/** A new workspace with the lists that the document's examples show. */
export async function createWorkspace(ctx: Context, name: string): Promise<Workspace> {
  const now = ctx.clock.now();
  const workspace: StoredWorkspace = {
    _id: new ObjectId(),
    name,
    timezone: 'Asia/Kolkata',
    currency: 'INR',
    defaultCountry: ctx.config.defaultCountry,
    leadStatuses: ['new', 'contacted', 'interested', 'lost', 'won'],
    otherLeadStatuses: [],
    leadStages: [
      { stageKey: 'new', displayName: 'New', color: '#3b82f6', position: 1 },
      { stageKey: 'qualified', displayName: 'Qualified', color: '#8b5cf6', position: 2 },
      { stageKey: 'proposal', displayName: 'Proposal', color: '#f59e0b', position: 3 },
      { stageKey: 'negotiation', displayName: 'Negotiation', color: '#f97316', position: 4 },
      { stageKey: 'closed', displayName: 'Closed', color: '#10b981', position: 5 },
    ],
    sources: ['website', 'referral', 'manual'],
    propertyTypes: ['Apartment', 'Villa', 'Plot'],
    isOauthEnforced: false,
    customFields: [],
    createdAt: now,
    updatedAt: now,
  };
  await workspaces(ctx.db).insertOne(workspace);
  return { ...workspace, tags: [] };
}

export type WorkspaceSettings = Pick<
  Workspace,
  | 'name'
  | 'timezone'
  | 'currency'
  | 'defaultCountry'
  | 'leadStatuses'
  | 'leadStages'
  | 'sources'
  | 'tags'
  | 'propertyTypes'
  | 'isOauthEnforced'
> & { modules: Module[] };

/** Changes the given settings; takes effect on every process at once. @throws AppError not_found */
export async function updateWorkspace(
  ctx: Context,
  workspaceId: ObjectId,
  { modules, tags, ...settings }: Partial<WorkspaceSettings>,
): Promise<Workspace> {
  if (tags) await tagKeeperOf(ctx)?.replace(ctx, workspaceId, tags);
  const { $set, ...others } = modules ? choosing(ctx, modules) : { $set: {} };
  const updated = await workspaces(ctx.db).findOneAndUpdate(
    { _id: workspaceId },
    { $set: { ...settings, ...$set, updatedAt: ctx.clock.now() }, ...others },
    { returnDocument: 'after' },
  );
  if (!updated) throw notFound('Workspace');
  await forgetWorkspace(ctx, workspaceId);
  return getWorkspace(ctx, workspaceId);
}

/** More would make every request that reads the workspace heavier. */
const customFieldsMax = 200;
/** All definitions together, as stored. */
export const customFieldsBytesMax = 64 * 1_024;

const sizeOf = (field: object): number =>
  mongoose.mongo.BSON.calculateObjectSize(field, { ignoreUndefined: true });

/** Whether there is room for so many bytes more. */
const hasRoomFor = (bytes: number) => ({
  $expr: { $lte: [{ $bsonSize: { fields: '$customFields' } }, customFieldsBytesMax - bytes] },
});

const noRoom = () =>
  new AppError('conflict', {
    message: `The definitions of all custom fields together have more than ${customFieldsBytesMax / 1_024} KB; shorten the options of some`,
  });

/** @throws AppError conflict when the entity has a field of that key, or the workspace no room for another */
export async function createCustomField(
  ctx: Context,
  workspaceId: ObjectId,
  field: CustomField,
): Promise<CustomField> {
  const { entity, fieldKey } = field;
  const created = await workspaces(ctx.db).findOneAndUpdate(
    {
      _id: workspaceId,
      customFields: { $not: { $elemMatch: { entity, fieldKey } } },
      [`customFields.${customFieldsMax - 1}`]: { $exists: false },
      ...hasRoomFor(sizeOf(field)),
    },
    { $push: { customFields: field }, $set: { updatedAt: ctx.clock.now() } },
    { returnDocument: 'after' },
  );
  if (!created) {
    // As it is now: what the cache remembers may lack the field of a request in parallel.
    const { customFields = [] } = (await workspaces(ctx.db).findOne({ _id: workspaceId })) ?? {};
    const isKnown = customFields.some((known) => known.entity === entity && known.fieldKey === fieldKey);
    if (!isKnown && customFields.length < customFieldsMax) throw noRoom();
    const message = `The ${entity} has a field "${fieldKey}" already, or the workspace has ${customFieldsMax} fields`;
    throw new AppError('conflict', { message });
  }
  await forgetWorkspace(ctx, workspaceId);
  return field;
}

/** What can change about a field. Its type can be named, but not changed: records have values of it. */
export type CustomFieldChanges = {
  [K in 'displayName' | 'type' | 'required' | 'options']?: CustomField[K] | undefined;
};

/** Changes what the field shows and demands; entity and key identify it. @throws AppError not_found, invalid */
export async function updateCustomField(
  ctx: Context,
  workspaceId: ObjectId,
  key: Pick<CustomField, 'entity' | 'fieldKey'>,
  changes: CustomFieldChanges,
): Promise<CustomField> {
  const { customFields } = await getWorkspace(ctx, workspaceId);
  const known = customFields.find(
    ({ entity, fieldKey }) => entity === key.entity && fieldKey === key.fieldKey,
  );
  if (known && changes.type && changes.type !== known.type) throw invalid('type', 'Cannot change');
  const growth = known ? sizeOf({ ...known, ...withoutUndefined(changes) }) - sizeOf(known) : 0;
  const set = Object.fromEntries(
    Object.entries(changes)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [`customFields.$.${name}`, value]),
  );
  const updated = await workspaces(ctx.db).findOneAndUpdate(
    {
      _id: workspaceId,
      customFields: { $elemMatch: { entity: key.entity, fieldKey: key.fieldKey } },
      ...(growth > 0 ? hasRoomFor(growth) : {}),
    },
    { $set: { ...set, updatedAt: ctx.clock.now() } },
    { returnDocument: 'after' },
  );
  const field = updated?.customFields.find(
    ({ entity, fieldKey }) => entity === key.entity && fieldKey === key.fieldKey,
  );
  if (!field) throw known ? noRoom() : notFound('Field');
  await forgetWorkspace(ctx, workspaceId);
  return field;
}

/** Bounds the lists that grow with what clients send, in values and in characters. */
const discoveredMax = 1_000;
const discoveredCharactersMax = 64_000;

const hasRoom = (known: string[]): boolean =>
  known.length < discoveredMax &&
  known.reduce((sum, value) => sum + value.length, 0) < discoveredCharactersMax;

/**
 * Adds tags, sources and statuses that records begin to use to the workspace's lists, so that the metadata routes and
 * adapters know them.
 */
export async function discoverMetadata(
  ctx: Context,
  workspace: Workspace,
  used: { tags?: string[] | undefined; source?: string | undefined; status?: string | undefined },
): Promise<void> {
  const unseen = (known: string[], values: string[] = []) => {
    const found = values.filter((value) => !known.includes(value));
    return found.length > 0 && hasRoom(known) ? found : [];
  };
  const tags = unseen(workspace.tags, used.tags);
  if (tags.length > 0) await tagKeeperOf(ctx)?.learn(ctx, workspace._id, tags);
  const sources = unseen(workspace.sources, used.source ? [used.source] : []);
  const statuses = unseen(
    [...workspace.leadStatuses, ...workspace.otherLeadStatuses],
    used.status ? [used.status] : [],
  );
  if (sources.length + statuses.length === 0) return;
  await workspaces(ctx.db).updateOne(
    { _id: workspace._id },
    {
      $addToSet: {
        sources: { $each: sources },
        otherLeadStatuses: { $each: statuses },
      },
    },
  );
  await forgetWorkspace(ctx, workspace._id);
}
