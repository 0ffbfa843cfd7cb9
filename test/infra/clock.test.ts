import { describe, expect, it, vi } from 'vitest';
import { startClock } from '../../src/infra/clock.ts';
import { createLogger } from '../../src/infra/logger.ts';

const log = createLogger('silent');
const hourMs = 3_600_000;

describe('the clock', () => {
  it.each([-hourMs, 0, hourMs])('goes with a server that is %i ms off', async (offsetMs) => {
    const clock = await startClock(async () => new Date(Date.now() + offsetMs), log);
    try {
      expect(Math.abs(clock.now().getTime() - Date.now() - offsetMs)).toBeLessThan(50);
    } finally {
      clock.stop();
    }
  });

  it("takes half of the round trip for the answer's way", async () => {
    const serverTime = async () => {
      const time = new Date();
      await new Promise((resolve) => setTimeout(resolve, 200));
      return new Date(time.getTime() + 100);
    };
    const clock = await startClock(serverTime, log);
    try {
      expect(Math.abs(clock.now().getTime() - Date.now())).toBeLessThan(50);
    } finally {
      clock.stop();
    }
  });

  it.each([-hourMs, hourMs])(
    'is never early and soon right when the clock is set by %i ms',
    async (jumpMs) => {
      const real = Date.now.bind(Date);
      const clock = await startClock(async () => new Date(real()), log);
      const distance = () => clock.now().getTime() - real();
      const set = vi.spyOn(Date, 'now').mockImplementation(() => real() + jumpMs);
      try {
        expect(distance()).toBeGreaterThan(-50);
        await vi.waitFor(() => expect(Math.abs(distance())).toBeLessThan(50), { timeout: 5_000 });
      } finally {
        set.mockRestore();
        clock.stop();
      }
    },
  );

  it('goes by its own when the server does not answer, and measures as soon as it does', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const serverTime = vi.fn<() => Promise<Date>>().mockRejectedValue(new Error('away'));
    const clock = await startClock(serverTime, log);
    try {
      expect(Math.abs(clock.now().getTime() - Date.now())).toBeLessThan(50);
      serverTime.mockImplementation(async () => new Date(Date.now() + hourMs));
      await vi.advanceTimersByTimeAsync(1_000);
      expect(Math.abs(clock.now().getTime() - Date.now() - hourMs)).toBeLessThan(100);
    } finally {
      clock.stop();
      vi.useRealTimers();
    }
  });
});
