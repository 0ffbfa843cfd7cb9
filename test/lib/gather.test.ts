import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { fulfilled, gather } from '../../src/lib/gather.ts';
import { createTurns } from '../../src/lib/turns.ts';

describe('gather', () => {
  const recorder = (limit: number) => {
    const batches: number[][] = [];
    const double = gather(limit, async (items: number[]) => {
      batches.push(items);
      return items.map((item) =>
        item < 0 ? { status: 'rejected', reason: new Error(`${item} is negative`) } : fulfilled(item * 2),
      );
    });
    return { batches, double };
  };

  it('makes one piece of work of the calls of one turn, and gives each its own result', async () => {
    const { batches, double } = recorder(10);
    expect(await Promise.all([1, 2, 3].map(double))).toEqual([2, 4, 6]);
    expect(await double(4)).toBe(8);
    expect(batches).toEqual([[1, 2, 3], [4]]);
  });

  it('begins anew at the limit', async () => {
    const { batches, double } = recorder(2);
    expect(await Promise.all([1, 2, 3, 4, 5].map(double))).toEqual([2, 4, 6, 8, 10]);
    expect(batches).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('fails those that failed, or all when the work as a whole did', async () => {
    const { double } = recorder(10);
    const outcomes = await Promise.allSettled([1, -2, 3].map(double));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const broken = gather(10, async (): Promise<never> => {
      throw new Error('away');
    });
    for (const call of [broken(1), broken(2)]) await expect(call).rejects.toThrow('away');
  });
});

describe('turns', () => {
  it('are taken one after the other for one key, at once for different ones, also after a failure', async () => {
    const inTurn = createTurns(10_000);
    const log: string[] = [];
    const work = (key: string, name: string, ms: number) =>
      inTurn(key, async () => {
        log.push(`${name} begins`);
        await sleep(ms);
        log.push(`${name} ends`);
        if (name === 'a1') throw new Error('a1 failed');
        return name;
      });
    const outcomes = await Promise.allSettled([work('a', 'a1', 30), work('a', 'a2', 1), work('b', 'b1', 1)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(log.indexOf('a2 begins')).toBeGreaterThan(log.indexOf('a1 ends'));
    expect(log.indexOf('b1 begins')).toBeLessThan(log.indexOf('a1 ends'));
  });

  it('are waited for no longer than the limit, by all who wait, and not begun any more after it', async () => {
    const inTurn = createTurns(50);
    let begun = 0;
    let end = () => {};
    const first = inTurn('a', async () => {
      await new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    const others = Array.from({ length: 5 }, () => inTurn('a', async () => void begun++));
    const outcomes = await Promise.allSettled(others);
    expect(outcomes).toEqual(
      Array(5).fill({ status: 'rejected', reason: expect.objectContaining({ status: 503 }) }),
    );
    end();
    await first;
    await inTurn('a', async () => {});
    expect(begun).toBe(0);
  });
});
