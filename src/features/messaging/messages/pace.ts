import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Channel } from '../channels.ts';
import { laneId } from './lanes.ts';

/** Messages a second per workspace. WhatsApp's is what Meta allows a number by default. */
const perSecond: Record<Channel, number> = { whatsapp: 80, sms: 50, email: 100 };

const secondMs = 1_000;
const lanesMax = 10_000;

/** When the last messages of a lane left this process, oldest first. */
const departures = new WeakMap<Context, LRUCache<string, number[]>>();

function departuresOf(ctx: Context, lane: string): number[] {
  const lanes = departures.get(ctx) ?? new LRUCache<string, number[]>({ max: lanesMax });
  departures.set(ctx, lanes);
  const times = lanes.get(lane) ?? [];
  lanes.set(lane, times);
  return times;
}

/**
 * Waits until the workspace may send one more message. Within a process no second, wherever it begins, sees more than
 * the limit; between processes each second of the shared clock.
 */
export async function awaitTurn(ctx: Context, workspaceId: ObjectId, channel: Channel): Promise<void> {
  const lane = laneId(workspaceId, channel);
  const limit = perSecond[channel];
  const times = departuresOf(ctx, lane);
  for (;;) {
    const now = Date.now();
    const freeAt = (times.at(-limit) ?? 0) + secondMs;
    if (times.length >= limit && freeAt > now) {
      await sleep(freeAt - now);
      continue;
    }
    // Taken before the other processes are asked, so that those who wait beside us see it.
    times.push(now);
    if (times.length > limit) times.shift();
    const [{ count }] = await ctx.counters.hit([{ key: `messages:${lane}`, windowSeconds: 1 }]);
    if (count <= limit) return;
    times.splice(times.lastIndexOf(now), 1);
    await sleep(secondMs - (ctx.clock.now().getTime() % secondMs));
  }
}
