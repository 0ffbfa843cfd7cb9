import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Context } from '../context.ts';

/** One departure, or the intention of one. */
export interface Turn {
  readonly at: number;
}

/** What leaves in a second, wherever that second begins. Knows of this process only. */
export interface Pace {
  /** A turn now, or how long to wait before asking again. */
  take(now: number): Turn | { waitMs: number };
  /** The turn was not used. */
  giveBack(turn: Turn): void;
}

const secondMs = 1_000;
const pacesMax = 10_000;

export function createPace(perSecond: number): Pace {
  /** The last ones, oldest first. */
  const turns: Turn[] = [];
  return {
    take(now) {
      const freeAt = (turns.at(-perSecond)?.at ?? 0) + secondMs;
      if (turns.length >= perSecond && freeAt > now) return { waitMs: freeAt - now };
      const turn = { at: now };
      turns.push(turn);
      if (turns.length > perSecond) turns.shift();
      return turn;
    },
    giveBack(turn) {
      // It may be so long ago that it is forgotten.
      const index = turns.indexOf(turn);
      if (index >= 0) turns.splice(index, 1);
    },
  };
}

const paces = new WeakMap<Context, LRUCache<string, Pace>>();

function paceOf(ctx: Context, key: string, perSecond: number): Pace {
  const known = paces.get(ctx) ?? new LRUCache<string, Pace>({ max: pacesMax });
  paces.set(ctx, known);
  const pace = known.get(key) ?? createPace(perSecond);
  known.set(key, pace);
  return pace;
}

/**
 * Waits until one more may leave under this key. Within a process no second, wherever it begins, sees more than
 * `perSecond`; between processes each second of the shared clock.
 */
export async function awaitTurn(ctx: Context, key: string, perSecond: number): Promise<void> {
  const pace = paceOf(ctx, key, perSecond);
  for (;;) {
    // Taken before the other processes are asked, so that those who wait beside us see it.
    const turn = pace.take(Date.now());
    if ('waitMs' in turn) {
      await sleep(turn.waitMs);
      continue;
    }
    const [{ count }] = await ctx.counters.hit([{ key, windowSeconds: 1 }]);
    if (count <= perSecond) return;
    pace.giveBack(turn);
    await sleep(secondMs - (ctx.clock.now().getTime() % secondMs));
  }
}
