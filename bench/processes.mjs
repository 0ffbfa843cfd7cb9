import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const readyTimeoutMs = 30_000;
const stopTimeoutMs = 20_000;

/** Of /proc/<pid>/stat, the same on every Linux. */
const ticksPerSecond = 100;
const pageBytes = 4_096;

/**
 * Runs a script of ours as a process. A PORT given as undefined means that it does not listen.
 * @returns once it accepts connections
 */
export async function startProcess(script, args, env, profileFolder) {
  const port = await freePort();
  const name = `${args[0] ?? basename(dirname(script))}.cpuprofile`;
  const profile = profileFolder
    ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`, `--cpu-prof-name=${name}`]
    : [];
  const child = fork(join(root, script), args, {
    env: { PATH: process.env.PATH, PORT: String(port), ...withoutUndefined(env) },
    execArgv: profile,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const listens = !('PORT' in env);
  const origin = `http://127.0.0.1:${port}`;
  if (listens) await untilReady(origin, child, script);
  return {
    pid: child.pid,
    origin,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

const withoutUndefined = (env) =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function untilReady(origin, child, script) {
  const deadline = Date.now() + readyTimeoutMs;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) break;
    try {
      const answer = await fetch(`${origin}/api/v1/health`);
      await answer.arrayBuffer();
      return;
    } catch {
      await sleep(50);
    }
  }
  child.kill('SIGKILL');
  throw new Error(`${script} does not start`);
}

/** CPU seconds that each process has used so far, in user and system mode. */
export const cpuSeconds = (pids) =>
  Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The second field is the program's name and may hold spaces; user and system time are fields 14 and 15.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [name, (Number(fields[11]) + Number(fields[12])) / ticksPerSecond];
    }),
  );

/** What each process has used since an earlier reading, per thousand requests, and all of them together. */
export function cpuSince(before, pids, requests) {
  const now = cpuSeconds(pids);
  const cpu = Object.fromEntries(
    Object.keys(now).map((name) => [name, ((now[name] - before[name]) / requests) * 1_000]),
  );
  return { cpu, cpuPerThousand: Object.values(cpu).reduce((sum, seconds) => sum + seconds, 0) };
}

/** Resident memory of each process in MB. */
export const residentMegabytes = (pids) =>
  Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => {
      const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
      return [name, Math.round((pages * pageBytes) / 1e6)];
    }),
  );
