import { z } from 'zod';
import { dateTimeOut, email } from '../../../lib/schemas.ts';
import type { Channel } from '../channels.ts';

const text = z.string().trim().min(1).max(500);
const secret = z.string().min(1).max(2_000);
const e164 = z
  .string()
  .regex(/^\+\d{4,15}$/, 'Must be a number in international form, such as +919876543210');

export const whatsappCredentials = z
  .object({
    phoneNumberId: z
      .string()
      .regex(/^\d{5,30}$/)
      .describe('Id of the sending number in the WhatsApp Business account'),
    accessToken: secret.describe('Token of a system user'),
    appSecret: secret.describe('Signs the callbacks'),
    verifyToken: z.string().min(8).max(200).describe('Answers the handshake of the callback address'),
    businessAccountId: z
      .string()
      .regex(/^\d{5,30}$/)
      .optional()
      .describe('Needed for the templates'),
    phoneNumber: e164.optional().describe('The sending number, to be shown as `from`'),
  })
  .meta({ id: 'WhatsAppProviderInput' });

export const smsCredentials = z
  .object({
    accountSid: z.string().regex(/^AC[0-9a-f]{32}$/i, 'Must be a Twilio account SID'),
    authToken: secret,
    from: z
      .union([e164, z.string().regex(/^[A-Za-z0-9 ]{1,11}$/)])
      .optional()
      .describe('Sending number or alphanumeric sender'),
    messagingServiceSid: z
      .string()
      .regex(/^MG[0-9a-f]{32}$/i, 'Must be a Twilio messaging service SID')
      .optional(),
  })
  .refine(({ from, messagingServiceSid }) => (from === undefined) !== (messagingServiceSid === undefined), {
    path: ['from'],
    message: 'Give either from or messagingServiceSid',
  })
  .meta({ id: 'SmsProviderInput' });

export const emailCredentials = z
  .object({
    host: z.hostname().max(253),
    port: z.int().min(1).max(65_535).optional().describe('587 when left out, or 465 with `secure`'),
    secure: z
      .boolean()
      .optional()
      .describe(
        'TLS from the first byte (usual on port 465); otherwise STARTTLS is used where the server offers it',
      ),
    user: text.optional(),
    password: secret.optional(),
    from: email.describe('Sender address'),
    fromName: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .regex(/^[^\r\n]*$/)
      .optional(),
    replyTo: email.optional(),
  })
  .meta({ id: 'EmailProviderInput' });

export type WhatsappCredentials = z.output<typeof whatsappCredentials>;
export type SmsCredentials = z.output<typeof smsCredentials>;
export type EmailCredentials = z.output<typeof emailCredentials>;

export interface CredentialsOf {
  whatsapp: WhatsappCredentials;
  sms: SmsCredentials;
  email: EmailCredentials;
}

export const credentialSchemas = {
  whatsapp: whatsappCredentials,
  sms: smsCredentials,
  email: emailCredentials,
} as const satisfies Record<Channel, z.ZodType>;

export const providerOut = z
  .object({
    channel: z.string(),
    provider: z.enum(['meta', 'twilio', 'smtp', 'sandbox']).describe('What serves the channel now'),
    isConfigured: z.boolean(),
    fields: z
      .record(z.string(), z.object({ endsWith: z.string().optional() }))
      .describe(
        'The fields that are set. Values are never shown again; of long ones the last four characters',
      ),
    callbackUrls: z
      .record(z.string(), z.string())
      .describe('Addresses to enter at the provider; they need the server’s PUBLIC_URL'),
    updatedAt: dateTimeOut.optional(),
  })
  .meta({ id: 'MessageProvider' });

export type ProviderOut = z.output<typeof providerOut>;
