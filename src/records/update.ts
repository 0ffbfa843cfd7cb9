import type { Context } from '../context.ts';
import { duplicateKeyFields } from '../infra/mongo.ts';
import { AppError, notFound } from '../lib/errors.ts';
import type { IfMatch } from '../lib/etag.ts';
import { ObjectId } from '../lib/ids.ts';
import { facetField, facetsOf, ruleOf } from './facets.ts';
import { mergePatch } from './merge-patch.ts';
import type { Entity, EventType, RecordDocument } from './record.ts';
import { restampIfSlow, risingNow } from './restamp.ts';

/** What a change does, by path: `name`, or `fields.budget` for one custom field. Paths go no deeper. */
export interface Change {
  set: Record<string, unknown>;
  /** JSON Merge Patches of objects. */
  merge?: Record<string, Record<string, unknown>>;
  unset?: string[];
  /** Values as expressions over the record before: the code's own, never a client's. Scalars, where a facet rule applies. */
  computed?: Record<string, Expression>;
}

export interface UpdateOptions {
  ifMatch?: IfMatch | undefined;
  /** An event besides the entity's own `updated`, owed when `when` (an expression over the record before) is true. */
  event?: { type: EventType; when: object };
  /** An expression over the record before; where it is false nothing changes. */
  onlyIf?: object;
  /** Makes the error for a unique rule that the change would break, given the index's fields. */
  onDuplicate?: (fields: string[]) => Promise<Error>;
}

type Expression = unknown;

/**
 * Changes one record in one operation: new values, a higher version, a later updatedAt, the facets, and the events it
 * owes. A change that changes nothing is no change: no version, no event. Archived records are left alone.
 * @throws AppError not_found, conflict (archived), precondition_failed
 */
export async function updateRecord<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  id: ObjectId,
  change: Change,
  options: UpdateOptions = {},
): Promise<T> {
  const differences = differencesOf(change);
  if (differences.length > 0) {
    const changed = await applyChange(ctx, entity, workspaceId, id, differences, change, options);
    if (changed) return changed;
  }
  const current = await entity.collection(ctx.db).findById(workspaceId, id);
  if (!current) throw notFound(entity.label);
  if (!isMatching(current, options.ifMatch)) throw new AppError('precondition_failed');
  if (current.archived) throw new AppError('conflict', { message: `${entity.label} is archived` });
  return current;
}

/** Archives a record; archiving it again changes nothing. @throws AppError not_found */
export async function archiveRecord<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  id: ObjectId,
): Promise<T> {
  const change: Change = { set: { archived: true }, computed: { archivedAt: '$$NOW' } };
  const archived = await applyChange(ctx, entity, workspaceId, id, [], change, {});
  const current = archived ?? (await entity.collection(ctx.db).findById(workspaceId, id));
  if (!current) throw notFound(entity.label);
  return current;
}

async function applyChange<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  id: ObjectId,
  differences: Expression[],
  change: Change,
  options: UpdateOptions,
): Promise<T | undefined> {
  const conditions = [
    ...(differences.length > 0 ? [{ $or: differences }] : []),
    ...(options.onlyIf ? [options.onlyIf] : []),
  ];
  const filter = {
    _id: id,
    archived: false,
    ...(conditions.length > 0 ? { $expr: { $and: conditions } } : {}),
    ...versionFilter(id, options.ifMatch),
  };
  const startedAt = ctx.clock.now();
  const pipeline = await changePipeline(ctx, entity, workspaceId, change, options);
  let changed: T | null;
  try {
    changed = await entity.collection(ctx.db).findOneAndUpdate(workspaceId, filter as never, pipeline);
  } catch (error) {
    const broken = duplicateKeyFields(error);
    if (!broken || !options.onDuplicate) throw error;
    throw await options.onDuplicate(broken);
  }
  if (!changed) return undefined;
  const settled = await restampIfSlow(ctx, entity, changed, startedAt);
  ctx.relay.hand(entity.collection(ctx.db).name, settled);
  return settled;
}

/**
 * Conditions any of which means that the change would change something. Expressions and not the query language, whose
 * `$ne` takes an array that holds a value for the value.
 */
function differencesOf(change: Change): Expression[] {
  return [
    ...Object.entries(change.set).map(([path, value]) => ({ $ne: [`$${path}`, { $literal: value }] })),
    ...Object.entries(change.merge ?? {}).map(([path, patch]) => ({
      $ne: [`$${path}`, mergePatch(`$${path}`, patch)],
    })),
    ...(change.unset ?? []).map((path) => ({ $ne: [{ $type: `$${path}` }, 'missing'] })),
  ];
}

