import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median } from './compare.mjs';
import { freePort } from './processes.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = promisify(execFile);

/** What 600 more operations are made of: entities with the routes that all have, at both mounts. */
const furtherRoutes = [0, 600];
const answerTimeoutMs = 60_000;
const pollMs = 10;

/**
 * How long a start takes: `npm start` on an installed tree until the first answer, with an empty data directory (so
 * with the demo) and with that of the start before; and where the time of a process goes, with today's routes and with
 * as many more as `furtherRoutes` says.
 */
export async function start({ stores }, { rounds }) {
  const first = [];
  const again = [];
  for (let round = 0; round < rounds; round++) {
    const dataDir = await mkdtemp(join(tmpdir(), 'crm-bench-start-'));
    first.push(await timeOfStart(dataDir));
    again.push(await timeOfStart(dataDir));
    await rm(dataDir, { recursive: true, force: true });
    process.stderr.write('.');
  }
  const results = [
    rowOf('npm start, empty data directory', { total: median(first) }),
    rowOf('npm start, once more', { total: median(again) }),
  ];
  for (const further of furtherRoutes) {
    const slots = [];
    // The first one makes the collections and indexes.
    for (let round = 0; round <= rounds; round++) {
      const { stdout } = await run(
        process.execPath,
        [join(root, 'bench', 'start-process.mjs'), String(further)],
        {
          env: { PATH: process.env.PATH, MONGODB_URL: stores.mongoUrl, REDIS_URL: stores.redisUrl },
        },
      );
      slots.push(JSON.parse(stdout));
      process.stderr.write('.');
    }
    const [made, ...others] = slots;
    const medians = Object.fromEntries(
      Object.keys(made).map((phase) => [phase, median(others.map((slot) => slot[phase]))]),
    );
    results.push(rowOf(`an API process, ${further} routes more`, { ...medians, made: made.connect }));
  }
  process.stderr.write('\n');
  return results;
}

function rowOf(name, { routes = '', total, load, connect, made, build, ready }) {
  const whole = (ms) => (ms === undefined ? '' : Math.round(ms));
  return {
    name,
    routes,
    ms: whole(total ?? load + connect + build + ready),
    load: whole(load),
    connect: whole(connect),
    'connect, first time': whole(made),
    build: whole(build),
    listen: whole(ready),
    errors: 0,
  };
}

async function timeOfStart(dataDir) {
  const port = await freePort();
  const began = performance.now();
  const server = execFile('npm', ['start'], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: String(port),
      DATA_DIR: dataDir,
      LOG_LEVEL: 'error',
    },
  });
  const exited = once(server, 'exit');
  try {
    await answered(`http://127.0.0.1:${port}/api/v1/health`, server);
    return Math.round(performance.now() - began);
  } finally {
    server.kill('SIGTERM');
    await exited;
  }
}

async function answered(url, server) {
  const deadline = performance.now() + answerTimeoutMs;
  while (performance.now() < deadline && server.exitCode === null) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok) return;
    await sleep(pollMs);
  }
  throw new Error('npm start does not start');
}
