/**
 * Proves by killing things that nothing is lost: `npm run chaos -- [options]`. Starts an embedded MongoDB, a private
 * Redis, an API and a worker as processes of their own, puts load on them, and at random kills, freezes and empties them.
 * Then it stops, waits until all is quiet, and counts. Exits with 1 when anything was lost, doubled or left undone.
 *
 *   --minutes 1     how long things are killed; or --seconds 40
 *   --clients 16
 *   --seed 42       decides who is struck and when, and what each client does
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { audit } from './audit.mjs';
import { Client } from './client.mjs';
import { startHavoc } from './havoc.mjs';
import { createLedger } from './ledger.mjs';
import { readOptions } from './options.mjs';
import { startProvider } from './provider.mjs';
import { createRandom } from './random.mjs';
import { startReader } from './reader.mjs';
import { printFailures, printFigures } from './report.mjs';
import { residentMegabytes, startServers } from './servers.mjs';
import { settle } from './settle.mjs';
import { openStore } from './store.mjs';
import { startSubscriber } from './subscriber.mjs';
import { createTenant } from './tenant.mjs';
import { createTraffic, summarise } from './traffic.mjs';

/** With everything up again, a client that still gets no answer will not get one. */
const finishMs = 60_000;
/** The longest that a request may wait for a database that does not answer, on a machine that is busy with all this. */
const unavailableMsMax = 10_000;
const sampleMs = 2_000;
/** Readers of /sync: one that takes large steps and one that takes small ones. */
const readings = [
  { collection: 'leads', limit: 100 },
  { collection: 'leads', limit: 7 },
];

const options = readOptions(process.argv.slice(2));
const random = createRandom(options.seed);
const failures = {};
const violate = (kind, example) => {
  failures[kind] ??= [];
  failures[kind].push(example);
};
const say = (line) => process.stderr.write(`${line}\n`);

const provider = await startProvider(random.fork(1));
const subscriber = await startSubscriber(random.fork(2), violate);
const servers = await startServers({ providerOrigin: provider.origin });
let hasFailed = true;
try {
  hasFailed = !(await run());
} finally {
  await servers.stop(hasFailed);
  if (hasFailed) say(`The processes' logs are in ${servers.dataDir}`);
  provider.close();
  subscriber.close();
}
process.exit(hasFailed ? 1 : 0);

/** @returns whether all went well */
async function run() {
  say(`${options.seconds} s with ${options.clients} clients, seed ${options.seed}`);
  const tenant = await createTenant(servers.origin, subscriber);
  const ledger = createLedger();
  const traffic = createTraffic();
  const shared = { origin: servers.origin, tenant, ledger, traffic, violate };
  const memory = watchMemory();

  const ending = new AbortController();
  let mayRetry = true;
  const clients = Array.from({ length: options.clients }, (_, index) =>
    new Client(shared, index, random.fork(100 + index)).work(ending.signal, () => mayRetry),
  );
  const readers = readings.map((reading) => startReader(shared, reading));
  const havoc = startHavoc(servers, random.fork(3), violate, say);
  await sleep(options.seconds * 1_000);
  await havoc.stop();
  subscriber.recover();
  say('Everything is up again; finishing what is under way');
  ending.abort();
  const giveUp = setTimeout(() => {
    mayRetry = false;
    violate('requests never answered', 'although everything was up again');
  }, finishMs);
  await Promise.all(clients);
  clearTimeout(giveUp);

  const store = await openStore(servers);
  const settledAt = performance.now();
  for (const [kind, count] of Object.entries(await settle(store)))
    violate(`left undone: ${kind}`, String(count));
  const settleSeconds = Math.round((performance.now() - settledAt) / 1_000);
  for (const reader of readers) await reader.finish(await store.versions(reader.collection));
  const result = await audit({ store, ledger, subscriber, provider, readers });
  await store.close();
  for (const [kind, examples] of Object.entries(result.findings.kinds)) {
    for (const example of examples) violate(kind, example);
  }
  const summary = summarise(traffic, havoc.outages);
  judge(summary);
  printFigures(figuresOf({ havoc, summary, ledger, result, settleSeconds, memory: memory.stop() }));
  printFailures(failures);
  return Object.keys(failures).length === 0;
}

function judge({ tooLate, withoutRedis, longestUnavailableMs }) {
  if (tooLate > 0) violate('requests that hung', String(tooLate));
  if (withoutRedis.failed > 0)
    violate('requests that failed while only Redis was away', String(withoutRedis.failed));
  if (longestUnavailableMs > unavailableMsMax)
    violate('503 that took too long', `${longestUnavailableMs} ms`);
}

function watchMemory() {
  const peaks = { api: 0, worker: 0 };
  const sample = () => {
    for (const name of Object.keys(peaks)) {
      peaks[name] = Math.max(peaks[name], residentMegabytes(servers.parts[name].pid()));
    }
  };
  const timer = setInterval(sample, sampleMs);
  return {
    stop() {
      clearInterval(timer);
      sample();
      return peaks;
    },
  };
}

function figuresOf({ havoc, summary, ledger, result, settleSeconds, memory }) {
  const { findings, counts } = result;
  const acknowledged = ledger.counts();
  const { steady, moody } = subscriber.endpoints;
  const { withoutRedis } = summary;
  return {
    ...havoc.counts,
    'blows in all': Object.values(havoc.counts).reduce((sum, count) => sum + count, 0),
    'requests sent': summary.attempts,
    'connections broken': summary.brokenConnections,
    'answered 503': summary.unavailable,
    'longest wait for a 503': `${summary.longestUnavailableMs} ms`,
    'while only Redis was away': `${withoutRedis.reads} reads, ${withoutRedis.writes} writes, ${withoutRedis.failed} failed, slowest ${withoutRedis.longestMs} ms`,
    'records acknowledged': acknowledged.records,
    'changes acknowledged': acknowledged.changes,
    'messages acknowledged': acknowledged.messages,
    'records stored': counts.stored,
    'rows of history': counts.history,
    'events taken': `${steady.taken.size} by the steady endpoint, ${moody.taken.size} by the moody one`,
    'events taken again': steady.repeated + moody.repeated,
    'webhook requests': steady.requests + moody.requests,
    'deliveries done': counts.deliveries,
    messages: `${counts.messages.recorded}: ${counts.messages.accepted} accepted, ${counts.messages.unknown} unknown, ${counts.messages.other} other`,
    'messages taken by the provider': counts.messages.taken,
    'memory at most': `api ${memory.api} MB, worker ${memory.worker} MB`,
    'records synchronised': counts.synchronised.join(' and '),
    'time to settle': `${settleSeconds} s`,
    lost: findings.kinds.lost.length,
    doubled: findings.kinds.doubled.length,
    'made up': findings.kinds['made up'].length,
  };
}
