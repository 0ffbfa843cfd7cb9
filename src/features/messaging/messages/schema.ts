import { z } from 'zod';
import {
  cursor,
  dateTime,
  dateTimeOut,
  email,
  filterText,
  limitOf,
  phoneNumber,
  storable,
} from '../../../lib/schemas.ts';
import { channels } from '../channels.ts';
import { directions, messageStatuses } from './model.ts';

/** Twilio splits longer texts no further. */
const smsLengthMax = 1_600;
const emailTextLengthMax = 50_000;
const emailHtmlLengthMax = 400_000;
const copiesMax = 50;
/** RFC 5322 lets a line have this many characters. */
const subjectLengthMax = 998;

export const maxDelayMs = 366 * 24 * 60 * 60 * 1_000;

const timing = {
  delay: z.int().min(0).max(maxDelayMs).optional().describe('Milliseconds from now'),
  sendAt: dateTime.optional().describe('When to send; a time that has passed means now'),
};

const links = {
  leadId: z
    .string()
    .optional()
    .describe('The lead that the message is about; found by the address when left out'),
  contactId: z.string().optional().describe('The contact that the message is about'),
  metadata: storable(z.record(z.string(), z.unknown())).optional().describe('Kept with the message as it is'),
};

const isTimedOnce = ({ delay, sendAt }: { delay?: number | undefined; sendAt?: Date | undefined }) =>
  delay === undefined || sendAt === undefined;
const timedTwice = { path: ['sendAt'], message: 'Give either delay or sendAt' };

export const smsInput = z
  .object({
    to: phoneNumber,
    body: z.string().min(1).max(smsLengthMax),
    ...timing,
    ...links,
  })
  .refine(isTimedOnce, timedTwice)
  .meta({ id: 'SmsInput' });

export const emailInput = z
  .object({
    to: email,
    cc: z.array(email).max(copiesMax).optional(),
    subject: z
      .string()
      .trim()
      .min(1)
      .max(subjectLengthMax)
      .regex(/^[^\r\n]*$/, 'Must be one line'),
    text: z.string().min(1).max(emailTextLengthMax).optional(),
    html: z.string().min(1).max(emailHtmlLengthMax).optional(),
    ...timing,
    ...links,
  })
  .refine(({ text, html }) => text !== undefined || html !== undefined, {
    path: ['text'],
    message: 'Give text, html or both',
  })
  .refine(isTimedOnce, timedTwice)
  .meta({ id: 'EmailInput' });

export type SmsInput = z.output<typeof smsInput>;
export type EmailInput = z.output<typeof emailInput>;

export const messageQuery = z.object({
  limit: limitOf(10),
  cursor,
  sort: z.enum(['createdAt', '-createdAt']).optional(),
  createdAfter: dateTime.optional(),
  createdBefore: dateTime.optional(),
  channel: z.enum(channels).optional(),
  status: z.enum(messageStatuses).optional(),
  direction: z.enum(directions).optional(),
  to: filterText.describe('A number in any notation, or an email address'),
  from: filterText,
  leadId: filterText,
  contactId: filterText,
  conversationId: filterText,
});

export type MessageQuery = z.output<typeof messageQuery>;

const statusOut = z
  .enum(messageStatuses)
  .describe(
    'scheduled, queued, sending: on its way; cancelled and blocked (the recipient has opted out): never sent; accepted, ' +
      'sent, delivered, read: what the provider reported; rejected, failed: not delivered; unknown: the connection or ' +
      'the process died while it was handed over, so it may have been sent, and is not sent again; received: inbound',
  );

export const messageOut = z
  .object({
    _id: z.string(),
    workspaceId: z.string(),
    channel: z.enum(channels),
    direction: z.enum(directions),
    type: z.string(),
    from: z.string().optional(),
    to: z.string(),
    cc: z.array(z.string()).optional(),
    subject: z.string().optional(),
    body: z.string().optional().describe('The text; of an email its plain part'),
    html: z.string().optional().describe('Left out in lists'),
    template: z
      .object({
        name: z.string(),
        language: z.string(),
        components: z.array(z.record(z.string(), z.unknown())).optional(),
      })
      .optional(),
    status: statusOut,
    error: z.object({ code: z.string().optional(), reason: z.string() }).optional(),
    providerId: z.string().optional(),
    conversationId: z.string().optional(),
    leadId: z.string().optional(),
    contactId: z.string().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
    sendAt: dateTimeOut.optional(),
    receivedAt: dateTimeOut.optional(),
    attempts: z.int(),
    history: z.array(z.object({ status: z.string(), at: dateTimeOut })),
    createdAt: dateTimeOut,
    updatedAt: dateTimeOut,
  })
  .meta({ id: 'Message' });

export type MessageOut = z.output<typeof messageOut>;
