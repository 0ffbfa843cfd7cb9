import { mediansOf } from './compare.mjs';
import { measureSlot } from './load.mjs';
import { buildOperations } from './operations.mjs';
import { seedComparison } from './seed.mjs';

const operationsScaled = ['get', 'list 10', 'update', 'create', 'sync 100'];

/**
 * One API process against two that share the connections. `cores` says how many processor cores all processes but the
 * load generator kept busy: where one process and its stores take them all, a second has nothing to run on.
 */
export async function scale(environment, { rounds, seconds, connections }) {
  const { server } = environment;
  const all = await buildOperations(environment, await seedComparison(environment));
  const another = await environment.startAnotherApi();
  const two = { ...server, origins: [server.origin, another.origin] };
  two.pids = () => ({ ...server.pids(), another: another.pid });
  const results = [];
  for (const { name, requests } of all.filter(({ name }) => operationsScaled.includes(name))) {
    process.stderr.write(`${name} `);
    const slots = { one: [], two: [] };
    for (let round = 0; round <= rounds; round++) {
      const one = await measureSlot(server, { connections, seconds, requests });
      const both = await measureBoth(two, { connections, seconds, requests });
      process.stderr.write('.');
      // The first round warms up.
      if (round === 0) continue;
      slots.one.push(one);
      slots.two.push(both);
    }
    process.stderr.write('\n');
    const [one, both] = [mediansOf(slots.one), mediansOf(slots.two)];
    const cores = ({ requestsPerSecond, cpuPerThousand }) =>
      ((requestsPerSecond * cpuPerThousand) / 1_000).toFixed(2);
    results.push({
      name,
      'one, req/s': Math.round(one.requestsPerSecond),
      'two, req/s': Math.round(both.requestsPerSecond),
      ratio: (both.requestsPerSecond / one.requestsPerSecond).toFixed(2),
      'one, cores': cores(one),
      'two, cores': cores(both),
      errors: [...slots.one, ...slots.two].reduce((sum, { errors }) => sum + errors, 0),
    });
  }
  return results;
}

async function measureBoth(two, { connections, ...slot }) {
  const pids = two.pids();
  const sides = two.origins.map((origin) => ({ origin, pids: () => pids }));
  const measured = await Promise.all(
    sides.map((side) => measureSlot(side, { ...slot, connections: connections / sides.length })),
  );
  const requestsPerSecond = measured.reduce((sum, one) => sum + one.requestsPerSecond, 0);
  // Each of the two saw what all processes used, and divided it by its own requests.
  const [first] = measured;
  return {
    ...first,
    requestsPerSecond,
    cpuPerThousand: (first.cpuPerThousand * first.requestsPerSecond) / requestsPerSecond,
    errors: measured.reduce((sum, { errors }) => sum + errors, 0),
  };
}
