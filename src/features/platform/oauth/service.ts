import { assertWelcome, countRefusal, remember, sourceOf } from '../../../access/refusals.ts';
import type { Context } from '../../../context.ts';
import { isEqualConstantTime, randomToken, sha256 } from '../../../lib/crypto.ts';
import { AppError } from '../../../lib/errors.ts';
import { ObjectId, parseId } from '../../../lib/ids.ts';
import {
  type AccessClaims,
  accessTokenSeconds,
  type RefreshClaims,
  refreshTokenSeconds,
  signToken,
  verifyToken,
} from '../../../tenancy/tokens.ts';
import type { ApiKey } from '../api-keys/model.ts';
import { assertAddress, findByClientId, findByKeyId, isUsable, revokeApiKey } from '../api-keys/service.ts';
import { type TokenFamily, tokenFamilies } from './model.ts';

export interface TokenPair {
  accessToken: string;
  refreshToken: string;
  expiresIn: number;
  scope: string;
}

export interface ClientCredentials {
  clientId: string;
  clientSecret: string;
  /** Where the client calls from. */
  address: string;
}

const familyCacheKey = (id: string): string => `token-family:${id}`;
const invalidClient = () => new AppError('unauthorized', { message: 'Invalid client credentials' });
const invalidRefreshToken = () =>
  new AppError('unauthorized', { message: 'Invalid or expired refresh token' });

/** @throws AppError unauthorized, the same for an unknown client and a wrong secret; forbidden */
async function authenticateClient(ctx: Context, credentials: ClientCredentials): Promise<ApiKey> {
  const source = sourceOf(credentials.address);
  const proof = `${credentials.clientId}:${credentials.clientSecret}`;
  await assertWelcome(ctx, source, proof);
  const apiKey = await findByClientId(ctx, credentials.clientId);
  // Compared in any case, so that the time doesn't tell whether the client exists.
  const isSecretRight = isEqualConstantTime(sha256(credentials.clientSecret), apiKey?.secretHash ?? '');
  if (!apiKey || !isSecretRight || !mayHaveTokens(ctx, apiKey)) {
    await countRefusal(ctx, source, proof);
    throw invalidClient();
  }
  assertAddress(apiKey, credentials.address);
  remember(ctx, proof);
  return apiKey;
}

/** Tokens open the native contract, whose keys have client secrets; other contracts' keys get none. */
const mayHaveTokens = (ctx: Context, apiKey: ApiKey): boolean =>
  isUsable(ctx, apiKey) && ctx.keyKinds.get(apiKey.kind)?.hasClientSecret === true;

/** Exchanges client credentials for tokens with the key's scopes. @throws AppError unauthorized */
export async function issueTokens(ctx: Context, credentials: ClientCredentials): Promise<TokenPair> {
  const apiKey = await authenticateClient(ctx, credentials);
  const familyId = new ObjectId();
  const refreshToken = signRefreshToken(ctx, apiKey, familyId);
  const now = ctx.clock.now();
  await tokenFamilies(ctx.db).insertOne(apiKey.workspaceId, {
    _id: familyId,
    workspaceId: apiKey.workspaceId,
    apiKeyId: apiKey._id,
    generation: apiKey.generation,
    currentHash: sha256(refreshToken),
    expiresAt: new Date(now.getTime() + refreshTokenSeconds * 1_000),
    createdAt: now,
  });
  return tokenPair(ctx, apiKey, familyId, refreshToken);
}

/**
 * Exchanges a refresh token for a new pair, once. Of two parallel uses one succeeds; any use of a spent token revokes
 * the whole family, since the client and a thief can't be told apart. @throws AppError unauthorized
 */
