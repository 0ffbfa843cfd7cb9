import type { Context } from '../../../context.ts';
import type { ApiKey } from './model.ts';
import type { ApiKeyOut } from './schema.ts';
import { type IssuedSecrets, isExpired } from './service.ts';

const presentSettings = ({ limits, expiresAt, allowedIps }: ApiKey) => ({
  rateLimitPerMinute: limits?.perMinute,
  rateLimitPerHour: limits?.perHour,
  expiresAt: expiresAt?.toISOString(),
  allowedIps: allowedIps.length > 0 ? allowedIps : undefined,
});

/** A key without its secrets, which nobody can show again. */
export const presentApiKey = (ctx: Context, apiKey: ApiKey): ApiKeyOut => ({
  _id: apiKey._id.toHexString(),
  name: apiKey.name,
  clientId: apiKey.clientId,
  kind: apiKey.kind,
  scopes: apiKey.scopes,
  permissions: apiKey.permissions,
  status: apiKey.status === 'active' && isExpired(ctx, apiKey) ? 'expired' : apiKey.status,
  ...presentSettings(apiKey),
  createdAt: apiKey.createdAt.toISOString(),
});

/** The only time that the secrets leave the server. */
export const presentIssued = (apiKey: ApiKey, secrets: IssuedSecrets) => ({
  _id: apiKey._id.toHexString(),
  name: apiKey.name,
  clientId: apiKey.clientId,
  ...secrets,
  kind: apiKey.kind,
  scopes: apiKey.scopes,
  permissions: apiKey.permissions,
  ...presentSettings(apiKey),
});
