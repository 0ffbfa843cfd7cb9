import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Channel } from '../channels.ts';
import { type ProviderAccount, providerAccounts } from './model.ts';
import { type CredentialsOf, credentialSchemas } from './schema.ts';

/** The stored credentials can't be read: they were sealed with another key. */
export class UnreadableCredentials extends Error {}

const cacheKey = (workspaceId: ObjectId, channel: Channel): string =>
  `message-provider:${workspaceId.toHexString()}:${channel}`;

/** The workspace's account, from memory when it was read in the last seconds. */
export async function findAccount(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
): Promise<ProviderAccount | undefined> {
  // Wrapped, so that "has none" is remembered too.
  const found = await ctx.cache.get(cacheKey(workspaceId, channel), async () => ({
    account: await providerAccounts(ctx.db).findOne(workspaceId, { channel }),
  }));
  return found?.account ?? undefined;
}

/** The credentials that serve a channel; undefined where the sandbox does. @throws UnreadableCredentials */
export async function findCredentials<C extends Channel>(
  ctx: Context,
  workspaceId: ObjectId,
  channel: C,
): Promise<CredentialsOf[C] | undefined> {
  const account = await findAccount(ctx, workspaceId, channel);
  return account && openCredentials<C>(ctx, account);
}

/** @throws UnreadableCredentials */
export function openCredentials<C extends Channel>(ctx: Context, account: ProviderAccount): CredentialsOf[C] {
  try {
    const stored: unknown = JSON.parse(ctx.secretBox.open(account.sealed));
    return credentialSchemas[account.channel].parse(stored) as CredentialsOf[C];
  } catch (error) {
    throw new UnreadableCredentials('The stored provider credentials can’t be read; store them again', {
      cause: error,
    });
  }
}

/** Stores the credentials in place of any earlier ones; every process uses them at once. */
export async function storeCredentials<C extends Channel>(
  ctx: Context,
  workspaceId: ObjectId,
  channel: C,
  credentials: CredentialsOf[C],
): Promise<ProviderAccount> {
  const now = ctx.clock.now();
  const sealed = ctx.secretBox.seal(JSON.stringify(credentials));
  const stored = await providerAccounts(ctx.db).upsert(
    workspaceId,
    { channel },
    { $set: { sealed, updatedAt: now }, $setOnInsert: { createdAt: now } },
  );
  await ctx.cache.invalidate(cacheKey(workspaceId, channel));
  return stored;
}

/** Forgets the credentials; the sandbox serves from now on. Forgetting what is not there is done already. */
export async function deleteCredentials(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
): Promise<void> {
  await providerAccounts(ctx.db).deleteMany(workspaceId, { channel });
  await ctx.cache.invalidate(cacheKey(workspaceId, channel));
}
