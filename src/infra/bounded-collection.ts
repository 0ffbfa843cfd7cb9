import type { mongo } from 'mongoose';

/** How long the server works on one command of a request or of one tenant's work. */
export const commandTimeoutMs = 4_000;
/** The same for work across tenants, which waits for nobody; less than a socket waits (see mongo.ts). */
export const sweepTimeoutMs = 8_000;

/** Where each method of a collection that sends a command takes its options. */
const optionsPosition = {
  find: 1,
  findOne: 1,
  countDocuments: 1,
  estimatedDocumentCount: 0,
  aggregate: 1,
  distinct: 2,
  insertOne: 1,
  insertMany: 1,
  updateOne: 2,
  updateMany: 2,
  replaceOne: 2,
  deleteOne: 1,
  deleteMany: 1,
  findOneAndUpdate: 2,
  findOneAndReplace: 2,
  findOneAndDelete: 1,
  bulkWrite: 1,
} as const satisfies Partial<Record<keyof mongo.Collection, number>>;

/**
 * The driver's collection with a bound on how long the server works on any of its commands. Without one the server goes
 * on for minutes after the caller was told that there is no answer.
 */
export function boundedCollection<T extends mongo.Document>(
  collection: mongo.Collection<T>,
  maxTimeMS: number,
): mongo.Collection<T> {
  const bounded = Object.create(collection) as Record<string, unknown>;
  for (const [name, position] of Object.entries(optionsPosition)) {
    const method = collection[name as keyof typeof optionsPosition] as (...given: unknown[]) => unknown;
    bounded[name] = (...given: unknown[]) => {
      given[position] = { maxTimeMS, ...(given[position] as object | undefined) };
      return method.apply(collection, given);
    };
  }
  return bounded as unknown as mongo.Collection<T>;
}
