import { Schema } from 'mongoose';
import { tenantCollection } from '../../../infra/mongo.ts';
import type { TenantDocument } from '../../../infra/tenant-collection.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { declareRecordIndexes } from '../../../records/list.ts';
import type { RecordDocument } from '../../../records/record.ts';
import { recordFields } from '../../../records/schema.ts';
import { dueLanes, type Lane, laneFields } from '../../../work/work.ts';
import { type Channel, channels } from '../channels.ts';

export const directions = ['outbound', 'inbound'] as const;
export type Direction = (typeof directions)[number];

export const messageStatuses = [
  /** Waits for its time. */
  'scheduled',
  /** Waits for its turn. */
  'queued',
  /** A process is handing it to the provider. */
  'sending',
  /** The provider has taken it. */
  'accepted',
  'sent',
  'delivered',
  'read',
  /** Inbound. */
  'received',
  /** The provider refused it. */
  'rejected',
  /** The provider took it and could not deliver it, or could not be reached for a day. */
  'failed',
  /** It may have been sent or not: the process or the connection died in between. It is never sent again. */
  'unknown',
  'cancelled',
  /** The recipient has opted out. */
  'blocked',
] as const;
export type MessageStatus = (typeof messageStatuses)[number];

export interface StatusChange {
  status: MessageStatus;
  at: Date;
}

export interface MessageError {
  /** The provider's code. */
  code?: string;
  reason: string;
}

export interface MessageTemplate {
  name: string;
  language: string;
  components?: Record<string, unknown>[];
}

/** One WhatsApp message, SMS or email, either way. */
export interface Message extends RecordDocument {
  channel: Channel;
  direction: Direction;
  /** `text`, `template`, `email`; for what came in also `image`, `audio` and whatever else a provider names. */
  type: string;
  from?: string;
  to: string;
  cc?: string[];
  subject?: string;
  /** The text; of an email its plain part, of a template the text that the recipient sees. */
  body?: string;
  html?: string;
  template?: MessageTemplate;
  status: MessageStatus;
  /** Every status with its time, save `sending`. */
  history: StatusChange[];
  error?: MessageError;
  /** The provider's id: a wamid, a Twilio SID, a Message-ID. */
  providerId?: string;
  conversationId?: string;
  leadId?: string;
  contactId?: string;
  /** The caller's own notes. */
  metadata?: Record<string, unknown>;
  /** When an outbound message is meant to leave. */
  sendAt?: Date;
  /** When the provider received an inbound one. */
  receivedAt?: Date;
  /**
   * When the pipeline has to look at the message next: to send it, to try again, or to find out what became of a sender
   * that fell silent. Absent once there is nothing left to do.
   */
  dueAt?: Date;
  attempts: number;
  claimedAt?: Date;
  /** Tells the sender's own claim from a later one. */
  claim?: ObjectId;
}

const messageSchema = new Schema<Message>({
  ...recordFields,
  channel: { type: String, enum: channels, required: true },
  direction: { type: String, enum: directions, required: true },
  type: { type: String, required: true },
  from: String,
  to: { type: String, required: true },
  cc: { type: [String], default: undefined },
  subject: String,
  body: String,
  html: String,
  template: Schema.Types.Mixed,
  status: { type: String, enum: messageStatuses, required: true },
  history: [Schema.Types.Mixed],
  error: Schema.Types.Mixed,
  providerId: String,
  conversationId: String,
  leadId: String,
  contactId: String,
  metadata: Schema.Types.Mixed,
  sendAt: Date,
  receivedAt: Date,
  dueAt: Date,
  attempts: { type: Number, required: true },
  claimedAt: Date,
  claim: Schema.Types.ObjectId,
});
declareRecordIndexes(messageSchema);
// What a lane has to look at, in order of time. Only messages that are under way are in it.
messageSchema.index(
  { workspaceId: 1, channel: 1, dueAt: 1 },
  { name: 'due_messages', partialFilterExpression: { dueAt: { $exists: true } } },
);
// The message that a provider's callback speaks of; an inbound message that is delivered twice is stored once.
messageSchema.index(
  { workspaceId: 1, channel: 1, providerId: 1 },
  { name: 'provider_id', unique: true, partialFilterExpression: { providerId: { $exists: true } } },
);

export const messages = tenantCollection<Message>('messages', messageSchema);

/** Where the messages of one channel of a workspace wait. */
export interface MessageLane extends Lane {
  channel: Channel;
}

const laneSchema = new Schema<MessageLane>({
  ...laneFields,
  channel: { type: String, enum: channels, required: true },
});
// One lane per workspace and channel.
laneSchema.index({ workspaceId: 1, channel: 1 }, { name: 'lane', unique: true });
// The sweep for lanes with something to do.
laneSchema.index(dueLanes, { name: 'due_lanes', sparse: true });

export const messageLanes = tenantCollection<MessageLane>('message_lanes', laneSchema);

/** Whether an address wants messages on a channel, once its owner has said so. */
export interface OptOut extends TenantDocument {
  channel: Channel;
  /** A normalised number, or an email address in lower case. */
  address: string;
  /** What the recipient decided last. Absent in rows from when there were none but opt-outs. */
  isOut?: boolean;
  /** When, as text that sorts by time. */
  order?: string;
  /** What the recipient did: replied with a keyword, used the link, or told the provider. */
  source: 'keyword' | 'link' | 'provider';
  createdAt: Date;
}

const optOutSchema = new Schema<OptOut>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  channel: { type: String, enum: channels, required: true },
  address: { type: String, required: true },
  isOut: Boolean,
  order: String,
  source: { type: String, required: true },
  createdAt: { type: Date, required: true },
});
// Has this address opted out.
optOutSchema.index({ workspaceId: 1, channel: 1, address: 1 }, { name: 'address', unique: true });

export const optOuts = tenantCollection<OptOut>('message_opt_outs', optOutSchema);

export const conversationStatuses = ['open', 'closed'] as const;
export type ConversationStatus = (typeof conversationStatuses)[number];

/** All WhatsApp messages with one person. */
export interface Conversation extends RecordDocument {
  /** WhatsApp's id of the person: the number's digits. */
  customerWaId: string;
  customerPhone: string;
  customerName?: string;
  status: ConversationStatus;
  leadId?: string;
  contactId?: string;
  lastMessagePreview?: string;
  lastMessageDirection?: Direction;
  lastMessageAt: Date;
}

const conversationSchema = new Schema<Conversation>({
  ...recordFields,
  customerWaId: { type: String, required: true },
  customerPhone: { type: String, required: true },
  customerName: String,
  status: { type: String, enum: conversationStatuses, required: true },
  leadId: String,
  contactId: String,
  lastMessagePreview: String,
  lastMessageDirection: { type: String, enum: directions },
  lastMessageAt: { type: Date, required: true },
});
// The conversation with a person: one.
conversationSchema.index({ workspaceId: 1, customerWaId: 1 }, { name: 'customer', unique: true });
// The list, the liveliest first.
conversationSchema.index({ workspaceId: 1, lastMessageAt: -1, _id: -1 }, { name: 'latest' });
// The list by status or search.
conversationSchema.index({ workspaceId: 1, facets: 1, lastMessageAt: -1, _id: -1 }, { name: 'found' });

export const conversations = tenantCollection<Conversation>('whatsapp_conversations', conversationSchema);
