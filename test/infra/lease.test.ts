import { describe, expect, it } from 'vitest';
import { createLease } from '../../src/infra/lease.ts';
import { startSweeper } from '../../src/infra/sweeper.ts';
import { useServer } from '../helpers/app.ts';
import { until } from '../helpers/webhooks.ts';

const server = useServer();

describe('a lease', () => {
  it('is held by one of many who ask at once, and goes on with it', async () => {
    const leases = Array.from({ length: 10 }, () => createLease(server.ctx.db, 'one', 60_000));
    const ask = () => Promise.all(leases.map((lease) => lease.hold()));
    const held = await ask();
    expect(held.filter(Boolean)).toHaveLength(1);
    expect(await ask()).toEqual(held);
  });

  it('passes on when it is let go, and when its holder is dead', async () => {
    const [one, two] = [createLease(server.ctx.db, 'two', 300), createLease(server.ctx.db, 'two', 60_000)];
    expect(await one.hold()).toBe(true);
    expect(await two.hold()).toBe(false);
    await one.release();
    expect(await two.hold()).toBe(true);
    await one.release();
    expect(await one.hold()).toBe(false);
    await two.release();
    expect(await one.hold()).toBe(true);
    await until(() => two.hold());
  });
});

describe('the sweeper', () => {
  const everyMs = 20;

  it('sweeps in one process of the fleet, and in the next when that one stops', async () => {
    const sweeps = { first: 0, second: 0 };
    const start = (name: keyof typeof sweeps) =>
      startSweeper(
        server.ctx,
        [
          async () => {
            sweeps[name] += 1;
          },
        ],
        { everyMs },
      );
    const first = start('first');
    await until(async () => sweeps.first > 2);
    const second = start('second');
    const soFar = sweeps.first;
    await until(async () => sweeps.first > soFar + 5);
    expect(sweeps.second).toBe(0);
    await first.stop();
    await until(async () => sweeps.second > 2);
    await second.stop();
  });

  it('lets no sweep hold up another one, a round or the end', async () => {
    let isOver = false;
    let others = 0;
    const hangs = () => new Promise<void>(() => {});
    const obeys = (signal: AbortSignal) =>
      new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => {
          isOver = true;
          resolve();
        }),
      );
    const fails = async () => {
      throw new Error('nothing to be found');
    };
    const counts = async () => void others++;
    const obeying = startSweeper(server.ctx, [obeys, fails, counts], { everyMs });
    await until(async () => others > 1);
    expect(isOver).toBe(true);
    await obeying.stop();
    const hanging = startSweeper(server.ctx, [hangs, counts], { everyMs });
    const before = others;
    await until(async () => others > before);
    const stoppedAt = performance.now();
    await hanging.stop();
    expect(performance.now() - stoppedAt).toBeLessThan(4_000);
  });
});
