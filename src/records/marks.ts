import { Schema } from 'mongoose';
import type { Context } from '../context.ts';
import { globalCollection } from '../infra/mongo.ts';
import { ObjectId } from '../lib/ids.ts';
import { keptMs } from './idempotency.ts';
import type { RecordDocument } from './record.ts';

/**
 * Takes the idempotency marks that have expired out of the records, with the first versions that they keep. Ids rise
 * with time, so each collection is gone through once in their order, a day behind the present, however few of its
 * records carry a mark; no index has to be kept for it.
 */

interface Progress {
  /** The collection. */
  _id: string;
  position: ObjectId;
}

const progressSchema = new Schema<Progress>({
  _id: { type: String, required: true },
  position: { type: Schema.Types.ObjectId, required: true },
});

const progress = globalCollection<Progress>('expired_marks', progressSchema);

/** Ids are made before the mark's time is taken, by clocks that are not the database's. */
const marginMs = 60 * 60 * 1_000;
/** So many records are gone through at a time; a round of sweeps does what it can. */
const stepSize = 1_000;
const restMs = 60_000;

const beginning = new ObjectId('0'.repeat(24));

/** A sweep that rests for a while when there is nothing left to do. */
export function createMarkSweep(): (ctx: Context, signal: AbortSignal) => Promise<void> {
  let restsUntil = 0;
  return async (ctx, signal) => {
    if (performance.now() < restsUntil) return;
    const end = new Date(ctx.clock.now().getTime() - keptMs - marginMs);
    for (const name of ctx.db.namesWithIndex('answered_requests')) {
      let isMore = true;
      while (isMore) {
        if (signal.aborted) return;
        isMore = await step(ctx, name, end);
      }
    }
    restsUntil = performance.now() + restMs;
  };
}

/** @returns whether there may be more to do */
async function step(ctx: Context, name: string, end: Date): Promise<boolean> {
  const { position } = (await progress(ctx.db).findOne({ _id: name })) ?? { position: beginning };
  const records = ctx.db.tenant<RecordDocument>(name).acrossTenants;
  // The system's own housekeeping, for all workspaces.
  const passed = await records
    .find(
      { _id: { $gt: position, $lt: ObjectId.createFromTime(end.getTime() / 1_000) } },
      { sort: { _id: 1 }, limit: stepSize, hint: '_id_', projection: { 'idempotency.at': 1 } },
    )
    .toArray();
  const last = passed.at(-1);
  if (!last) return false;
  const marked = passed.filter(({ idempotency }) => idempotency).map(({ _id }) => _id);
  if (marked.length > 0) {
    await records.updateMany({ _id: { $in: marked } }, { $unset: { idempotency: '' } }, { hint: '_id_' });
  }
  await progress(ctx.db).updateOne({ _id: name }, { $set: { position: last._id } }, { upsert: true });
  return passed.length === stepSize;
}
