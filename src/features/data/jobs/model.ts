import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { TenantDocument } from '../../../infra/tenant-collection.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Author } from '../../../tenancy/actor.ts';
import { dueLanes, type Lane, laneFields } from '../../../work/work.ts';

export const jobStatuses = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Something that is done to many records, and how far it has come. */
export interface Job extends TenantDocument {
  /** The name of its kind. */
  kind: string;
  /** The record that it is about. */
  subject: { type: string; id: ObjectId };
  /** What the kind needs to know. */
  input: Record<string, unknown>;
  /** No two jobs that are under way have the same. */
  key?: string;
  status: JobStatus;
  /** Where the next slice begins. */
  cursor?: object;
  /** Rises with every slice, so that of two processes which did the same one a single one is counted. */
  step: number;
  total?: number;
  done: number;
  failed: number;
  /** Slices that went wrong one after another. */
  attempts: number;
  error?: string;
  /** Who began it: what it does is done in their name. */
  author: Omit<Author, 'workspaceId'>;
  createdAt: Date;
  updatedAt: Date;
  finishedAt?: Date;
  /** When its next slice is due; absent once it has ended. */
  dueAt?: Date;
  /** When the row goes. */
  expiresAt?: Date;
}

const jobSchema = new Schema<Job>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  kind: { type: String, required: true },
  subject: { _id: false, type: { type: String }, id: Schema.Types.ObjectId },
  input: { type: Schema.Types.Mixed, required: true },
  key: String,
  status: { type: String, enum: jobStatuses, required: true },
  cursor: Schema.Types.Mixed,
  step: { type: Number, required: true },
  total: Number,
  done: { type: Number, required: true },
  failed: { type: Number, required: true },
  attempts: { type: Number, required: true },
  error: String,
  author: { type: Schema.Types.Mixed, required: true },
  createdAt: { type: Date, required: true },
  updatedAt: { type: Date, required: true },
  finishedAt: Date,
  dueAt: Date,
  expiresAt: Date,
});
// The list, newest first.
jobSchema.index({ workspaceId: 1, createdAt: -1, _id: -1 }, { name: 'list' });
// What the workspace's lane has to do, in turn; and how much that is. Only jobs that are under way are in it.
jobSchema.index(
  { workspaceId: 1, dueAt: 1 },
  { name: 'due_jobs', partialFilterExpression: { dueAt: { $exists: true } } },
);
// The job that is under way already.
jobSchema.index(
  { workspaceId: 1, key: 1 },
  { name: 'under_way', unique: true, partialFilterExpression: { key: { $exists: true } } },
);
jobSchema.index({ expiresAt: 1 }, { name: 'expiry', expireAfterSeconds: 0 });

export const jobs = tenantCollection<Job>('jobs', jobSchema);

const laneSchema = new Schema<Lane>({ ...laneFields });
// The sweep for lanes with something to do.
laneSchema.index(dueLanes, { name: 'due_lanes', sparse: true });

export const laneRows = tenantCollection<Lane>('job_lanes', laneSchema);
