import { grantOf, type KeyKind } from '../../../access/key-kind.ts';
import type { Context } from '../../../context.ts';
import { AppError } from '../../../lib/errors.ts';
import { parseId } from '../../../lib/ids.ts';
import type { Actor } from '../../../tenancy/actor.ts';
import { limitsOf } from './limits.ts';
import type { ApiKey } from './model.ts';
import { assertAddress, isUsable } from './service.ts';

/** The actors that were made of a key. They live as long as the key does in the cache, and change with it. */
const actors = new WeakMap<ApiKey, Map<Actor['kind'], Actor>>();

/**
 * Whom a key of this kind, or a token of it, stands for; undefined when it is of another kind or dead.
 * @throws AppError forbidden from another address than it is for
 */
export function actorOfKey(
  ctx: Context,
  kind: KeyKind,
  apiKey: ApiKey,
  by: 'apiKey' | 'oauth',
  address: string,
): Actor | undefined {
  if (apiKey.kind !== kind.name || !isUsable(ctx, apiKey)) return undefined;
  assertAddress(apiKey, address);
  if (apiKey.scopes.includes('admin')) {
    throw new AppError('forbidden', {
      message: 'The admin scope was removed; issue a key with granular scopes',
    });
  }
  const known = actors.get(apiKey)?.get(by);
  if (known) return known;
  const permissions = apiKey.permissions ?? [];
  const actor: Actor = {
    kind: by,
    id: apiKey._id.toHexString(),
    workspaceId: apiKey.workspaceId,
    scopes: new Set([...apiKey.scopes, ...permissions.map((permission) => grantOf(kind.name, permission))]),
    limits: limitsOf(ctx, kind, apiKey),
    userId: parseId(apiKey.createdBy)?.toHexString(),
  };
  actors.set(apiKey, (actors.get(apiKey) ?? new Map()).set(by, actor));
  return actor;
}
