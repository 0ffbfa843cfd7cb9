import { z } from 'zod';
import { cursor, dateTimeOut, limitOf, phoneNumber, storable } from '../../../lib/schemas.ts';
import { conversationStatuses, directions } from '../messages/model.ts';

/** WhatsApp's own limits. */
const textLengthMax = 4_096;
const componentsMax = 20;
const variablesMax = 50;
const variableLengthMax = 1_024;

export const textInput = z
  .object({ to: phoneNumber, body: z.string().min(1).max(textLengthMax) })
  .meta({ id: 'WhatsAppTextInput' });

export const templateInput = z
  .object({
    to: phoneNumber,
    name: z.string().trim().min(1).max(512),
    language: z.string().trim().min(2).max(20),
    components: z
      .array(storable(z.record(z.string(), z.unknown())).meta({ type: 'object' }))
      .max(componentsMax)
      .optional()
      .describe('Parameters by component, as the Cloud API takes them'),
    variables: z
      .array(z.string().min(1).max(variableLengthMax))
      .max(variablesMax)
      .optional()
      .describe('Values for {{1}}, {{2}}, … of the body'),
  })
  .refine(({ components, variables }) => !components?.length || !variables?.length, {
    path: ['variables'],
    message: 'Give either components or variables',
  })
  .meta({ id: 'WhatsAppTemplateInput' });

export type TextInput = z.output<typeof textInput>;
export type TemplateInput = z.output<typeof templateInput>;

export const sentOut = z
  .object({
    success: z.literal(true).meta({ type: 'boolean' }),
    data: z.object({
      wamid: z.string(),
      message: z.object({
        _id: z.string(),
        workspaceId: z.string(),
        conversationId: z.string().optional(),
        direction: z.enum(directions),
        from: z.string().optional(),
        to: z.string(),
        type: z.string(),
        body: z.string().optional(),
        status: z.string(),
        timestamp: dateTimeOut,
      }),
    }),
  })
  .meta({ id: 'WhatsAppSentResponse' });

export const conversationQuery = z.object({
  limit: limitOf(20),
  cursor,
  search: z.string().min(1).max(200).optional().describe('Whole words of the name, or a phone number'),
  status: z.enum(conversationStatuses).optional(),
});

export const conversationOut = z
  .object({
    _id: z.string(),
    customerWaId: z.string(),
    customerName: z.string().optional(),
    customerPhone: z.string(),
    status: z.enum(conversationStatuses),
    leadId: z.string().optional(),
    contactId: z.string().optional(),
    lastMessagePreview: z.string().optional(),
    lastMessageDirection: z.enum(directions).optional(),
    lastMessageAt: dateTimeOut,
  })
  .meta({ id: 'WhatsAppConversation' });

export const conversationPage = z.object({
  success: z.literal(true).meta({ type: 'boolean' }),
  conversations: z.array(conversationOut),
  nextCursor: z.string().nullable(),
});

export const conversationPatch = z
  .object({ status: z.enum(conversationStatuses) })
  .meta({ id: 'WhatsAppConversationPatch' });

export const templateOut = z
  .object({
    _id: z.string(),
    name: z.string(),
    language: z.string(),
    category: z.string().optional(),
    status: z.string().optional(),
    components: z.array(z.looseObject({ type: z.string().optional(), text: z.string().optional() })),
    syncedAt: dateTimeOut,
  })
  .meta({ id: 'WhatsAppTemplate' });

export type ConversationOut = z.output<typeof conversationOut>;
export type SentOut = z.output<typeof sentOut>;
export type TemplateOut = z.output<typeof templateOut>;
