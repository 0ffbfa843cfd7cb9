import { z } from 'zod';
import { parseBounded } from '../../../lib/bounds.ts';
import { AppError } from '../../../lib/errors.ts';
import type { InboundMessage, StatusReport } from '../messages/callbacks.ts';

/**
 * The part of Meta's callback that means something here. Each message and status is read on its own, so one of a kind
 * that did not exist when this was written is left out and takes none of its neighbours with it.
 */
export interface WhatsappEvents {
  messages: InboundMessage[];
  statuses: StatusReport[];
}

const envelopeSchema = z.object({
  entry: z.array(z.object({ changes: z.array(z.unknown()).default([]) })).default([]),
});

const changeSchema = z.object({
  field: z.literal('messages'),
  value: z.object({
    metadata: z.object({ phone_number_id: z.string(), display_phone_number: z.string() }),
    contacts: z
      .array(z.object({ wa_id: z.string(), profile: z.object({ name: z.string().optional() }).optional() }))
      .default([]),
    messages: z.array(z.unknown()).default([]),
    statuses: z.array(z.unknown()).default([]),
  }),
});
type Change = z.output<typeof changeSchema>['value'];

const media = z.object({ id: z.string(), mime_type: z.string().optional(), caption: z.string().optional() });
const title = z.object({ title: z.string() });

const messageSchema = z.object({
  id: z.string().min(1),
  from: z.string().regex(/^\d{4,20}$/),
  timestamp: z.string().regex(/^\d{1,12}$/),
  type: z.string(),
  text: z.object({ body: z.string() }).optional(),
  button: z.object({ text: z.string() }).optional(),
  interactive: z.object({ button_reply: title, list_reply: title }).partial().optional(),
  reaction: z.object({ emoji: z.string() }).partial().optional(),
  image: media.optional(),
  video: media.optional(),
  audio: media.optional(),
  document: media.optional(),
  sticker: media.optional(),
});

const statusSchema = z.object({
  id: z.string().min(1),
  status: z.enum(['sent', 'delivered', 'read', 'failed']),
  biz_opaque_callback_data: z.string().optional(),
  errors: z
    .array(
      z.object({
        code: z.number(),
        title: z.string().optional(),
        message: z.string().optional(),
        error_data: z.object({ details: z.string() }).partial().optional(),
      }),
    )
    .default([]),
});

/** The person has stopped messages from this business. */
const optOutCode = 131_050;

/** Meta tells of as many at a time. */
const updatesMax = 1_000;

/** Reads a callback's body; what belongs to another of the app's numbers is left out. */
export function readWhatsappEvents(body: unknown, phoneNumberId: string): WhatsappEvents {
  const events: WhatsappEvents = { messages: [], statuses: [] };
  const envelope = parseBounded(envelopeSchema, body);
  const changes = envelope.success ? envelope.data.entry.flatMap((entry) => entry.changes) : [];
  let updates = 0;
  for (const one of changes) {
    const parsed = parseBounded(changeSchema, one);
    if (!parsed.success) continue;
    const change = parsed.data.value;
    updates += change.messages.length + change.statuses.length;
    if (updates > updatesMax) throw new AppError('payload_too_large');
    if (change.metadata.phone_number_id !== phoneNumberId) continue;
    events.messages.push(...change.messages.flatMap((message) => readMessage(message, change)));
    events.statuses.push(...change.statuses.flatMap(readStatus));
  }
  return events;
}

function readMessage(input: unknown, { contacts, metadata }: Change): InboundMessage[] {
  const parsed = parseBounded(messageSchema, input);
  if (!parsed.success) return [];
  const message = parsed.data;
  const file = message.image ?? message.video ?? message.audio ?? message.document ?? message.sticker;
  const { interactive } = message;
  return [
    {
      channel: 'whatsapp',
      providerId: message.id,
      from: `+${message.from}`,
      to: `+${metadata.display_phone_number.replace(/\D/g, '')}`,
      type: message.type,
      body:
        message.text?.body ??
        message.button?.text ??
        interactive?.button_reply?.title ??
        interactive?.list_reply?.title ??
        message.reaction?.emoji ??
        file?.caption,
      name: contacts.find((contact) => contact.wa_id === message.from)?.profile?.name,
      receivedAt: new Date(Number(message.timestamp) * 1_000),
      metadata: file && { mediaId: file.id, ...(file.mime_type ? { mimeType: file.mime_type } : {}) },
    },
  ];
}

function readStatus(input: unknown): StatusReport[] {
  const parsed = parseBounded(statusSchema, input);
  if (!parsed.success) return [];
  const report = parsed.data;
  const [error] = report.errors;
  return [
    {
      channel: 'whatsapp',
      providerId: report.id,
      messageId: report.biz_opaque_callback_data,
      status: report.status,
      error: error && {
        code: String(error.code),
        reason: error.error_data?.details ?? error.message ?? error.title ?? 'Not delivered',
      },
      isOptOut: error?.code === optOutCode,
    },
  ];
}
