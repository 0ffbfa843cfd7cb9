import type { Context } from '../../context.ts';
import { findSession } from './sessions.ts';

/** Session tokens as a credential: in a header of scripts, in the cookie of browsers. */
export const sessionTokens = {
  isFormed: () => true,
  async identify(ctx: Context, text: string) {
    const session = await findSession(ctx, text);
    return session && { session };
  },
};
