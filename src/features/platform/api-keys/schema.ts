import { z } from 'zod';
import { type KeyKind, toPermissions } from '../../../access/key-kind.ts';
import { isAddressOrRange } from '../../../lib/ip.ts';
import { cursor, dateTime, dateTimeOut, envelope, shortText } from '../../../lib/schemas.ts';
import type { Scope } from '../../../tenancy/actor.ts';

/** The kind of a key that is made without naming one. */
export const nativeKind = 'qvoo';

/** Of the type; how much a server allows is a matter of its configuration. */
const requestsMax = 1_000_000_000;
const requestLimit = z.int().min(1).max(requestsMax);

/** More than any contract has of either. */
const resourcesMax = 50;

/** Actions that a key may do, by the resource that they are done to. */
export const actionsByResource = z
  .record(z.string().min(1).max(100), z.array(z.string().min(1).max(100)).max(resourcesMax))
  .refine((resources) => Object.keys(resources).length <= resourcesMax, `At most ${resourcesMax} resources`);

const settingsOut = {
  rateLimitPerMinute: z.int().optional(),
  rateLimitPerHour: z.int().optional(),
  expiresAt: dateTimeOut.optional(),
  allowedIps: z.array(z.string()).optional(),
};

const withMessage = <T extends z.ZodRawShape>(data: T) =>
  envelope(z.object(data)).extend({ message: z.string() });

/** Most that one page shows, and so many keys a workspace may have. */
export const keysMax = 1_000;

export const apiKeyQuery = z.object({
  limit: z.coerce.number().int().min(1).max(keysMax).default(keysMax),
  cursor,
});

export const developerSettings = z.object({
  oauthEnforced: z.boolean().describe('API keys are refused as X-API-Key; only bearer tokens work'),
});

/** What requests and answers look like, given the kinds of keys and the scopes that there are. */
export function apiKeySchemas(kinds: ReadonlyMap<string, KeyKind>, scopes: readonly Scope[]) {
  const scope = z.enum(scopes, { error: `Must be one of ${scopes.join(', ')}` });
  const kind = z.enum([...kinds.keys()]);
  const permission = z.enum(
    [...kinds.values()].flatMap(({ permissions = [], permissionsAs = 'list' }) =>
      permissionsAs === 'list' ? permissions : [],
    ),
  );
  const actionsOut = z.record(z.string(), z.array(z.string()));
  const permissionsOut = z.union([z.array(permission), actionsOut]);

  const input = z
    .object({
      name: shortText,
      kind: kind.optional().describe('The contract that the key opens; qvoo, the native one, when left out'),
      permissions: z
        .union([z.array(permission).min(1).max(permission.options.length), actionsByResource])
        .optional()
        .describe(
          'In place of scopes, for keys of other contracts: a list, or lists of actions by resource; all when left out',
        ),
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
    .superRefine(({ kind = nativeKind, ...given }, context) => {
      const { permissions, permissionsAs = 'list' } = kinds.get(kind) ?? {};
      const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
      const misplaced = permissions ? 'scopes' : 'permissions';
      if (given[misplaced] !== undefined) refuse([misplaced], `A key of this kind has no ${misplaced}`);
      else if (permissions && given.permissions) {
        const list = Array.isArray(given.permissions) ? given.permissions : undefined;
        if ((list !== undefined) !== (permissionsAs === 'list')) {
          refuse(['permissions'], list ? 'Must be lists of actions by resource' : 'Must be a list');
        } else if (list?.some((one) => !permissions.includes(one))) {
          refuse(['permissions'], `Must be of ${permissions.join(', ')}`);
        }
      }
    })
    .transform(({ permissions, ...given }) => ({
      ...given,
      permissions: permissions && (Array.isArray(permissions) ? permissions : toPermissions(permissions)),
    }))
    .meta({ id: 'ApiKeyInput' });

  const out = z
    .object({
      _id: z.string(),
      name: z.string(),
      clientId: z.string(),
      kind,
      scopes: z.array(z.string()),
      permissions: permissionsOut.optional(),
      status: z.enum(['active', 'inactive', 'revoked', 'expired']),
      ...settingsOut,
      createdAt: dateTimeOut,
    })
    .meta({ id: 'ApiKey' });

  const credentials = {
    _id: z.string(),
    clientId: z.string(),
    clientSecret: z.string().optional().describe('Shown once; keys of other contracts have none'),
    apiKey: z.string().describe('Shown once'),
  };
  const created = withMessage({
    ...credentials,
    name: z.string(),
    kind,
    scopes: z.array(z.string()),
    permissions: permissionsOut.optional(),
    ...settingsOut,
  });
  const list = envelope(z.array(out)).extend({
    nextCursor: z.string().optional().describe('Of the next page, if there is one'),
  });
  return { input, list, created, rotated: withMessage(credentials) };
}
