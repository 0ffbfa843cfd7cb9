import type { RateLimits } from '../../../tenancy/actor.ts';

/** The contracts that keys are made for; a key opens only its own. */
export const apiKeyKinds = ['qvoo', 'cratio'] as const;
export type ApiKeyKind = (typeof apiKeyKinds)[number];

/** What a key of a contract without scopes may do. */
export const permissions = ['read', 'write', 'delete'] as const;
export type Permission = (typeof permissions)[number];

interface KindRules {
  /** What the contract's keys begin with. */
  prefix: string;
  /** Whether keys carry permissions instead of scopes. */
  hasPermissions: boolean;
  /** The contract's own limits, where they differ from the server's. */
  limits?: Partial<RateLimits>;
}

export const kindRules: Record<ApiKeyKind, KindRules> = {
  qvoo: { prefix: 'qvoo_live_', hasPermissions: false },
  cratio: { prefix: 'le_live_', hasPermissions: true, limits: { perMinute: 100 } },
};
