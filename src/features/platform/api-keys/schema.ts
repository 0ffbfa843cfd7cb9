import { z } from 'zod';
import { isAddressOrRange } from '../../../lib/ip.ts';
import { dateTime, dateTimeOut, envelope, shortText } from '../../../lib/schemas.ts';
import { scopes } from '../../../tenancy/actor.ts';
import { apiKeyKinds, kindRules, permissions } from './kinds.ts';

const scope = z.enum(scopes, { error: `Must be one of ${scopes.join(', ')}` });

/** More than any machine answers. */
const requestsMax = 1_000_000_000;
const requestLimit = z.int().min(1).max(requestsMax);

export const apiKeyInput = z
  .object({
    name: shortText,
    kind: z
      .enum(apiKeyKinds)
      .optional()
      .describe('The contract that the key opens; qvoo, the native one, when left out'),
    permissions: z
      .array(z.enum(permissions))
      .min(1)
      .max(permissions.length)
      .optional()
      .describe('In place of scopes, for keys of other contracts; all when left out'),
    scopes: z
      .array(scope)
      .min(1)
      .max(100)
      .transform((given) => [...new Set(given)])
      .optional()
      .describe('Left out: lead.read, lead.write and metadata.read'),
    rateLimitPerMinute: requestLimit.optional(),
    rateLimitPerHour: requestLimit.optional(),
    expiresAt: dateTime.optional().describe('The key is refused from then on'),
    allowedIps: z
      .array(z.string().refine(isAddressOrRange, 'Must be an IP address or a CIDR range'))
      .max(100)
      .optional()
      .describe('Addresses and CIDR ranges that may use the key; none: all'),
  })
  .superRefine((input, context) => {
    const { hasPermissions } = kindRules[input.kind ?? 'qvoo'];
    const misplaced = hasPermissions ? 'scopes' : 'permissions';
    if (input[misplaced] === undefined) return;
    context.addIssue({
      code: 'custom',
      path: [misplaced],
      message: `A key of this kind has no ${misplaced}`,
    });
  })
  .meta({ id: 'ApiKeyInput' });

const settings = {
  rateLimitPerMinute: z.int().optional(),
  rateLimitPerHour: z.int().optional(),
  expiresAt: dateTimeOut.optional(),
  allowedIps: z.array(z.string()).optional(),
};

const credentials = {
  _id: z.string(),
  clientId: z.string(),
  clientSecret: z.string().describe('Shown once'),
  apiKey: z.string().describe('Shown once'),
};

export const apiKeyOut = z
  .object({
    _id: z.string(),
    name: z.string(),
    clientId: z.string(),
    kind: z.enum(apiKeyKinds),
    scopes: z.array(z.string()),
    permissions: z.array(z.enum(permissions)).optional(),
    status: z.enum(['active', 'revoked', 'expired']),
    ...settings,
    createdAt: dateTimeOut,
  })
  .meta({ id: 'ApiKey' });

const withMessage = <T extends z.ZodRawShape>(data: T) =>
  envelope(z.object(data)).extend({ message: z.string() });

export const apiKeyCreated = withMessage({
  ...credentials,
  name: z.string(),
  kind: z.enum(apiKeyKinds),
  scopes: z.array(z.string()),
  permissions: z.array(z.enum(permissions)).optional(),
  ...settings,
});
export const apiKeyRotated = withMessage(credentials);

export const developerSettings = z.object({
  oauthEnforced: z.boolean().describe('API keys are refused as X-API-Key; only bearer tokens work'),
});

export type ApiKeyOut = z.output<typeof apiKeyOut>;
