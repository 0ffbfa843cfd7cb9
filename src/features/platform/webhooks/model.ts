import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { TenantDocument } from '../../../infra/tenant-collection.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { EventType, RecordDocument } from '../../../records/record.ts';
import { recordFields } from '../../../records/schema.ts';

/** What a subscriber can be sent: the document's events, and the one that the test route makes. */
export const testEvent = 'webhook.test';
export type WebhookEvent = EventType | typeof testEvent;

/** How long deliveries and their log are kept. */
export const retentionMs = 30 * 24 * 60 * 60 * 1_000;

/** What a workspace asked for. Changed by its API calls only; the state of its deliveries stands in its lane. */
export interface Subscription extends RecordDocument {
  name: string;
  url: string;
  events: EventType[];
  isActive: boolean;
  /** Sealed. */
  secret: string;
  /** The secret before the last rotation; signs too until it expires. */
  previousSecret?: { secret: string; expiresAt: Date };
  /** Why the server, rather than a person, disabled it. */
  disabledReason?: string;
  /** The admins have to be told that it was disabled; cleared when they have been. */
  owedNotice?: { id: ObjectId; subject: string; text: string };
}

const subscriptionSchema = new Schema<Subscription>({
  ...recordFields,
  name: { type: String, required: true },
  url: { type: String, required: true },
  events: { type: [String], required: true },
  isActive: { type: Boolean, required: true },
  secret: { type: String, required: true },
  previousSecret: { type: { _id: false, secret: String, expiresAt: Date }, default: undefined },
  disabledReason: String,
  owedNotice: Schema.Types.Mixed,
});
// The list; the active ones are found among its few hundred rows at most.
subscriptionSchema.index({ workspaceId: 1, createdAt: -1, _id: -1 }, { name: 'list' });
// Which subscription answered this Idempotency-Key.
subscriptionSchema.index(
  { workspaceId: 1, 'idempotency.key': 1 },
  {
    name: 'answered_requests',
    unique: true,
    partialFilterExpression: { 'idempotency.key': { $exists: true } },
  },
);
// The sweep for notices that a dead process left behind.
subscriptionSchema.index({ 'owedNotice.id': 1 }, { name: 'owing_notice', sparse: true });

export const subscriptions = tenantCollection<Subscription>('webhook_subscriptions', subscriptionSchema);

/** The state of one endpoint's deliveries, under the subscription's id. Written by the machinery only. */
export interface Lane extends TenantDocument {
  /** When there is something to do; absent when nothing waits. The sweep reads it. */
  dueAt?: Date;
  /** While a worker looks after the lane: who, and until when it is believed alive. */
  lease?: { id: ObjectId; until: Date };
  consecutiveFailures?: number;
  /** Since when nothing but failures. */
  failingSince?: Date;
  /** The endpoint is left alone until then. */
  pausedUntil?: Date;
  /** A replay under way and how far it has come. */
  replay?: Replay;
}

export interface Replay {
  id: ObjectId;
  since: Date;
  until: Date;
  events?: WebhookEvent[];
  position?: { time: Date; id: ObjectId };
}

const laneSchema = new Schema<Lane>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  dueAt: Date,
  lease: { type: { _id: false, id: Schema.Types.ObjectId, until: Date }, default: undefined },
  consecutiveFailures: Number,
  failingSince: Date,
  pausedUntil: Date,
  replay: Schema.Types.Mixed,
});
// The sweep: the endpoints, of all workspaces, that have waited longest.
laneSchema.index({ dueAt: 1 }, { name: 'due', sparse: true });

export const lanes = tenantCollection<Lane>('webhook_lanes', laneSchema);

/** One event for one subscription. Its id follows from the two, so it exists once however often the event is passed on. */
export interface Delivery extends TenantDocument {
  subscriptionId: ObjectId;
  eventId: ObjectId;
  event: WebhookEvent;
  /** The record as JSON: what is sent, byte for byte the same each time. */
  body: string;
  status: 'pending' | 'delivered' | 'failed';
  /** How often it was tried since it was last queued. */
  attempts: number;
  /** Only while pending. */
  nextAttemptAt?: Date;
  /** When the change happened. */
  createdAt: Date;
  expiresAt: Date;
}

const deliverySchema = new Schema<Delivery>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  subscriptionId: { type: Schema.Types.ObjectId, required: true },
  eventId: { type: Schema.Types.ObjectId, required: true },
  event: { type: String, required: true },
  body: { type: String, required: true },
  status: { type: String, enum: ['pending', 'delivered', 'failed'], required: true },
  attempts: { type: Number, required: true },
  nextAttemptAt: Date,
  createdAt: { type: Date, required: true },
  expiresAt: { type: Date, required: true },
});
// What an endpoint has to be sent now, oldest first, and when it has to be sent something next.
deliverySchema.index(
  { workspaceId: 1, subscriptionId: 1, nextAttemptAt: 1 },
  { name: 'due', partialFilterExpression: { status: 'pending' } },
);
// The deliveries of a window of time, for a replay.
deliverySchema.index({ workspaceId: 1, subscriptionId: 1, createdAt: 1, _id: 1 }, { name: 'window' });
deliverySchema.index({ expiresAt: 1 }, { name: 'expiry', expireAfterSeconds: 0 });

export const deliveries = tenantCollection<Delivery>('webhook_deliveries', deliverySchema);

export const outcomes = ['success', 'failure'] as const;
export type Outcome = (typeof outcomes)[number];

/** One attempt to deliver: a row of the deliveries log. What was sent stands in the delivery, which outlives its rows. */
export interface Attempt extends TenantDocument {
  subscriptionId: ObjectId;
  deliveryId: ObjectId;
  eventId: ObjectId;
  event: WebhookEvent;
  outcome: Outcome;
  statusCode?: number;
  responseBody?: string;
  error?: string;
  durationMs: number;
  timestamp: Date;
}

const attemptSchema = new Schema<Attempt>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  subscriptionId: { type: Schema.Types.ObjectId, required: true },
  deliveryId: { type: Schema.Types.ObjectId, required: true },
  eventId: { type: Schema.Types.ObjectId, required: true },
  event: { type: String, required: true },
  outcome: { type: String, enum: outcomes, required: true },
  statusCode: Number,
  responseBody: String,
  error: String,
  durationMs: { type: Number, required: true },
  timestamp: { type: Date, required: true },
});
// The log, with and without its filters: few events and two outcomes, so that a query names all that it wants and the
// server merges their ranges, each of which is in the order of time already.
attemptSchema.index(
  { workspaceId: 1, subscriptionId: 1, event: 1, outcome: 1, timestamp: -1, _id: -1 },
  { name: 'log' },
);
attemptSchema.index({ timestamp: 1 }, { name: 'expiry', expireAfterSeconds: retentionMs / 1_000 });

export const attempts = tenantCollection<Attempt>('webhook_attempts', attemptSchema);
