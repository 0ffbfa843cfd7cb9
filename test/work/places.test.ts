import { describe, expect, it } from 'vitest';
import { createPlaces, type Place } from '../../src/work/places.ts';

/** Who has a place, in the order in which they got it. */
function observe(options: { total: number; share: number; lineMax?: number }) {
  const { total, share } = options;
  const places = createPlaces({ lineMax: 100, stay: { total, share }, ...options });
  const entered: string[] = [];
  const enter = async (workspace: string): Promise<Place | undefined> => {
    const place = await places.enter(workspace);
    entered.push(place ? workspace : `${workspace} sent away`);
    return place;
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { places, entered, enter, settle };
}

describe('places', () => {
  it('go first to whoever holds the fewest, however long the others’ line is', async () => {
    const { entered, enter, settle } = observe({ total: 2, share: 2 });
    const [first] = await Promise.all([enter('busy'), enter('busy')]);
    for (let index = 0; index < 10; index += 1) void enter('busy');
    void enter('newcomer');
    await settle();
    expect(entered).toEqual(['busy', 'busy']);
    first?.leave();
    await settle();
    expect(entered).toEqual(['busy', 'busy', 'newcomer']);
  });

  it('are never all one workspace’s', async () => {
    const { entered, enter, settle } = observe({ total: 4, share: 2 });
    for (let index = 0; index < 10; index += 1) void enter('busy');
    await settle();
    expect(entered).toEqual(['busy', 'busy']);
    void enter('newcomer');
    await settle();
    expect(entered).toEqual(['busy', 'busy', 'newcomer']);
  });

  it('are given away by those that only wait, up to as many again', async () => {
    const { entered, enter, settle } = observe({ total: 4, share: 2 });
    const held: (Place | undefined)[] = [];
    for (let index = 0; index < 10; index += 1) void enter('busy').then((place) => held.push(place));
    for (let round = 0; round < 5; round += 1) {
      await settle();
      for (const place of held) place?.giveAway();
    }
    await settle();
    expect(entered).toHaveLength(4);
    // Those who stayed on leave: others may do the same.
    held[0]?.leave();
    held[0]?.leave();
    held[3]?.giveAway();
    await settle();
    expect(entered).toHaveLength(5);
  });

  it('are not waited for in a line that is too long, or after the end', async () => {
    const { places, entered, enter, settle } = observe({ total: 1, share: 1, lineMax: 2 });
    for (let index = 0; index < 4; index += 1) void enter('busy');
    await settle();
    expect(entered).toEqual(['busy', 'busy sent away']);
    expect(places.isContended()).toBe(true);
    places.close();
    await settle();
    expect(entered).toHaveLength(4);
    expect(places.isContended()).toBe(false);
    await enter('newcomer');
    expect(entered.at(-1)).toBe('newcomer sent away');
  });
});
