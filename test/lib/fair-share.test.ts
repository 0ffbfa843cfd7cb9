import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createFairShare, type FairShare } from '../../src/lib/fair-share.ts';

/** A tenth, of which a second's worth may come at once; nobody waits for longer than three seconds. */
const options = { share: 0.1, burstMs: 100, waitMaxMs: 3_000 };
const goneMs = 6_000;

let share: FairShare;
let entered: string[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  share = createFairShare(options);
  entered = [];
});
afterEach(() => {
  vi.useRealTimers();
});

/** Notes who got in, and who was refused. */
function enter(tenant: string, priceMs: number, { as = tenant, of = share } = {}): void {
  of.touch(tenant);
  of.enter(tenant, priceMs).then(
    () => entered.push(as),
    (error) => entered.push(`${as} refused, ${error.status}, ${error.headers['Retry-After']}`),
  );
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('a tenant that is alone', () => {
  it('waits for nothing, and nothing is counted', async () => {
    for (let index = 0; index < 100; index += 1) enter('busy', 1_000);
    await pass(0);
    expect(entered).toHaveLength(100);
    enter('neighbour', 0);
    enter('busy', 100);
    await pass(0);
    expect(entered).toHaveLength(102);
  });

  it('waits no longer once the others have gone', async () => {
    const patient = createPatient();
    patient.touch('neighbour');
    patient.touch('busy');
    patient.charge('busy', 10_000);
    enter('busy', 1, { as: 'waiting', of: patient });
    await pass(goneMs - 2_000);
    expect(entered).not.toContain('waiting');
    await pass(2_000);
    expect(entered).toContain('waiting');
  });
});

const createPatient = () => createFairShare({ share: 0.1, burstMs: 100 });

describe('with others there', () => {
  beforeEach(() => {
    share.touch('neighbour');
  });

  it('what is light pays nothing, however often', async () => {
    for (let index = 0; index < 1_000; index += 1) enter('busy', 0);
    await pass(0);
    expect(entered).toHaveLength(1_000);
    expect(share.isUsedUp('busy')).toBe(false);
  });

  it('heavy work goes on until the share is used up, then at the pace of the share, in order', async () => {
    for (let index = 0; index < 20; index += 1) enter('busy', 20, { as: `busy ${index}` });
    await pass(0);
    // A second's worth, and the one that goes beyond it.
    expect(entered).toEqual([0, 1, 2, 3, 4, 5].map((index) => `busy ${index}`));
    enter('neighbour', 20);
    await pass(0);
    expect(entered.at(-1)).toBe('neighbour');
    await pass(1_000);
    expect(entered.filter((name) => name.startsWith('busy'))).toHaveLength(11);
    expect(entered.at(-1)).toBe('busy 10');
  });

  it('what is light waits too while its own tenant owes', async () => {
    share.touch('busy');
    share.charge('busy', 120);
    enter('busy', 0);
    enter('neighbour', 0);
    await pass(199);
    expect(entered).toEqual(['neighbour']);
    await pass(1);
    expect(entered).toEqual(['neighbour', 'busy']);
  });

  it('whoever would wait for too long is refused, without paying, and told when to come again', async () => {
    share.touch('busy');
    share.charge('busy', 600);
    enter('busy', 1_000, { as: 'late' });
    await pass(2_900);
    expect(entered).toEqual([]);
    share.touch('neighbour');
    await pass(100);
    expect(entered).toEqual(['late refused, 429, 2']);
    share.touch('neighbour');
    await pass(2_000);
    enter('busy', 0);
    await pass(0);
    expect(entered.at(-1)).toBe('busy');
  });

  it('a line that is too long is not joined', async () => {
    share.touch('busy');
    share.charge('busy', 600);
    for (let index = 0; index < 101; index += 1) enter('busy', 1);
    await pass(0);
    expect(entered).toEqual(['busy refused, 429, 5']);
  });

  it('what was paid in advance and not used is given back', async () => {
    share.touch('busy');
    share.charge('busy', 500);
    expect(share.isUsedUp('busy')).toBe(true);
    share.charge('busy', -499);
    expect(share.isUsedUp('busy')).toBe(false);
  });

  it('a wait ends with its signal', async () => {
    const patient = createPatient();
    patient.touch('neighbour');
    patient.touch('busy');
    patient.charge('busy', 10_000);
    const stopping = new AbortController();
    const waiting = patient.enter('busy', 1, stopping.signal);
    stopping.abort();
    await pass(100);
    await expect(waiting).resolves.toBeUndefined();
  });

  it('those who wait are there for one another', async () => {
    const patient = createPatient();
    for (const tenant of ['one', 'other']) {
      patient.touch('one');
      patient.touch('other');
      patient.charge(tenant, 10_000);
      enter(tenant, 1, { of: patient });
    }
    await pass(10 * goneMs);
    expect(entered).toEqual([]);
  });
});
