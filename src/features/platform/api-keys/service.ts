import type { Context } from '../../../context.ts';
import { withoutUndefined } from '../../../lib/clean.ts';
import { randomToken, sha256 } from '../../../lib/crypto.ts';
import { AppError, invalid, notFound } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { isAddressIn } from '../../../lib/ip.ts';
import type { RateLimits, Scope } from '../../../tenancy/actor.ts';
import { type ApiKeyKind, kindRules, type Permission, permissions } from './kinds.ts';
import { type ApiKey, apiKeys } from './model.ts';

/** Scopes of a key created without any, as the document's info text says. */
const defaultScopes: Scope[] = ['lead.read', 'lead.write', 'metadata.read'];

export interface ApiKeyInput {
  kind?: ApiKeyKind | undefined;
  name: string;
  /** Of keys of kinds with permissions; all when left out. */
  permissions?: Permission[] | undefined;
  scopes?: Scope[] | undefined;
  rateLimitPerMinute?: number | undefined;
  rateLimitPerHour?: number | undefined;
  expiresAt?: Date | undefined;
  allowedIps?: string[] | undefined;
}

/** What is shown once and then only known by its hash. */
export interface IssuedSecrets {
  apiKey: string;
  clientSecret: string;
}

const issueSecrets = (kind: ApiKeyKind): IssuedSecrets => ({
  apiKey: `${kindRules[kind].prefix}${randomToken()}`,
  clientSecret: `qvoo_secret_${randomToken()}`,
});

const hashesOf = (secrets: IssuedSecrets) => ({
  keyHash: sha256(secrets.apiKey),
  secretHash: sha256(secrets.clientSecret),
});

const keyCacheKey = (keyHash: string): string => `api-key:${keyHash}`;
const idCacheKey = (id: string): string => `api-key-id:${id}`;

/** @throws AppError invalid */
export async function createApiKey(
  ctx: Context,
  workspaceId: ObjectId,
  createdBy: string,
  input: ApiKeyInput,
): Promise<{ apiKey: ApiKey; secrets: IssuedSecrets }> {
  const { kind = 'qvoo' } = input;
  const rules = kindRules[kind];
  const secrets = issueSecrets(kind);
  const now = ctx.clock.now();
  if (input.expiresAt && input.expiresAt <= now) throw invalid('expiresAt', 'Must be in the future');
  const limits = withoutUndefined<Partial<RateLimits>>({
    perMinute: input.rateLimitPerMinute ?? rules.limits?.perMinute,
    perHour: input.rateLimitPerHour,
  });
  const apiKey: ApiKey = withoutUndefined({
    _id: new ObjectId(),
    workspaceId,
    kind,
    name: input.name,
    clientId: `qvoo_client_${randomToken(12)}`,
    ...hashesOf(secrets),
    scopes: rules.hasPermissions ? [] : (input.scopes ?? defaultScopes),
    permissions: rules.hasPermissions ? (input.permissions ?? [...permissions]) : undefined,
    status: 'active' as const,
    generation: 1,
    limits,
    allowedIps: input.allowedIps ?? [],
    expiresAt: input.expiresAt,
    createdBy,
    createdAt: now,
    updatedAt: now,
  });
  await apiKeys(ctx.db).insertOne(workspaceId, apiKey);
  return { apiKey, secrets };
}

/** No workspace needs more integrations than this, and the list is not paged in the document. */
const listMax = 1_000;

export function listApiKeys(ctx: Context, workspaceId: ObjectId): Promise<ApiKey[]> {
  return apiKeys(ctx.db)
    .find(workspaceId, {}, { sort: { _id: -1 }, limit: listMax })
    .toArray();
}

/** New key and secret; the old ones and every token die at once on every process. @throws AppError not_found */
export async function rotateApiKey(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
): Promise<{ apiKey: ApiKey; secrets: IssuedSecrets }> {
  const apiKey = await apiKeys(ctx.db).findById(workspaceId, id);
  if (!apiKey) throw notFound('API key');
  const secrets = issueSecrets(apiKey.kind);
  const before = await apiKeys(ctx.db).findOneAndUpdate(
    workspaceId,
    { _id: id },
    {
      $set: { ...hashesOf(secrets), status: 'active', updatedAt: ctx.clock.now() },
      $inc: { generation: 1 },
    },
    { returnDocument: 'before' },
  );
  if (!before) throw notFound('API key');
  await forget(ctx, before);
  return { apiKey: before, secrets };
}

/** @throws AppError not_found */
export async function deleteApiKey(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<void> {
  const apiKey = await apiKeys(ctx.db).findOneAndDelete(workspaceId, { _id: id });
  if (!apiKey) throw notFound('API key');
  await forget(ctx, apiKey);
}

/**
 * Ends the credentials and every token; the key stays in the portal's list as revoked, and can be rotated.
 * @returns false when the credentials changed since `apiKey` was read: then they are dead already
 */
export async function revokeApiKey(ctx: Context, apiKey: ApiKey): Promise<boolean> {
  const isRevoked = await apiKeys(ctx.db).updateOne(
    apiKey.workspaceId,
    { _id: apiKey._id, generation: apiKey.generation },
    { $set: { status: 'revoked', updatedAt: ctx.clock.now() }, $inc: { generation: 1 } },
  );
  await forget(ctx, apiKey);
  return isRevoked;
}

async function forget(ctx: Context, apiKey: ApiKey): Promise<void> {
  await Promise.all([
    ctx.cache.invalidate(keyCacheKey(apiKey.keyHash)),
    ctx.cache.invalidate(idCacheKey(apiKey._id.toHexString())),
  ]);
}

/** The key that a caller presents, from memory when it was seen in the last seconds. */
export function findByKey(ctx: Context, key: string): Promise<ApiKey | undefined> {
  const keyHash = sha256(key);
  return ctx.cache.get(keyCacheKey(keyHash), async () => {
    return (await apiKeys(ctx.db).acrossTenants.findOne({ keyHash })) ?? undefined;
  });
}

/** The key that an access token was issued for. */
export function findByKeyId(ctx: Context, id: ObjectId): Promise<ApiKey | undefined> {
  return ctx.cache.get(idCacheKey(id.toHexString()), async () => {
    return (await apiKeys(ctx.db).acrossTenants.findOne({ _id: id })) ?? undefined;
  });
}

/** Read from the database each time: tokens are fetched rarely. */
export async function findByClientId(ctx: Context, clientId: string): Promise<ApiKey | undefined> {
  return (await apiKeys(ctx.db).acrossTenants.findOne({ clientId })) ?? undefined;
}

/** Whether the key may be used at this time, apart from what it may do. */
export function isUsable(ctx: Context, apiKey: ApiKey): boolean {
  return apiKey.status === 'active' && !isExpired(ctx, apiKey);
}

export function isExpired(ctx: Context, { expiresAt }: ApiKey): boolean {
  return expiresAt !== undefined && expiresAt <= ctx.clock.now();
}

/** @throws AppError forbidden when the key is for other addresses */
export function assertAddress({ allowedIps }: ApiKey, address: string): void {
  if (allowedIps.length === 0 || isAddressIn(address, allowedIps)) return;
  throw new AppError('forbidden', { message: 'This address may not use the credential' });
}
