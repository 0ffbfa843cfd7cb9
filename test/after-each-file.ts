import { afterAll } from 'vitest';
import { dropDatabases } from './helpers/databases.ts';

// Of a file's hooks the first that is declared runs last: its servers are closed by then.
afterAll(dropDatabases);
