import { inject } from 'vitest';

/** Names of the databases that this test file's servers have used. */
export const databases = new Set<string>();

/**
 * Drops them: a database has several hundred files, and with those of all test files the engine would run out of
 * handles.
 */
export async function dropDatabases(): Promise<void> {
  if (databases.size === 0) return;
  const { mongo } = await import('mongoose');
  const client = await mongo.MongoClient.connect(inject('mongoUrl'));
  for (const name of databases) await client.db(name).dropDatabase();
  await client.close();
}