export async function refreshTokens(ctx: Context, refreshToken: string, address: string): Promise<TokenPair> {
  const source = sourceOf(address);
  await assertWelcome(ctx, source, refreshToken);
  const refused = async () => {
    await countRefusal(ctx, source);
    return invalidRefreshToken();
  };
  const claims = verifyToken<RefreshClaims>(ctx, refreshToken, 'refresh');
  const familyId = parseId(claims?.family);
  const workspaceId = parseId(claims?.workspaceId);
  const apiKeyId = parseId(claims?.sub);
  if (!familyId || !workspaceId || !apiKeyId) throw await refused();

  const apiKey = await findByKeyId(ctx, apiKeyId);
  if (!apiKey || !mayHaveTokens(ctx, apiKey)) throw await refused();
  assertAddress(apiKey, address);
  const next = signRefreshToken(ctx, apiKey, familyId);
  const family = await tokenFamilies(ctx.db).findOneAndUpdate(
    workspaceId,
    {
      _id: familyId,
      currentHash: sha256(refreshToken),
      revokedAt: { $exists: false },
      generation: apiKey.generation,
    },
    {
      $set: {
        currentHash: sha256(next),
        expiresAt: new Date(ctx.clock.now().getTime() + refreshTokenSeconds * 1_000),
      },
    },
  );
  if (!family) {
    await revokeFamily(ctx, workspaceId, familyId);
    throw await refused();
  }
  remember(ctx, next);
  return tokenPair(ctx, apiKey, familyId, next);
}

/** Ends the client's credentials, API key included, and all its tokens. @throws AppError unauthorized */
export async function revokeCredentials(ctx: Context, credentials: ClientCredentials): Promise<void> {
  const isRevoked = await revokeApiKey(ctx, await authenticateClient(ctx, credentials));
  if (!isRevoked) throw invalidClient();
}

/** The API key behind a live access token; undefined for any token that is not. */
export async function findByAccessToken(ctx: Context, token: string): Promise<ApiKey | undefined> {
  const claims = verifyToken<AccessClaims>(ctx, token, 'access');
  const apiKeyId = parseId(claims?.sub);
  const familyId = parseId(claims?.family);
  if (!claims || !apiKeyId || !familyId) return undefined;
  const [apiKey, family] = await Promise.all([findByKeyId(ctx, apiKeyId), findFamily(ctx, familyId)]);
  if (!apiKey || !family || family.revokedAt) return undefined;
  return apiKey.generation === claims.generation && isUsable(ctx, apiKey) ? apiKey : undefined;
}

function findFamily(ctx: Context, familyId: ObjectId): Promise<TokenFamily | undefined> {
  return ctx.cache.get(familyCacheKey(familyId.toHexString()), async () => {
    return (await tokenFamilies(ctx.db).acrossTenants.findOne({ _id: familyId })) ?? undefined;
  });
}

async function revokeFamily(ctx: Context, workspaceId: ObjectId, familyId: ObjectId): Promise<void> {
  await tokenFamilies(ctx.db).updateOne(
    workspaceId,
    { _id: familyId },
    { $set: { revokedAt: ctx.clock.now() } },
  );
  await ctx.cache.invalidate(familyCacheKey(familyId.toHexString()));
}

function signRefreshToken(ctx: Context, apiKey: ApiKey, familyId: ObjectId): string {
  const claims: RefreshClaims = {
    typ: 'refresh',
    sub: apiKey._id.toHexString(),
    workspaceId: apiKey.workspaceId.toHexString(),
    family: familyId.toHexString(),
    jti: randomToken(16),
  };
  return signToken(ctx, claims, refreshTokenSeconds);
}

function tokenPair(ctx: Context, apiKey: ApiKey, familyId: ObjectId, refreshToken: string): TokenPair {
  const claims: AccessClaims = {
    typ: 'access',
    sub: apiKey._id.toHexString(),
    workspaceId: apiKey.workspaceId.toHexString(),
    generation: apiKey.generation,
    family: familyId.toHexString(),
  };
  return {
    accessToken: signToken(ctx, claims, accessTokenSeconds),
    refreshToken,
    expiresIn: accessTokenSeconds,
    scope: apiKey.scopes.join(' '),
  };
}
