import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from './logger.ts';

/**
 * Jobs are nudges: "look into this lane". What there is to do stands in MongoDB, so a nudge may come twice or be lost
 * with Redis; the worker's sweep nudges again for whatever is due.
 */
export interface Queues {
  /**
   * At most one nudge for the same lanes waits. Never rejects and never waits for a Redis that is away.
   * @param isLate goes after all others: many lanes that are late hold up nobody's first nudge
   */
  nudge(queue: string, lanes: string, data: object, isLate?: boolean): Promise<void>;
  /** Jobs waiting or active by queue. */
  depths(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

/** Any number comes after none. */
const latePriority = 1;

/** @param redis fails fast, and is the caller's to close */
export function createQueues(redis: Redis, prefix: string, names: readonly string[], log: Logger): Queues {
  const queues = new Map(
    names.map((name) => {
      const queue = new Queue(name, {
        connection: redis,
        prefix: bullPrefix(prefix),
        // Asked once, when the connection is ready for the first time; a failure then would end the queue for good.
        skipVersionCheck: true,
        defaultJobOptions: { removeOnComplete: true, removeOnFail: 100 },
      });
      queue.on('error', (error) => log.debug({ err: error }, 'queue connection'));
      return [name, queue] as const;
    }),
  );
  const queueOf = (name: string) => {
    const queue = queues.get(name);
    if (!queue) throw new Error(`No work has a queue ${name}`);
    return queue;
  };

  return {
    async nudge(name, lanes, data, isLate = false) {
      // Before Redis has answered for the first time a queue would wait for it.
      if (redis.status !== 'ready') return;
      try {
        await queueOf(name).add(name, data, {
          deduplication: { id: lanes, keepLastIfActive: true },
          ...(isLate ? { priority: latePriority } : {}),
        });
      } catch (error) {
        log.debug({ err: error, queue: name }, 'nudge lost; the sweep will repeat it');
      }
    },
    async depths() {
      const counts = await Promise.all(
        [...queues].map(async ([name, queue]) => [
          name,
          await queue.getJobCountByTypes('waiting', 'active', 'prioritized'),
        ]),
      );
      return Object.fromEntries(counts);
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}

/** The braces keep all keys of a queue on one node of a Redis Cluster. */
export const bullPrefix = (prefix: string): string => `{${prefix}:queues}`;
