import { AppError } from './errors.ts';
import { withinTime } from './time-limit.ts';

/**
 * Lets work on the same thing go one after the other, within this process; work on different things goes on at once.
 * Whoever has to wait waits no longer than `limitMs`, for the others and for its own work together: where each of many
 * takes long to fail, the last would wait for all of them. Work whose time is over before its turn is not begun.
 * The first in line is bounded by its work alone.
 */
export function createTurns(limitMs: number): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const before = last.get(key);
    let isTooLate = false;
    const begin = () => {
      if (isTooLate) throw tooLate();
      return work();
    };
    const mine = before?.then(begin, begin) ?? work();
    last.set(key, mine);
    const end = () => {
      if (last.get(key) === mine) last.delete(key);
    };
    mine.then(end, end);
    if (!before) return mine;
    return withinTime(mine, limitMs, () => {
      isTooLate = true;
      return tooLate();
    });
  };
}

const tooLate = () =>
  new AppError('unavailable', {
    message: 'Too many wait for the same record',
    headers: { 'Retry-After': '1' },
  });
