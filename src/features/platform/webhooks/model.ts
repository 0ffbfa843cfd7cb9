import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { TenantDocument } from '../../../infra/tenant-collection.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { EventType, RecordDocument } from '../../../records/record.ts';
import { recordFields } from '../../../records/schema.ts';
import { dueLanes, laneFields, type Lane as WorkLane } from '../../../work/work.ts';

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
  /** The secrets before the last rotations, latest first; each signs too until it expires. */
  previousSecrets?: PreviousSecret[];
  /** As earlier versions have stored it: the one before the last rotation. */
  previousSecret?: PreviousSecret;
  /** Why the server, rather than a person, disabled it. */
  disabledReason?: string;
  /** The admins have to be told that it was disabled; cleared when they have been. */
  owedNotice?: { id: ObjectId; subject: string; text: string };
}

export interface PreviousSecret {
  /** Sealed. */
  secret: string;
  expiresAt: Date;
}

const previousSecret = { _id: false, secret: String, expiresAt: Date };

const subscriptionSchema = new Schema<Subscription>({
  ...recordFields,
  name: { type: String, required: true },
  url: { type: String, required: true },
  events: { type: [String], required: true },
  isActive: { type: Boolean, required: true },
  secret: { type: String, required: true },
  previousSecrets: { type: [previousSecret], default: undefined },
  previousSecret: { type: previousSecret, default: undefined },
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

/** Where one endpoint's deliveries wait, under the subscription's id, and how the endpoint is doing. */
export interface Lane extends WorkLane {
  consecutiveFailures?: number;
  /** Since when nothing but failures. */
  failingSince?: Date;
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
  ...laneFields,
  consecutiveFailures: Number,
  failingSince: Date,
  replay: Schema.Types.Mixed,
});
// The sweep: the endpoints, of all workspaces, that have waited longest.
laneSchema.index(dueLanes, { name: 'due', sparse: true });

export const lanes = tenantCollection<Lane>('webhook_lanes', laneSchema);

/** An event that goes to several subscriptions, stored once for all of them. Its id is the event's. */
export interface EventBody extends TenantDocument {
  /** The record as JSON: what is sent, byte for byte the same each time. */
  body: string;
  expiresAt: Date;
}

const eventBodySchema = new Schema<EventBody>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  body: { type: String, required: true },
  expiresAt: { type: Date, required: true },
});
eventBodySchema.index({ expiresAt: 1 }, { name: 'expiry', expireAfterSeconds: 0 });

export const eventBodies = tenantCollection<EventBody>('webhook_events', eventBodySchema);

/** One event for one subscription. Its id follows from the two, so it exists once however often the event is passed on. */
export interface Delivery extends TenantDocument {
  subscriptionId: ObjectId;
  eventId: ObjectId;
  event: WebhookEvent;
  /** What is sent, where it is sent to nobody else; else it stands with the event. */
  body?: string;
  /** The length of what stands with the event. */
  size?: number;
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
  size: Number,
  body: String,
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

/** One attempt to deliver: a row of the deliveries log. What was sent stands with the event, which outlives them. */
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
