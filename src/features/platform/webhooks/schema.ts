import { z } from 'zod';
import { cursor, dateTime, dateTimeOut, limitOf, shortText } from '../../../lib/schemas.ts';
import { eventTypes } from '../../../records/entity/names.ts';
import { outcomes, testEvent } from './model.ts';

const url = z
  .url({ protocol: /^https?$/, error: 'Must be an http(s) URL' })
  .max(2_048)
  .describe('Where events are POSTed to: an http(s) URL with a public address');

// Looked up when first needed: by then every entity has said what happens to its records.
const eventType = z.lazy(() => z.enum(eventTypes()));
const loggedEvent = z.lazy(() => z.enum([...eventTypes(), testEvent]));

const events = z
  .array(eventType)
  .min(1)
  .transform((types) => [...new Set(types)])
  .describe('The events to send');

export const subscriptionInput = z
  .object({ name: shortText, url, events })
  .meta({ id: 'WebhookSubscriptionInput' });

export const subscriptionChange = subscriptionInput
  .partial()
  .meta({ id: 'WebhookSubscriptionChange', description: 'Given fields change, the others stay' });

const subscriptionShape = {
  _id: z.string(),
  workspaceId: z.string(),
  name: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  isActive: z.boolean(),
  disabledReason: z.string().optional().describe('Why the server disabled it'),
  createdAt: dateTimeOut,
  updatedAt: dateTimeOut,
};

export const subscriptionOut = z.object(subscriptionShape).meta({ id: 'WebhookSubscription' });

export const subscriptionWithSecret = z
  .object({
    ...subscriptionShape,
    secret: z.string().describe('`whsec_…`: what signatures are made with. Shown only here'),
  })
  .meta({ id: 'WebhookSubscriptionWithSecret' });

export const subscriptionItem = z.object({
  _id: z.string(),
  name: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  isActive: z.boolean(),
  createdAt: dateTimeOut,
});

export const deliveriesQuery = z.object({
  limit: limitOf(20),
  page: z.coerce
    .number()
    .int()
    .min(1)
    .default(1)
    .describe('The page by number, up to the 10,000th row; `cursor` goes on without end'),
  cursor,
  event: loggedEvent.optional(),
  outcome: z.enum(outcomes).optional(),
});

export const attemptOut = z
  .object({
    _id: z.string(),
    deliveryId: z.string().describe('The same for all attempts at one delivery'),
    subscriptionId: z.string(),
    webhookId: z.string().describe('The header `webhook-id` that was sent'),
    event: z.string(),
    payload: z.looseObject({}).describe('The body that was sent'),
    outcome: z.enum(outcomes),
    statusCode: z.int().optional().describe('Absent when no answer came'),
    responseBody: z.string().optional().describe('The first 4 KiB of the answer'),
    error: z.string().optional().describe('Why no answer came'),
    durationMs: z.int(),
    timestamp: dateTimeOut,
  })
  .meta({ id: 'WebhookDelivery' });

export const replayInput = z
  .object({
    since: dateTime.describe('Events that happened at this time or later'),
    until: dateTime.optional().describe('Events before this time; now when absent'),
    events: z.array(loggedEvent).min(1).optional().describe('Only these events'),
  })
  .refine(({ since, until }) => !until || since < until, { path: ['until'], error: 'Must be after since' })
  .meta({ id: 'WebhookReplayInput' });

export type SubscriptionInput = z.output<typeof subscriptionInput>;
export type SubscriptionChange = z.output<typeof subscriptionChange>;
export type SubscriptionOut = z.output<typeof subscriptionOut>;
export type AttemptOut = z.output<typeof attemptOut>;
export type DeliveriesQuery = z.output<typeof deliveriesQuery>;
export type ReplayInput = z.output<typeof replayInput>;
