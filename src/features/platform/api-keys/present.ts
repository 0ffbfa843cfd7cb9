import { toActions } from '../../../access/key-kind.ts';
import type { Context } from '../../../context.ts';
import { ownLimitsOf } from './limits.ts';
import type { ApiKey } from './model.ts';
import { type IssuedSecrets, isExpired } from './service.ts';

/** As requests of the key's kind write them. */
function presentPermissions(ctx: Context, { kind, permissions }: ApiKey) {
  const { permissionsAs } = ctx.keyKinds.get(kind) ?? {};
  return permissions && (permissionsAs === 'actionsByResource' ? toActions(permissions) : permissions);
}

function presentSettings(ctx: Context, apiKey: ApiKey) {
  const { expiresAt, allowedIps, kind } = apiKey;
  const { perMinute, perHour } = ownLimitsOf(ctx, ctx.keyKinds.get(kind), apiKey);
  return {
    rateLimitPerMinute: perMinute,
    rateLimitPerHour: perHour,
    expiresAt: expiresAt?.toISOString(),
    allowedIps: allowedIps.length > 0 ? allowedIps : undefined,
  };
}

/** A key without its secrets, which nobody can show again. */
export const presentApiKey = (ctx: Context, apiKey: ApiKey) => ({
  _id: apiKey._id.toHexString(),
  name: apiKey.name,
  clientId: apiKey.clientId,
  kind: apiKey.kind,
  scopes: apiKey.scopes,
  permissions: presentPermissions(ctx, apiKey),
  status: apiKey.status === 'active' && isExpired(ctx, apiKey) ? ('expired' as const) : apiKey.status,
  ...presentSettings(ctx, apiKey),
  createdAt: apiKey.createdAt.toISOString(),
});

/** The only time that the secrets leave the server. */
export const presentIssued = (ctx: Context, apiKey: ApiKey, secrets: IssuedSecrets) => ({
  _id: apiKey._id.toHexString(),
  name: apiKey.name,
  clientId: apiKey.clientId,
  ...secrets,
  kind: apiKey.kind,
  scopes: apiKey.scopes,
  permissions: presentPermissions(ctx, apiKey),
  ...presentSettings(ctx, apiKey),
});
