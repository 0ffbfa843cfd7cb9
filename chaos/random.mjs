/**
 * Decisions that follow from a seed, so that a run can be repeated. Each part of a run has a stream of its own
 * (`fork`): what one does never shifts another's decisions.
 * @typedef {ReturnType<typeof createRandom>} Random
 */
export function createRandom(seed) {
  let state = seed >>> 0;
  // Mulberry32: small, and even enough to choose whom to kill.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    between: (from, to) => from + next() * (to - from),
    chance: (share) => next() < share,
    pick: (list) => list[Math.floor(next() * list.length)],
    /** @param {Record<string, number>} weights the choice → how often, relative to the others */
    weighted(weights) {
      const entries = Object.entries(weights);
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [choice, weight] of entries) {
        left -= weight;
        if (left < 0) return choice;
      }
      return entries[0][0];
    },
    fork: (index) => createRandom(Math.imul(seed + 1, 0x9e3779b1) + index),
  };
}
