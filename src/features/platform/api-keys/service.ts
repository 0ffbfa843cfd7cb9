import type { KeyKind } from '../../../access/key-kind.ts';
import type { Context } from '../../../context.ts';
import { withoutUndefined } from '../../../lib/clean.ts';
import { randomToken, sha256 } from '../../../lib/crypto.ts';
import { decodeCursor, encodeCursor } from '../../../lib/cursor.ts';
import { AppError, invalid, notFound } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { isAddressIn } from '../../../lib/ip.ts';
import type { RateLimits, Scope } from '../../../tenancy/actor.ts';
import { assertLimits } from './limits.ts';
import { type ApiKey, apiKeys } from './model.ts';
import { keysMax, nativeKind } from './schema.ts';

/** Scopes of a key created without any, as the document's info text says. */
const defaultScopes: Scope[] = ['lead.read', 'lead.write', 'metadata.read'];

export interface ApiKeyInput {
  kind?: string | undefined;
  name: string;
  /** Of keys of kinds with permissions; all when left out. */
  permissions?: string[] | undefined;
  scopes?: Scope[] | undefined;
  rateLimitPerMinute?: number | undefined;
  rateLimitPerHour?: number | undefined;
  expiresAt?: Date | undefined;
  allowedIps?: string[] | undefined;
}

/** What is shown once and then only known by its hash. */
export interface IssuedSecrets {
  apiKey: string;
  clientSecret?: string;
}

const issueSecrets = (kind: KeyKind): IssuedSecrets => ({
  apiKey: kind.issue(),
  ...(kind.hasClientSecret ? { clientSecret: `qvoo_secret_${randomToken()}` } : {}),
});

const tracesOf = (kind: KeyKind, { apiKey, clientSecret }: IssuedSecrets) => ({
  keyHash: sha256(apiKey),
  ...(kind.startOf ? { keyStart: kind.startOf(apiKey) } : {}),
  ...(clientSecret ? { secretHash: sha256(clientSecret) } : {}),
});

/** @throws AppError conflict for a key whose contract is not served any more */
function requireKind({ keyKinds }: Context, name: string): KeyKind {
  const kind = keyKinds.get(name);
  if (!kind) throw new AppError('conflict', { message: `There are no ${name} keys` });
  return kind;
}

const keyCacheKey = (keyHash: string): string => `api-key:${keyHash}`;
const idCacheKey = (id: string): string => `api-key-id:${id}`;

