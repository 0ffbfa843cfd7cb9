/**
 * What the run is about, each in processes of its own: embedded MongoDB and Redis, which come back by themselves, and an
 * API and a worker, which are started again here whenever they end, as a service manager would.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startEmbedded } from '../dist/infra/embedded/index.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const pollMs = 50;
const restartPauseMs = 200;
const stopTimeoutMs = 20_000;
const pageBytes = 4_096;

/** Short enough for a run of a minute, and enough of them to outlast any outage that the run makes. */
const retryDelays = [200, 500, 1_000, ...Array(60).fill(2_000)];

const settings = {
  NODE_ENV: 'production',
  LOG_LEVEL: 'warn',
  HOST: '127.0.0.1',
  JWT_SECRET: 'a-secret-of-the-chaos-run-with-32-characters',
  ENCRYPTION_KEY: 'another-secret-of-the-chaos-run-of-32-chars',
  // Counted all the same, but never reached.
  RATE_LIMIT_PER_MINUTE: '1000000000',
  RATE_LIMIT_PER_HOUR: '1000000000',
  WEBHOOK_ALLOW_PRIVATE_NETWORK: 'true',
  WEBHOOK_RETRY_DELAYS_MS: retryDelays.join(','),
  WEBHOOK_TIMEOUT_MS: '1500',
  DEMO: 'off',
};

/** @typedef {Awaited<ReturnType<typeof startServers>>} Servers */

/** @param {{ providerOrigin: string }} options where the messages' provider listens */
export async function startServers({ providerOrigin }) {
  const dataDir = mkdtempSync(join(tmpdir(), 'crm-chaos-'));
  const log = { info() {}, warn() {}, error: (message) => console.error(message) };
  const embedded = await startEmbedded({ dataDir, log, mongo: true, redis: true });
  const port = await freePort();
  const env = {
    ...settings,
    PATH: process.env.PATH,
    PORT: String(port),
    MONGODB_URL: embedded.mongoUrl.replace('/?', '/chaos?'),
    REDIS_URL: embedded.redisUrl,
    TWILIO_API_URL: providerOrigin,
    WHATSAPP_API_URL: providerOrigin,
  };
  const origin = `http://127.0.0.1:${port}`;
  const isServing = async () => {
    const answer = await fetch(`${origin}/api/v1/health`, { signal: AbortSignal.timeout(1_000) });
    await answer.arrayBuffer();
    return answer.ok;
  };
  const api = keepProcess('api', env, join(dataDir, 'api.log'), isServing);
  // The worker listens nowhere; it is up when it has had the time to start.
  const worker = keepProcess('worker', env, join(dataDir, 'worker.log'), () => true);
  await api.untilUp();
  return {
    origin,
    dataDir,
    mongoUrl: env.MONGODB_URL,
    redisUrl: env.REDIS_URL,
    parts: {
      api,
      worker,
      mongo: keptByEmbedded(() => embedded.pids().mongo),
      redis: keptByEmbedded(() => embedded.pids().redis),
    },
    /** Ends everything. @param keepFiles leaves the logs for whoever looks for a reason */
    async stop(keepFiles) {
      await Promise.all([api.stop(), worker.stop()]);
      await embedded.stop();
      if (!keepFiles) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A part that the embedded stand-ins' own keeper starts again. */
function keptByEmbedded(pid) {
  return {
    pid,
    isUp: () => pid() !== undefined,
    async untilUp(notPid) {
      while (pid() === undefined || pid() === notPid) await sleep(pollMs);
    },
  };
}

function keepProcess(command, env, logFile, isServing) {
  let child;
  let isUp = false;
  let isStopping = false;
  const exits = [];

  const start = () => {
    const output = openSync(logFile, 'a');
    child = spawn(process.execPath, [join(root, 'dist', 'main.js'), command], {
      env,
      cwd: root,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    const started = child;
    started.once('exit', (code, signal) => {
      isUp = false;
      exits.push({ pid: started.pid, code, signal });
      if (!isStopping) setTimeout(start, restartPauseMs);
    });
    void watch(started);
  };
  const watch = async (started) => {
    const isRunning = () => started.exitCode === null && started.signalCode === null;
    while (isRunning()) {
      const serves = await Promise.resolve()
        .then(isServing)
        .catch(() => false);
      if (serves) {
        isUp = isRunning();
        return;
      }
      await sleep(pollMs);
    }
  };
  start();

  return {
    pid: () => child.pid,
    isUp: () => isUp,
    async untilUp(notPid) {
      while (!isUp || child.pid === notPid) await sleep(pollMs);
    },
    /** From now on it is not expected to answer. */
    markDown() {
      isUp = false;
    },
    exitOf: (pid) => exits.find((exit) => exit.pid === pid),
    async stop() {
      isStopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Resident memory in MB; 0 where the system can't tell or the process is gone. */
export function residentMegabytes(pid) {
  try {
    return Math.round((Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageBytes) / 1e6);
  } catch {
    return 0;
  }
}
