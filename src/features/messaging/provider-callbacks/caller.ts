import type { FastifyRequest } from 'fastify';
import { assertWelcome, countRefusal, remember, sourceOf } from '../../../access/refusals.ts';
import type { Context } from '../../../context.ts';
import { AppError } from '../../../lib/errors.ts';

type Callback = Pick<FastifyRequest, 'ip' | 'params'>;

/**
 * All workspaces' callbacks come from the same few addresses of a provider, so one workspace's wrong secret must not
 * shut out the others': what names a workspace with an account is counted for that workspace there, the rest for the
 * address alone, and a workspace whose callbacks were right goes on.
 */
const sourcesOf = ({ ip, params }: Callback) => {
  const { workspaceId } = params as { workspaceId: string };
  return { address: sourceOf(ip), workspace: `${sourceOf(ip)}:${workspaceId.toLowerCase()}` };
};

/** @throws AppError rate_limited when too much of what came from there was wrong */
export async function assertCallbackWelcome(ctx: Context, request: Callback): Promise<void> {
  const { address, workspace } = sourcesOf(request);
  await assertWelcome(ctx, address, workspace);
  await assertWelcome(ctx, workspace);
}

/** Remembers that the callback was signed. */
export function trustCallback(ctx: Context, request: Callback): void {
  remember(ctx, sourcesOf(request).workspace);
}

/**
 * The error for a callback that proves nothing. A wrong signature, a workspace without an account and no workspace at
 * all look the same from outside. @throws AppError rate_limited when it was one too many
 */
export async function refuseCallback(
  ctx: Context,
  request: Callback,
  hasAccount: boolean,
): Promise<AppError> {
  const { address, workspace } = sourcesOf(request);
  await countRefusal(ctx, hasAccount ? workspace : address);
  return new AppError('forbidden', { message: 'The signature does not match' });
}
