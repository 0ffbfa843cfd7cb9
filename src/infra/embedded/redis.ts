import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, whenExited } from './child-process.ts';
import { type Kept, keepRunning } from './keeper.ts';
import { provideRedisBinary } from './redis-binary.ts';
import type { Log, Running } from './types.ts';

/** Reading back a large append-only file takes its time. */
const readyTimeoutMs = 60_000;
const strayTimeoutMs = 10_000;
const pollMs = 20;
const stopGraceMs = 5_000;

/**
 * Redis does not notice that its parent is gone, so a guard does. The shell leaves the guard in the background and
 * becomes Redis itself, which is why `$$` is the pid of Redis. The guard waits on pipe 3: a line says that Redis is
 * gone, the end of the pipe that our process is.
 */
const guardedRedis = `
( read -r line <&3 || { kill -TERM $$ && sleep 3 && kill -KILL $$; } ) >/dev/null 2>&1 &
exec "$0" "$1" 3<&-
`;

/** Starts a private Redis over `dataDir`/redis and keeps it running on one unix socket. */
export async function startRedis(options: {
  dataDir: string;
  runDir: string;
  log: Log;
}): Promise<Kept & { url: string }> {
  const binary = await provideRedisBinary(options.log);
  const directory = join(options.dataDir, 'redis');
  const socketPath = join(options.runDir, 'redis.sock');
  const configFile = join(options.runDir, 'redis.conf');
  mkdirSync(directory, { recursive: true });
  writeFileSync(configFile, redisConfig(directory, socketPath));
  const kept = await keepRunning(
    'private Redis',
    async () => {
      await endStray(socketPath);
      return launch(binary, configFile, socketPath);
    },
    options.log,
  );
  return { ...kept, url: socketPath };
}

function redisConfig(directory: string, socketPath: string): string {
  return [
    'port 0',
    `unixsocket ${JSON.stringify(socketPath)}`,
    'unixsocketperm 700',
    `dir ${JSON.stringify(directory)}`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    // Queues live here: a full memory must refuse writes, not drop jobs.
    'maxmemory-policy noeviction',
    'loglevel warning',
    '',
  ].join('\n');
}

async function launch(binary: string, configFile: string, socketPath: string): Promise<Running> {
  const child = spawn('/bin/sh', ['-c', guardedRedis, binary, configFile], {
    // A group of its own, so that Ctrl-C reaches the server only, which then closes things in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const exited = whenExited(child);
  const guard = child.stdio[3] as Duplex;
  guard.on('error', () => {});
  // Without its guard Redis could outlive us; end it, and the keeper starts both again.
  guard.resume().once('close', () => child.kill('SIGTERM'));
  let gone = false;
  void exited.then(() => {
    gone = true;
    guard.end('\n');
  });
  const deadline = Date.now() + readyTimeoutMs;
  while (!gone && (await ask(socketPath, 'PING')) !== '+PONG') {
    if (Date.now() > deadline) child.kill('SIGKILL');
    await sleep(pollMs);
  }
  if (gone) throw new Error(`Redis does not start: ${await exited}`);
  return {
    pid: child.pid ?? 0,
    exited,
    stop: () => endProcess(child, exited, () => child.kill('SIGTERM'), stopGraceMs),
  };
}

/**
 * Two servers must never write one append-only file. We hold the data directory's lock, so whatever still answers
 * here belongs to a server that was killed; usually its guard is ending it already.
 */
async function endStray(socketPath: string) {
  const deadline = Date.now() + strayTimeoutMs;
  while ((await ask(socketPath, 'SHUTDOWN')) !== undefined) {
    if (Date.now() > deadline) throw new Error(`another Redis is running on ${socketPath} and does not stop`);
    await sleep(pollMs);
  }
}

/** One command, one line of answer: empty when the server hung up instead, undefined when nobody listens. */
function ask(socketPath: string, command: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    let connected = false;
    const socket = connect(socketPath, () => {
      connected = true;
      socket.write(`${command}\r\n`);
    });
    socket.setTimeout(2_000, () => socket.destroy());
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => resolve(connected ? text.trim() : undefined));
  });
}
