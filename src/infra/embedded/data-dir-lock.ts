/**
 * One process per data directory. The lock is a listening socket: the kernel frees it at the moment its holder dies,
 * however it dies, so there is never a stale lock to clean up, and whoever is refused can ask the holder who it is.
 *
 * On Linux the socket has an abstract name, which is bound atomically and leaves no file. Elsewhere it is a file, and
 * one that nobody listens on any more is replaced.
 */
import { rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataDirHash } from './run-dir.ts';

const answerTimeoutMs = 1_000;
/** A process that was just killed still holds its sockets for some milliseconds, but answers no more. */
const silenceMs = 2_000;
const retryMs = 20;

export interface Lock {
  release(): Promise<void>;
}

/** Takes the lock or rejects with one line that names the holder. */
export async function lockDataDir(dataDir: string, runDir: string): Promise<Lock> {
  const isLinux = process.platform === 'linux';
  const address = isLinux ? `\0crm-data-dir-${dataDirHash(dataDir)}` : join(runDir, 'lock.sock');
  return lockAddress(address, dataDir);
}

/** The lock itself, for any socket address. */
export async function lockAddress(address: string, dataDir: string): Promise<Lock> {
  const deadline = Date.now() + silenceMs;
  for (;;) {
    const server = await listen(address);
    if (server) return { release: () => new Promise((resolve) => server.close(() => resolve())) };
    const holder = await askHolder(address);
    if (holder === 'gone' && !address.startsWith('\0')) rmSync(address, { force: true });
    else if (typeof holder === 'object')
      throw inUse(dataDir, `process ${holder.pid} since ${holder.startedAt}`);
    else if (Date.now() > deadline) throw inUse(dataDir, 'a process that does not answer');
    else await sleep(retryMs);
  }
}

function inUse(dataDir: string, holder: string): Error {
  return new Error(`DATA_DIR ${dataDir} is in use by ${holder}: stop that one, or set another DATA_DIR.`);
}

/** Undefined when the address is taken. */
function listen(address: string): Promise<Server | undefined> {
  const answer = JSON.stringify({ pid: process.pid, startedAt: new Date().toISOString() });
  const server = createServer((socket) => socket.on('error', () => {}).end(answer));
  // The lock must not be what keeps the process running.
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', (err: NodeJS.ErrnoException) =>
      err.code === 'EADDRINUSE' ? resolve(undefined) : reject(err),
    );
    server.listen(address, () => resolve(server));
  });
}

function askHolder(address: string): Promise<{ pid: number; startedAt: string } | 'gone' | 'silent'> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(address);
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    socket.setTimeout(answerTimeoutMs, () => {
      resolve('silent');
      socket.destroy();
    });
    socket.once('error', (err: NodeJS.ErrnoException) =>
      resolve(err.code === 'ECONNREFUSED' || err.code === 'ENOENT' ? 'gone' : 'silent'),
    );
    socket.once('end', () => {
      try {
        resolve(JSON.parse(text));
      } catch {
        resolve('silent');
      }
    });
  });
}
