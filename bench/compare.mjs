import { measureSlot } from './load.mjs';
import { buildOperations } from './operations.mjs';
import { seedComparison } from './seed.mjs';

const warmupSeconds = 3;

/** Measures every operation on both sides in turn. */
export async function compare(environment, options) {
  const tenant = await seedComparison(environment);
  const operations = asked(await buildOperations(environment, tenant), options.only);
  const results = [];
  for (const operation of operations) {
    process.stderr.write(`${operation.name} `);
    results.push(await compareOperation(environment, operation, options));
    process.stderr.write('\n');
  }
  return results;
}

/** Those of a name, or else those whose name begins so; all of them when none is named. */
function asked(operations, only) {
  if (only.length === 0) return operations;
  const isAsked = (name, wanted) =>
    operations.some((operation) => operation.name === wanted) ? name === wanted : name.startsWith(wanted);
  return operations.filter(({ name }) => only.some((wanted) => isAsked(name, wanted)));
}

async function compareOperation({ server, baseline }, operation, { rounds, seconds, ...options }) {
  const { connections = options.connections } = operation;
  const measure = async (side, slotSeconds) => {
    const own = operation[side.name] ?? operation;
    // Requests that need a world of their own are made when somebody asks for them.
    const requests = typeof own.requests === 'function' ? await own.requests() : own.requests;
    const slot = { connections, seconds: slotSeconds, requests, settle: own.settle };
    return own.measure ? own.measure(side, slot) : measureSlot(side, slot);
  };
  for (const side of [server, baseline]) await measure(side, Math.min(warmupSeconds, seconds));
  const slots = { server: [], baseline: [] };
  for (let round = 0; round < rounds; round++) {
    // Whoever comes second finds warmer caches or a fuller disk; so they take turns.
    const order = round % 2 === 0 ? [server, baseline] : [baseline, server];
    for (const side of order) {
      slots[side.name].push(await measure(side, seconds));
      process.stderr.write('.');
    }
  }
  return {
    name: operation.name,
    target: operation.target,
    unit: operation.unit ?? 'requests/s',
    server: mediansOf(slots.server),
    baseline: mediansOf(slots.baseline),
    throughputRatio: ratio(slots, 'requestsPerSecond'),
    cpuRatio: ratio(slots, 'cpuPerThousand'),
    errors: [...slots.server, ...slots.baseline].reduce((sum, { errors }) => sum + errors, 0),
    rounds: slots,
  };
}

/** Of the rounds' ratios, because the two slots of a round saw the same machine. */
const ratio = ({ server, baseline }, figure) =>
  median(server.map((slot, round) => slot[figure] / baseline[round][figure]));

export const mediansOf = (slots) => ({
  requestsPerSecond: median(slots.map((slot) => slot.requestsPerSecond)),
  p50: median(slots.map((slot) => slot.p50)),
  p99: median(slots.map((slot) => slot.p99)),
  cpuPerThousand: median(slots.map((slot) => slot.cpuPerThousand)),
  cpu: Object.fromEntries(
    Object.keys(slots[0].cpu).map((name) => [name, median(slots.map((slot) => slot.cpu[name]))]),
  ),
  megabytes: slots.at(-1).megabytes,
});

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
