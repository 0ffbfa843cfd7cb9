import { expect, it } from 'vitest';
import { createPace, type Turn } from '../../src/work/pace.ts';

it('lets no second see more than its number, wherever it begins', () => {
  const pace = createPace(2);
  expect(pace.take(0)).toEqual({ at: 0 });
  expect(pace.take(600)).toEqual({ at: 600 });
  expect(pace.take(700)).toEqual({ waitMs: 300 });
  expect(pace.take(1_000)).toEqual({ at: 1_000 });
  expect(pace.take(1_001)).toEqual({ waitMs: 599 });
});

it('takes back the turn that was not used, and no other', () => {
  const pace = createPace(2);
  const unused = pace.take(0) as Turn;
  pace.take(0);
  pace.giveBack(unused);
  const used = pace.take(1) as Turn;
  expect(used).toEqual({ at: 1 });
  pace.take(1_000);
  pace.take(1_001);
  // Long forgotten: the turns of the last second are somebody else's.
  pace.giveBack(used);
  expect(pace.take(1_500)).toEqual({ waitMs: 500 });
});
