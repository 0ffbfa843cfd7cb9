import type { mongo } from 'mongoose';
import type { Context } from '../context.ts';
import { duplicateKeyFields } from '../infra/mongo-errors.ts';
import type { TenantCollection } from '../infra/tenant-collection.ts';
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
  await Promise.all(refs.map((ref) => nudge(ctx, kind, ref)));
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

/** Lanes of any workspaces at once: each filter names its own. */
async function upsertAll(
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

/** Tells some worker that a lane is due. */
export function nudge(
  ctx: Context,
  { name }: Pick<Lanes, 'name'>,
  { workspaceId, key }: LaneRef,
  options: { isLate?: boolean } = {},
): Promise<void> {
  const workspace = workspaceId.toHexString();
  return ctx.queues.nudge(name, `${workspace}:${key}`, { workspaceId: workspace, key }, options.isLate);
}