/** @throws AppError invalid; conflict when the workspace has as many as it may */
export async function createApiKey(
  ctx: Context,
  workspaceId: ObjectId,
  createdBy: string,
  input: ApiKeyInput,
): Promise<{ apiKey: ApiKey; secrets: IssuedSecrets }> {
  const kind = requireKind(ctx, input.kind ?? nativeKind);
  if (input.permissions) assertPermissions(kind, input.permissions);
  const secrets = issueSecrets(kind);
  const now = ctx.clock.now();
  if (input.expiresAt) assertFuture(ctx, input.expiresAt);
  const limits = withoutUndefined<Partial<RateLimits>>({
    perMinute: input.rateLimitPerMinute,
    perHour: input.rateLimitPerHour,
  });
  assertLimits(ctx, limits);
  if ((await apiKeys(ctx.db).count(workspaceId, {}, { limit: keysMax, hint: listIndex })) >= keysMax) {
    throw new AppError('conflict', { message: `The workspace has ${keysMax} API keys; delete one first` });
  }
  const apiKey: ApiKey = withoutUndefined({
    _id: new ObjectId(),
    workspaceId,
    kind: kind.name,
    name: input.name,
    clientId: `qvoo_client_${randomToken(12)}`,
    ...tracesOf(kind, secrets),
    scopes: kind.permissions ? [] : (input.scopes ?? defaultScopes),
    permissions: kind.permissions && [...(input.permissions ?? kind.permissions)],
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

const listIndex = 'workspaceId_1__id_-1';

/** A page of the workspace's keys, newest first. @throws AppError invalid for a broken cursor */
export async function listApiKeys(
  ctx: Context,
  workspaceId: ObjectId,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ apiKeys: ApiKey[]; nextCursor?: string | undefined }> {
  const filter = cursor === undefined ? {} : { _id: { $lt: decodeCursor(cursor).id } };
  const found = await apiKeys(ctx.db)
    .find(workspaceId, filter, { sort: { _id: -1 }, limit: limit + 1, hint: listIndex })
    .toArray();
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return { apiKeys: page, nextCursor: last && encodeCursor({ value: last.createdAt, id: last._id }) };
}

/** New key and secret; the old ones and every token die at once on every process. @throws AppError not_found */
export async function rotateApiKey(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
): Promise<{ apiKey: ApiKey; secrets: IssuedSecrets }> {
  const apiKey = await apiKeys(ctx.db).findById(workspaceId, id);
  if (!apiKey) throw notFound('API key');
  const kind = requireKind(ctx, apiKey.kind);
  const secrets = issueSecrets(kind);
  const set = { ...tracesOf(kind, secrets), status: 'active' as const, updatedAt: ctx.clock.now() };
  const before = await apiKeys(ctx.db).findOneAndUpdate(
    workspaceId,
    { _id: id },
    { $set: set, $inc: { generation: 1 } },
    { returnDocument: 'before' },
  );
  if (!before) throw notFound('API key');
  await forget(ctx, before);
  return { apiKey: { ...before, ...set }, secrets };
}

/** @throws AppError not_found */
export async function getApiKey(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<ApiKey> {
  const apiKey = await apiKeys(ctx.db).findById(workspaceId, id);
  if (!apiKey) throw notFound('API key');
  return apiKey;
}

export interface ApiKeyChanges {
  name?: string | undefined;
  permissions?: string[] | undefined;
  isActive?: boolean | undefined;
  /** Null: never. */
  expiresAt?: Date | null | undefined;
}

/**
 * Takes effect on every process at once. A revoked key stays so: who ended it had a reason, and rotating gives a new one.
 * @throws AppError not_found; invalid; bad_request for permissions that the kind doesn't have; conflict for a revoked key
 */
export async function updateApiKey(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
  { name, permissions, isActive, expiresAt }: ApiKeyChanges,
): Promise<ApiKey> {
  const { kind } = await getApiKey(ctx, workspaceId, id);
  if (permissions) assertPermissions(requireKind(ctx, kind), permissions);
  if (expiresAt) assertFuture(ctx, expiresAt);
  const $set = withoutUndefined({
    name,
    permissions,
    status: isActive === undefined ? undefined : isActive ? ('active' as const) : ('inactive' as const),
    expiresAt: expiresAt ?? undefined,
    updatedAt: ctx.clock.now(),
  });
  const filter = { _id: id, ...(isActive === undefined ? {} : { status: { $ne: 'revoked' as const } }) };
  const change = { $set, ...(expiresAt === null ? { $unset: { expiresAt: '' as const } } : {}) };
  const changed = await apiKeys(ctx.db).findOneAndUpdate(workspaceId, filter, change, { hint: { _id: 1 } });
  if (!changed) {
    await getApiKey(ctx, workspaceId, id);
    throw new AppError('conflict', { message: 'The API key was revoked; regenerate it' });
  }
  await forget(ctx, changed);
  return changed;
}

/** @throws AppError bad_request */
function assertPermissions({ permissions: known = [] }: KeyKind, given: readonly string[]): void {
  const unknown = given.filter((one) => !known.includes(one));
  if (given.length > 0 && unknown.length === 0) return;
  const reason =
    known.length === 0
      ? 'A key of this kind has no permissions'
      : `Must be of ${known.join(', ')}${unknown.length > 0 ? `; not ${unknown.join(', ')}` : ''}`;
  throw new AppError('bad_request', {
    message: 'These are not permissions that the key can have',
    details: { permissions: [reason] },
  });
}

/** @throws AppError invalid */
function assertFuture(ctx: Context, expiresAt: Date): void {
  if (expiresAt <= ctx.clock.now()) throw invalid('expiresAt', 'Must be in the future');
}

/** A key's last use is noted at most so often. */
const noteUseEveryMs = 60_000;
/** When the keys of the cache were noted last by this process. */
const notedAt = new WeakMap<ApiKey, Date>();

/** Notes that the key is used, for people who wonder whether they can delete it. Nothing depends on it. */
export async function noteUse(ctx: Context, apiKey: ApiKey): Promise<void> {
  const now = ctx.clock.now();
  const last = notedAt.get(apiKey) ?? apiKey.lastUsedAt;
  if (last && now.getTime() - last.getTime() < noteUseEveryMs) return;
  notedAt.set(apiKey, now);
  try {
    const { workspaceId, _id } = apiKey;
    await apiKeys(ctx.db).updateOne(
      workspaceId,
      { _id },
      { $max: { lastUsedAt: now } },
      { hint: { _id: 1 } },
    );
  } catch (error) {
    ctx.log.debug({ err: error }, 'the use of a key could not be noted');
  }
}

/** @throws AppError not_found */
export async function deleteApiKey(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<ApiKey> {
  const apiKey = await apiKeys(ctx.db).findOneAndDelete(workspaceId, { _id: id });
  if (!apiKey) throw notFound('API key');
  await forget(ctx, apiKey);
  return apiKey;
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