function versionFilter(id: ObjectId, ifMatch: IfMatch | undefined): object {
  if (!ifMatch || ifMatch.any) return {};
  const times = ifMatch.tags.filter((tag) => tag.id === id.toHexString()).map((tag) => tag.updatedAt);
  return { updatedAt: { $in: times } };
}

function isMatching(record: RecordDocument, ifMatch: IfMatch | undefined): boolean {
  if (!ifMatch || ifMatch.any) return true;
  const id = record._id.toHexString();
  return ifMatch.tags.some((tag) => tag.id === id && tag.updatedAt.getTime() === record.updatedAt.getTime());
}

/** Client values enter the pipeline as literals only, so that none is read as an operator or a field path. */
async function changePipeline<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  workspaceId: ObjectId,
  change: Change,
  options: UpdateOptions,
): Promise<object[]> {
  const first: Record<string, Expression> = {
    updatedAt: risingNow,
    version: { $add: ['$version', 1] },
    idempotency: keepOriginal,
  };
  for (const [path, value] of Object.entries(change.set)) first[path] = { $literal: value };
  for (const [path, patch] of Object.entries(change.merge ?? {})) first[path] = mergePatch(`$${path}`, patch);
  Object.assign(first, change.computed);
  const facets = facetsExpression(entity, change);
  if (facets) first.facets = facets;

  const pipeline: object[] = [{ $set: first }];
  if (change.unset?.length) pipeline.push({ $unset: change.unset });

  const { updated } = entity.events;
  if (updated && (await ctx.relay.isWanted(workspaceId, updated))) pipeline.push({ $set: owe(updated) });
  const { event } = options;
  if (event && (await ctx.relay.isWanted(workspaceId, event.type))) {
    first[isEventOwed] = event.when;
    pipeline.push({ $set: owe(event.type, `$${isEventOwed}`) }, { $unset: isEventOwed });
  }
  return pipeline;
}

/** Carries the answer to `event.when` from the stage that sees the old record to the one that sees the new. */
const isEventOwed = '_isEventOwed';

/** The record without what the store keeps for itself. */
const snapshot: Expression = ['owed', 'owedSince', 'facets', 'idempotency', isEventOwed].reduce<Expression>(
  (input, field) => ({ $unsetField: { field, input } }),
  '$$ROOT',
);

/** On the first change of a record that answers an idempotency key, its first state is set aside for retries. */
const keepOriginal: Expression = {
  $cond: [
    {
      $and: [
        { $eq: [{ $type: '$idempotency' }, 'object'] },
        { $eq: [{ $type: '$idempotency.original' }, 'missing'] },
      ],
    },
    { $mergeObjects: ['$idempotency', { original: snapshot }] },
    '$idempotency',
  ],
};

function owe(type: EventType, condition?: string): Record<string, Expression> {
  const event = { id: new ObjectId(), type, at: '$updatedAt', record: snapshot };
  const owed = { $concatArrays: [{ $ifNull: ['$owed', []] }, [event]] };
  const owedSince = { $ifNull: ['$owedSince', '$$NOW'] };
  if (!condition) return { owed, owedSince };
  return {
    owed: { $cond: [condition, owed, '$owed'] },
    owedSince: { $cond: [condition, owedSince, '$owedSince'] },
  };
}

/** Takes out the facets of every changed path and puts in the new ones. */
function facetsExpression<T extends RecordDocument>(
  entity: Entity<T>,
  { set, merge = {}, unset = [], computed = {} }: Change,
): Expression | undefined {
  const hasRule = (path: string) => ruleOf(entity.facets, path) !== undefined;
  const touched = [set, merge, computed].flatMap(Object.keys).concat(unset).filter(hasRule);
  if (touched.length === 0) return undefined;
  const added = Object.entries(set).flatMap(([path, value]) => facetsOf(entity.facets, path, value));
  const addedByServer = Object.entries(computed)
    .filter(([path]) => hasRule(path))
    .map(([path, value]) => ({ $concat: [`${path}=`, { $toLower: { $toString: value } }] }));
  const field = { $arrayElemAt: [{ $split: ['$$facet', '='] }, 0] };
  const kept = {
    $filter: {
      input: '$facets',
      as: 'facet',
      cond: { $not: [{ $in: [field, { $literal: touched.map(facetField) }] }] },
    },
  };
  return { $concatArrays: [kept, { $literal: added }, addedByServer] };
}
