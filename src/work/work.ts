import { Schema } from 'mongoose';
import type { Context } from '../context.ts';
import type { Database } from '../infra/mongo.ts';
import type { TenantDocument } from '../infra/tenant-collection.ts';
import type { ObjectId } from '../lib/ids.ts';

/**
 * Durable work. What there is to do stands in a feature's own rows, each with the time at which it is due: seconds from
 * now or weeks. Rows that share a pace (one endpoint's deliveries, a workspace's messages of one channel) form a lane,
 * and the lane's own small row says once more when the first of them is due. One process at a time visits a lane that is
 * due, under a lease that it renews, and does its rows a few at a time, those that have waited longest first. The
 * promise: nothing that is due is ever forgotten, and no lane keeps others waiting. Whoever stores a row wakes its lane
 * afterwards, or announces the row before; a process that dies leaves a lease that runs out and rows that are still due;
 * a nudge that is lost with Redis is made up for by the sweep. So a row may be done twice, and `process` has to bear
 * that. Workspaces take turns at a process's places, whatever one of them has to do, and a lane whose work hangs gives
 * its place to the next.
 */
export interface Work<L extends Lane = Lane, Item extends WorkItem = WorkItem, Outcome = unknown>
  extends Lanes<L> {
  /** Begins a visit; undefined when the lane is to sleep, whatever is due in it, until somebody wakes it. */
  open(ctx: Context, lane: Claimed<L>): Promise<Visit<L, Item, Outcome> | undefined>;
}

/** The lanes of one kind of work: all that whoever stores a row has to know of it. */
export interface Lanes<L extends Lane = Lane> {
  /** Also the name of the queue. */
  readonly name: string;
  /** Where their rows are. */
  collection(db: Database): { readonly name: string };
  /** The fields that tell a lane from the others of its workspace, and the index that finds it by them. */
  locate(key: string): { fields: Record<string, unknown>; hint: Record<string, 1> };
  /** Finds several at once, where that is one command's work. */
  locateAll?(keys: string[]): { fields: Record<string, unknown>; hint: Record<string, 1> };
  /** What `locate` finds the lane by. */
  keyOf(lane: L): string;
}

export interface WorkItem {
  _id: ObjectId;
}

/** What a feature does while it has a lane. */
export interface Visit<L extends Lane, Item extends WorkItem, Outcome> {
  /** The rows that are due, the longest waiting first; asked again as long as it yields any that are not in hand. */
  due(): AsyncIterable<Item>;
  /** Does one row. One that it throws for rests a moment with the lane, and the others go on. */
  process(item: Item): Promise<Outcome>;
  /** Stores what became of several rows, where `process` has not: until then they may still show as due. */
  record?(outcomes: Outcome[]): Promise<void>;
  /**
   * What a row costs a process, in milliseconds: when it is begun, and once its outcome is known. Left out where that is
   * not worth counting.
   */
  priceMs?(item: Item, outcome?: Outcome): number;
  /** How many rows may be in hand, now. */
  limit(): number;
  /** Whether to begin nothing more in this visit. */
  isOver?(): boolean;
  /** Called when nothing is due or in hand; whether it has made something due. */
  refill?(): Promise<boolean>;
  /** When the lane has to be visited next, as far as its rows tell. */
  nextDueAt(): Promise<Date | undefined>;
  /** What the lane keeps of the visit. */
  end?(): Promise<Rest<L>>;
}

export interface Rest<L extends Lane> {
  /** Visit it only when somebody wakes it. */
  isAsleep?: boolean;
  /** Leave it alone until then, whatever is due. */
  pausedUntil?: Date | undefined;
  /** The feature's own fields; undefined clears one. */
  state?: { [K in keyof L]?: L[K] | undefined };
}

/** The row of a lane. Features add fields of their own; these are written by the machinery only. */
export interface Lane extends TenantDocument {
  /** When there is something to do; absent when nothing waits. */
  dueAt?: Date;
  /** While a process visits the lane: which visit, and until when it is believed alive. */
  lease?: { id: ObjectId; until: Date };
  /** The lane is left alone until then. */
  pausedUntil?: Date;
  /** When a row was last announced that was not stored yet, in whole seconds. */
  markedAt?: Date;
}

export type Claimed<L extends Lane> = L & Required<Pick<Lane, 'lease'>>;

/** A lane by its name; the row may not exist yet. */
export interface LaneRef {
  workspaceId: ObjectId;
  key: string;
}

/** The fields of every lane's row, for its schema. */
export const laneFields = {
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  dueAt: Date,
  lease: { type: { _id: false, id: Schema.Types.ObjectId, until: Date }, default: undefined },
  pausedUntil: Date,
  markedAt: Date,
} as const;

/** What the sweep reads by: the lanes, of all workspaces, that have waited longest. Declared by each schema of lanes. */
export const dueLanes = { dueAt: 1 } as const;
