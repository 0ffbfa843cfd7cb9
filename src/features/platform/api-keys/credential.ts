import type { Credential } from '../../../access/contract.ts';
import type { KeyKind } from '../../../access/key-kind.ts';
import { actorOfKey } from './actor.ts';
import { findByKey, noteUse } from './service.ts';

/** The API keys of one contract, as a credential. */
export const apiKeysOf = (kind: KeyKind): Credential => ({
  isFormed: kind.isFormed,
  async identify(ctx, text, address) {
    const apiKey = await findByKey(ctx, text);
    const actor = apiKey && actorOfKey(ctx, kind, apiKey, 'apiKey', address);
    if (!actor) return undefined;
    await noteUse(ctx, apiKey);
    return { actor };
  },
});
