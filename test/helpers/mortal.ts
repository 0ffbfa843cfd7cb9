import type { Context } from '../../src/context.ts';

/** What everything rejects with in a process that is no more. */
export class Died extends Error {}

const writing = new Set([
  'insertOne',
  'insertMany',
  'updateOne',
  'updateMany',
  'deleteOne',
  'deleteMany',
  'findOneAndUpdate',
  'findOneAndDelete',
  'upsert',
  'bulkWrite',
]);

export interface Mortal {
  ctx: Context;
  /** Whether it has died by now. */
  isDead(): boolean;
}

/**
 * The context of a process that is killed right after its n-th write, before it hears of the outcome: that and all that
 * it asks of the database afterwards rejects, it passes on no event and nudges nobody.
 */
export function mortal(ctx: Context, writes: number): Mortal {
  let left = writes;
  const watched = <T extends object>(collection: T): T =>
    new Proxy(collection, {
      get(target, name) {
        const value = Reflect.get(target, name, target) as unknown;
        if (name === 'acrossTenants') return watched(value as object);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => {
          if (left <= 0) return dead();
          if (!writing.has(String(name))) return value.apply(target, given);
          left -= 1;
          const outcome = value.apply(target, given) as Promise<unknown>;
          return left > 0 ? outcome : outcome.then(dead, dead);
        };
      },
    });
  const { db, relay, queues, cache } = ctx;
  return {
    ctx: {
      ...ctx,
      db: { ...db, tenant: (name) => watched(db.tenant(name)), global: (name) => watched(db.global(name)) },
      relay: { ...relay, hand: () => undefined, settle: async () => undefined },
      queues: { ...queues, nudge: async () => undefined },
      cache: { ...cache, invalidate: async (key) => (left > 0 ? cache.invalidate(key) : dead()) },
    },
    isDead: () => left <= 0,
  };
}

const dead = (): Promise<never> => Promise.reject(new Died('The process was killed'));
