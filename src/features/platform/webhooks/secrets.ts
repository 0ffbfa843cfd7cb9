import type { Context } from '../../../context.ts';
import type { PreviousSecret, Subscription } from './model.ts';

/** How long the secret before a rotation signs too. */
const previousSecretMs = 24 * 60 * 60 * 1_000;
/** Each costs a signature on every request. */
const previousSecretsMax = 10;

/**
 * The secrets that sign beside the present one, latest first. Not only the last: a rotation whose answer got lost is
 * repeated, and the receiver still knows the secret before both.
 */
export function earlierSecrets(
  ctx: Context,
  { previousSecrets, previousSecret }: Subscription,
): PreviousSecret[] {
  const known = previousSecrets ?? (previousSecret ? [previousSecret] : []);
  return known.filter(({ expiresAt }) => expiresAt > ctx.clock.now());
}

/** The subscription's change to a new secret. @param sealed the new one */
export function rotation(ctx: Context, subscription: Subscription, sealed: string) {
  const expiresAt = new Date(ctx.clock.now().getTime() + previousSecretMs);
  const earlier = [{ secret: subscription.secret, expiresAt }, ...earlierSecrets(ctx, subscription)];
  return {
    set: { secret: sealed, previousSecrets: earlier.slice(0, previousSecretsMax) },
    unset: ['previousSecret'],
  };
}
