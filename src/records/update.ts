import type { Context } from '../context.ts';
import { duplicateKeyFields } from '../infra/mongo.ts';
import { AppError, notFound } from '../lib/errors.ts';
import type { IfMatch } from '../lib/etag.ts';
import { ObjectId } from '../lib/ids.ts';
import { facetsOf } from './facets.ts';
import type { Entity, EventType, RecordDocument } from './record.ts';
import { restampIfSlow, risingNow } from './restamp.ts';

/** What a change does, by path: `name`, or `fields.budget` for one custom field. */
export interface Change {
  set: Record<string, unknown>;
  unset?: string[];
  /** Paths that get the server's time. */
  touch?: string[];
}

export interface UpdateOptions {
  ifMatch?: IfMatch | undefined;
  /** An event besides the entity's own `updated`, owed when `when` (an expression over the record before) is true. */
  event?: { type: EventType; when: object };
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
  const change: Change = { set: { archived: true }, touch: ['archivedAt'] };
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
  differences: object[],
  change: Change,
  options: UpdateOptions,
): Promise<T | undefined> {
  const filter = {
    _id: id,
    archived: false,
    ...(differences.length > 0 ? { $or: differences } : {}),
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

/** Conditions any of which means that the change would change something. */
function differencesOf(change: Change): object[] {
  return [
    ...Object.entries(change.set).map(([path, value]) => ({ [path]: { $ne: value } })),
    ...(change.unset ?? []).map((path) => ({ [path]: { $exists: true } })),
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
  for (const path of change.touch ?? []) first[path] = '$$NOW';
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
  change: Change,
): Expression | undefined {
  const paths = [...Object.keys(change.set), ...(change.unset ?? [])].map((path) =>
    path.split('.', 2).join('.'),
  );
  const touched = paths.filter((path) => entity.facets[path.split('.', 1)[0] ?? '']);
  if (touched.length === 0) return undefined;
  const added = Object.entries(change.set).flatMap(([path, value]) => facetsOf(entity.facets, path, value));
  const field = { $arrayElemAt: [{ $split: ['$$facet', '='] }, 0] };
  const kept = {
    $filter: { input: '$facets', as: 'facet', cond: { $not: [{ $in: [field, { $literal: touched }] }] } },
  };
  return { $concatArrays: [kept, { $literal: added }] };
}
