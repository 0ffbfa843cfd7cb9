import { Schema } from 'mongoose';
import { type Database, tenantCollection } from '../infra/mongo.ts';
import { duplicateKeyFields } from '../infra/mongo-errors.ts';
import type { TenantDocument } from '../infra/tenant-collection.ts';
import { ObjectId } from '../lib/ids.ts';
import type { EventType } from './record.ts';
import type { RelayedEvent } from './relay.ts';

/**
 * Events that a listener refused, out of the way of all others. Each is offered to that listener again by itself, at
 * growing intervals and without end, and stays visible until the listener takes it: what keeps it from that (a record
 * that has become too large, a fault of ours) is for a person to mend.
 */
export interface ParkedEvent extends TenantDocument {
  listener: string;
  eventId: ObjectId;
  type: EventType;
  /** When the change happened. */
  at: Date;
  record: Record<string, unknown>;
  /** Why it was refused last. */
  reason: string;
  /** How often it was offered. */
  attempts: number;
  /** When it is offered next. */
  dueAt: Date;
}

const parkedSchema = new Schema<ParkedEvent>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  listener: { type: String, required: true },
  eventId: { type: Schema.Types.ObjectId, required: true },
  type: { type: String, required: true },
  at: { type: Date, required: true },
  record: { type: Schema.Types.Mixed, required: true },
  reason: { type: String, required: true },
  attempts: { type: Number, required: true },
  dueAt: { type: Date, required: true },
});
// An event is parked once for each listener that refused it, however often it is passed on.
parkedSchema.index({ workspaceId: 1, eventId: 1, listener: 1 }, { name: 'refusal', unique: true });
// The sweep, across workspaces.
parkedSchema.index({ dueAt: 1 }, { name: 'due' });

export const parkedEvents = tenantCollection<ParkedEvent>('parked_events', parkedSchema);

export interface Refusal {
  listener: string;
  event: RelayedEvent;
  reason: unknown;
}

/** After the first refusal, the second and so on; after the last one as long again. */
const retryDelaysMs = [10_000, 60_000, 600_000, 3_600_000];

const retryTime = (now: Date, attempts: number): Date =>
  new Date(now.getTime() + (retryDelaysMs[attempts - 1] ?? retryDelaysMs.at(-1) ?? 0));

const wordsOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));

/** Puts a refused event aside; one that is there already stays as it is. */
export async function parkEvent(
  db: Database,
  { listener, event, reason }: Refusal,
  now: Date,
): Promise<void> {
  const { workspaceId, id: eventId, type, at, record } = event;
  const parked: ParkedEvent = {
    _id: new ObjectId(),
    workspaceId,
    listener,
    eventId,
    type,
    at,
    record,
    reason: wordsOf(reason),
    attempts: 1,
    dueAt: retryTime(now, 1),
  };
  const [error] = (await parkedEvents(db).insertMany(workspaceId, [parked])).values();
  if (error && !duplicateKeyFields(error)) throw error;
}

/** The parked events of all workspaces that are due, the longest due first: they are the system's to pass on. */
export const findDueEvents = (db: Database, now: Date, limit: number): Promise<ParkedEvent[]> =>
  parkedEvents(db)
    .acrossTenants.find({ dueAt: { $lte: now } }, { sort: { dueAt: 1 }, limit, hint: 'due' })
    .toArray() as Promise<ParkedEvent[]>;

export async function removeParked(db: Database, { workspaceId, _id }: ParkedEvent): Promise<void> {
  await parkedEvents(db).deleteMany(workspaceId, { _id });
}

export async function postponeParked(
  db: Database,
  { workspaceId, _id, attempts }: ParkedEvent,
  reason: unknown,
  now: Date,
): Promise<void> {
  const set = { attempts: attempts + 1, dueAt: retryTime(now, attempts + 1), reason: wordsOf(reason) };
  await parkedEvents(db).updateOne(workspaceId, { _id }, { $set: set });
}

export const countParked = (db: Database): Promise<number> =>
  parkedEvents(db).acrossTenants.estimatedDocumentCount();
