import type { KeyKind } from '../../../access/key-kind.ts';
import type { Context } from '../../../context.ts';
import { invalid } from '../../../lib/errors.ts';
import type { RateLimits } from '../../../tenancy/actor.ts';
import type { ApiKey } from './model.ts';

/** How far a key's own limits may go where the server's are not larger anyway. */
const ownLimitsMax: RateLimits = { perMinute: 6_000, perHour: 100_000 };

const maximumOf = ({ config }: Context): RateLimits => ({
  perMinute: Math.max(ownLimitsMax.perMinute, config.rateLimit.perMinute),
  perHour: Math.max(ownLimitsMax.perHour, config.rateLimit.perHour),
});

/** @throws AppError invalid when a key would get more than the server allows any */
export function assertLimits(ctx: Context, { perMinute = 0, perHour = 0 }: Partial<RateLimits>): void {
  const maximum = maximumOf(ctx);
  if (perMinute > maximum.perMinute) {
    throw invalid('rateLimitPerMinute', `Must be at most ${maximum.perMinute}`);
  }
  if (perHour > maximum.perHour) throw invalid('rateLimitPerHour', `Must be at most ${maximum.perHour}`);
}

/** The limits that are a key's own: those it was made with, and its contract's unless the operator has set others. */
export function ownLimitsOf(
  { config }: Context,
  kind: KeyKind | undefined,
  { limits }: Pick<ApiKey, 'limits'>,
): Partial<RateLimits> {
  return { ...(config.isRateLimitSet ? {} : kind?.limits), ...limits };
}

/** What a key may ask for. One that was stored when keys could have more gets the maximum. */
export function limitsOf(ctx: Context, kind: KeyKind, apiKey: ApiKey): RateLimits {
  const maximum = maximumOf(ctx);
  const wanted = { ...ctx.config.rateLimit, ...ownLimitsOf(ctx, kind, apiKey) };
  return {
    perMinute: Math.min(wanted.perMinute, maximum.perMinute),
    perHour: Math.min(wanted.perHour, maximum.perHour),
  };
}
