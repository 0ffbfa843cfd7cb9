import type { Credential } from '../../../access/contract.ts';
import type { KeyKind } from '../../../access/key-kind.ts';
import { actorOfKey } from '../api-keys/actor.ts';
import { findByAccessToken } from './service.ts';

/** The access tokens of one contract's keys, as a credential. Its signature shows whether a text is one. */
export const accessTokensOf = (kind: KeyKind): Credential => ({
  isFormed: () => true,
  async identify(ctx, text, address) {
    const apiKey = await findByAccessToken(ctx, text);
    const actor = apiKey && actorOfKey(ctx, kind, apiKey, 'oauth', address);
    return actor && { actor };
  },
});
