import { Schema } from 'mongoose';
import type { Context } from '../context.ts';
import { tenantCollection } from '../infra/mongo.ts';
import { duplicateKeyFields } from '../infra/mongo-errors.ts';
import type { TenantDocument } from '../infra/tenant-collection.ts';
import { ObjectId } from '../lib/ids.ts';

/**
 * What was used on a day of something of which a workspace, or everybody together, gets so much a day. Counted in
 * MongoDB, each time by one operation that takes all that was asked for or nothing: so it holds without Redis and however
 * many processes ask at once.
 */
interface DailyUse extends TenantDocument {
  /** Of what. */
  name: string;
  /** Midnight, UTC. */
  day: Date;
  used: number;
}

const dayMs = 24 * 60 * 60 * 1_000;
const keptDays = 2;

const dailyUseSchema = new Schema<DailyUse>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  name: { type: String, required: true },
  day: { type: Date, required: true },
  used: { type: Number, required: true },
});
// What was used on a day: one row.
dailyUseSchema.index({ workspaceId: 1, name: 1, day: 1 }, { name: 'use', unique: true });
dailyUseSchema.index({ day: 1 }, { name: 'expiry', expireAfterSeconds: (keptDays * dayMs) / 1_000 });

const dailyUses = tenantCollection<DailyUse>('daily_uses', dailyUseSchema);

export interface Allowance {
  /** Whose it is; everybody's when left out. */
  workspaceId?: ObjectId;
  name: string;
  perDay: number;
}

/** Stands for all workspaces together. */
const everybody = new ObjectId('0'.repeat(24));

/** Of which day a moment is. */
const dayOf = (time: Date): Date => new Date(Math.floor(time.getTime() / dayMs) * dayMs);

/** When there will be a new day's allowance. */
export const nextDay = (time: Date): Date => new Date(dayOf(time).getTime() + dayMs);

/** How much is left today. */
export async function leftToday(
  ctx: Context,
  { workspaceId = everybody, name, perDay }: Allowance,
): Promise<number> {
  const filter = { name, day: dayOf(ctx.clock.now()) };
  const found = await dailyUses(ctx.db).findOne(workspaceId, filter, { hint: 'use' });
  return Math.max(0, perDay - (found?.used ?? 0));
}

/** Takes an amount from today's allowance. @returns what gives it back; undefined when there is not so much left */
export async function takeToday(
  ctx: Context,
  { workspaceId = everybody, name, perDay }: Allowance,
  amount: number,
): Promise<(() => Promise<void>) | undefined> {
  if (amount > perDay) return undefined;
  const day = dayOf(ctx.clock.now());
  const uses = dailyUses(ctx.db);
  try {
    const left = { name, day, used: { $lte: perDay - amount } };
    await uses.upsert(workspaceId, left, { $inc: { used: amount } });
  } catch (error) {
    // The day's row is there and has no room left, so the upsert tried to make a second one.
    if (duplicateKeyFields(error)) return undefined;
    throw error;
  }
  return async () => {
    await uses.updateOne(workspaceId, { name, day }, { $inc: { used: -amount } }, { hint: 'use' });
  };
}
