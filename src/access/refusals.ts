import { LRUCache } from 'lru-cache';
import type { Context } from '../context.ts';
import { sha256 } from '../lib/crypto.ts';
import { networkOf } from '../lib/ip.ts';
import { secondsToWait, tooMany, windowsOf } from './limits.ts';

/**
 * What nobody vouches for (wrong keys, tokens and client secrets, callbacks that are not signed) is counted by the
 * address that it comes from, with the server's limits. Once they are used up, the address gets 429 and nothing of it
 * is looked up any more, save for a credential that was right within the last day: who shares an address with a
 * guesser goes on working. Requests that are under way together may each be looked up; each is counted.
 */

/** As many sources and credentials as a process has in mind at the same time. */
const rememberedMax = 20_000;
/** How long a credential that was right is let through an address that is refused. */
const acceptedSeconds = 24 * 3_600;

interface Memory {
  /** Source → until when it is refused without a look. */
  refusedUntil: LRUCache<string, number>;
  /** Credentials that were right in this process. All processes' are in Redis, by their hashes. */
  accepted: LRUCache<string, true>;
}

const memories = new WeakMap<Context, Memory>();

function memoryOf(ctx: Context): Memory {
  let memory = memories.get(ctx);
  if (!memory) {
    memory = {
      refusedUntil: new LRUCache({ max: rememberedMax }),
      accepted: new LRUCache({ max: rememberedMax }),
    };
    memories.set(ctx, memory);
  }
  return memory;
}

/** Whose refusals are counted together. */
export const sourceOf = (address: string): string => `refused:${networkOf(address)}`;

const acceptedKey = (ctx: Context, credential: string): string =>
  `${ctx.redisPrefix}:accepted:${sha256(credential)}`;

/** @throws AppError rate_limited when too much of this source was refused and the credential is none that we know */
export async function assertWelcome(ctx: Context, source: string, credential?: string): Promise<void> {
  const { refusedUntil, accepted } = memoryOf(ctx);
  if (refusedUntil.size === 0) return;
  const waitMs = (refusedUntil.get(source) ?? 0) - ctx.clock.now().getTime();
  if (waitMs <= 0) return;
  if (credential !== undefined) {
    if (accepted.has(credential)) return;
    const isKnown = await ctx.redis.exists(acceptedKey(ctx, credential)).catch(() => 0);
    if (isKnown) return;
  }
  throw tooMany(Math.ceil(waitMs / 1_000));
}

/** Counts something that was wrong. @throws AppError rate_limited instead of what the caller was about to answer */
export async function countRefusal(ctx: Context, source: string, credential?: string): Promise<void> {
  const { refusedUntil, accepted } = memoryOf(ctx);
  if (credential !== undefined) {
    accepted.delete(credential);
    // Whichever process it was right in: it is dead in all of them.
    void ctx.redis.del(acceptedKey(ctx, credential)).catch(() => undefined);
  }
  const wait = secondsToWait(await ctx.counters.hit(windowsOf(source)), ctx.config.rateLimit);
  if (wait === undefined) return;
  refusedUntil.set(source, ctx.clock.now().getTime() + wait * 1_000);
  throw tooMany(wait);
}

/** Remembers a credential that was right. */
export function remember(ctx: Context, credential: string): void {
  const { accepted } = memoryOf(ctx);
  if (accepted.get(credential)) return;
  accepted.set(credential, true);
  void ctx.redis.set(acceptedKey(ctx, credential), '1', 'EX', acceptedSeconds).catch(() => undefined);
}
