import type { mongo } from 'mongoose';
import type { Context } from '../context.ts';
import { duplicateKeyFields } from '../infra/mongo-errors.ts';
import type { TenantCollection } from '../infra/tenant-collection.ts';
import { sha256 } from '../lib/crypto.ts';
import { ObjectId } from '../lib/ids.ts';
import type { Lane, LaneRef, Lanes } from './work.ts';

/** Times are taken by several processes whose clocks agree up to this. */
export const clockToleranceMs = 100;
const markPrecisionMs = 1_000;
/** Comes before every other time, and before every pause. */
export const urgently = new Date(0);

export const rowsOf = (ctx: Context, { collection }: Lanes): TenantCollection<Lane> =>
  ctx.db.tenant<Lane>(collection(ctx.db).name);

/** Up to when something counts as due now. */
export const soon = (ctx: Context): Date => new Date(ctx.clock.now().getTime() + clockToleranceMs);

export interface WakeOptions {
  /** Ends a pause too: a person waits for it. */
  isUrgent?: boolean;
  /** Fields that the lane forgets. */
  forget?: string[];
}

/** Makes lanes due and nudges the workers. Call it after the rows are stored; repeating it is harmless. */
export async function wake(
  ctx: Context,
  kind: Lanes,
  refs: readonly LaneRef[],
  { isUrgent = false, forget = [] }: WakeOptions = {},
): Promise<void> {
  if (refs.length === 0) return;
  const dueAt = isUrgent ? urgently : { $min: ['$dueAt', { $max: [ctx.clock.now(), '$pausedUntil'] }] };
  const forgotten = [...(isUrgent ? ['pausedUntil'] : []), ...forget];
  const update = [{ $set: { dueAt } }, ...(forgotten.length > 0 ? [{ $unset: forgotten }] : [])];
  await upsertAll(ctx, kind, refs, update);
  await nudgeAll(ctx, kind, refs);
}

/**
 * Notes that a row will be due, before it is stored: a lane that is due for nothing is visited in vain, a row without a
 * lane that is due would be forgotten. Most announcements change nothing, since the lane is due anyway.
 * @param pausedUntil the lane is to be left alone before
 */
export function announce(
  ctx: Context,
  kind: Lanes,
  ref: LaneRef,
  dueAt: Date,
  pausedUntil?: Date,
): Promise<void> {
  const now = ctx.clock.now().getTime();
  const markedAt = new Date(now - (now % markPrecisionMs));
  const latest = { markedAt, ...(pausedUntil ? { pausedUntil } : {}) };
  const later = Object.entries(latest).map(([name, time]) => [name, { $max: [`$${name}`, time] }]);
  return upsertAll(
    ctx,
    kind,
    [ref],
    [
      { $set: Object.fromEntries(later) },
      { $set: { dueAt: { $min: ['$dueAt', { $max: [dueAt, '$pausedUntil'] }] } } },
    ],
  );
}

/** A workspace's lanes in one command where they are all there, which costs a tenth of a command with an update for each. */
async function upsertAll(
  ctx: Context,
  kind: Lanes,
  refs: readonly LaneRef[],
  update: object[],
): Promise<void> {
  const left = await Promise.all(
    [...byWorkspace(refs)].map(async ([workspaceId, group]) => {
      const isDone = group.length > 1 && (await updateTogether(ctx, kind, workspaceId, group, update));
      return isDone ? [] : group;
    }),
  );
  const missing = left.flat();
  if (missing.length > 0) await upsertEach(ctx, kind, missing, update);
}

/** @returns whether all of them were there */
async function updateTogether(
  ctx: Context,
  kind: Lanes,
  workspaceId: ObjectId,
  group: LaneRef[],
  update: object[],
): Promise<boolean> {
  const located = kind.locateAll?.(group.map(({ key }) => key));
  if (!located) return false;
  const { fields, hint } = located;
  const filter = { ...fields, workspaceId } as mongo.Filter<Lane>;
  const { matchedCount } = await rowsOf(ctx, kind).acrossTenants.updateMany(filter, update, { hint });
  return matchedCount === group.length;
}

function byWorkspace(refs: readonly LaneRef[]): Map<ObjectId, LaneRef[]> {
  const groups = new Map<string, LaneRef[]>();
  for (const ref of refs) {
    const id = ref.workspaceId.toHexString();
    const group = groups.get(id);
    if (group) group.push(ref);
    else groups.set(id, [ref]);
  }
  return new Map([...groups].map(([id, group]) => [new ObjectId(id), group]));
}

/** Lanes of any workspaces at once: each filter names its own. */
async function upsertEach(
  ctx: Context,
  kind: Lanes,
  refs: readonly LaneRef[],
  update: object[],
): Promise<void> {
  const operations = refs.map(({ workspaceId, key }) => {
    const { fields, hint } = kind.locate(key);
    const filter = { ...fields, workspaceId } as mongo.Filter<Lane>;
    return { updateOne: { filter, update, upsert: true, hint } };
  });
  const write = () => rowsOf(ctx, kind).acrossTenants.bulkWrite(operations, { ordered: false });
  try {
    await write();
  } catch (error) {
    // Two that make the same lane at once: now there is one to wake.
    if (!duplicateKeyFields(error)) throw error;
    await write();
  }
}

/** What a nudge says: lanes of one workspace that are due. */
export interface Nudge {
  workspaceId: string;
  keys: string[];
}

/** Tells some worker that a lane is due. */
export const nudge = (ctx: Context, kind: Pick<Lanes, 'name'>, ref: LaneRef): Promise<void> =>
  nudgeAll(ctx, kind, [ref]);

/** The same for many lanes, with one nudge for each workspace. */
export async function nudgeAll(
  ctx: Context,
  { name }: Pick<Lanes, 'name'>,
  refs: readonly LaneRef[],
  options: { isLate?: boolean } = {},
): Promise<void> {
  await Promise.all(
    [...byWorkspace(refs)].map(([workspaceId, group]) => {
      const data: Nudge = { workspaceId: workspaceId.toHexString(), keys: group.map(({ key }) => key) };
      const lanes = data.keys.length === 1 ? data.keys[0] : sha256(data.keys.toSorted().join());
      return ctx.queues.nudge(name, `${data.workspaceId}:${lanes}`, data, options.isLate);
    }),
  );
}
