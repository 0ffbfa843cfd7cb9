import { measureSlot } from './load.mjs';
import { buildOperations } from './operations.mjs';
import { seedComparison } from './seed.mjs';

const lookEverySeconds = 30;

/** Mixed requests for minutes, with events that are delivered, and what memory each process holds meanwhile. */
export async function soak(environment, { minutes, connections }) {
  const { server } = environment;
  const operations = await buildOperations(environment, await seedComparison(environment));
  const requestsOf = (wanted) => operations.filter(({ name }) => wanted.includes(name));
  const requests = [
    ...requestsOf(['get', 'list 10', 'filtered list 10', 'update', 'sync 100', 'create']).flatMap((one) =>
      one.requests.slice(0, 10),
    ),
    ...requestsOf(['create with events (over create)']).flatMap((one) => one.server.requests),
  ];
  const results = [];
  for (let done = 0; done < minutes * 60; done += lookEverySeconds) {
    const slot = await measureSlot(server, { connections, seconds: lookEverySeconds, requests });
    process.stderr.write('.');
    results.push({
      name: `${done + lookEverySeconds} s`,
      'req/s': Math.round(slot.requestsPerSecond),
      'p99 ms': slot.p99,
      ...Object.fromEntries(
        Object.entries(slot.megabytes).map(([name, megabytes]) => [`${name} MB`, megabytes]),
      ),
      errors: slot.errors,
    });
  }
  process.stderr.write('\n');
  return results;
}
