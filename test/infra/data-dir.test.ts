import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'crm-data-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

/** Starts the server over the directory, stops it once it listens, and tells what it logged. */
async function logOfStart(): Promise<string[]> {
  const server: ChildProcess = spawn(
    '/bin/sh',
    // With the loosest umask there is, which a start has to replace.
    ['-c', 'umask 000; exec "$0" dist/main.js api', process.execPath],
    {
      env: {
        PATH: process.env.PATH,
        DATA_DIR: dataDir,
        MONGODB_URL: `${inject('mongoUrl').replace(/\/(\?|$)/, '/test_data_dir$1')}`,
        REDIS_URL: inject('redisUrl'),
        SMTP_URL: 'smtp://mail.example.com',
        PORT: '0',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(server, 'exit');
  const lines: string[] = [];
  try {
    if (!server.stdout) throw new Error('no output to read');
    for await (const line of createInterface(server.stdout)) {
      lines.push(line);
      if (line.includes('listening')) break;
    }
  } finally {
    server.stdout?.resume();
    server.kill('SIGTERM');
    await ended;
  }
  return lines;
}

const isOpen = (path: string): boolean => (statSync(path).mode & 0o077) !== 0;

it('warns of a data directory that is open to others, and makes nothing in it that is', async () => {
  await chmod(dataDir, 0o755);
  const lines = await logOfStart();
  expect(lines.join('\n')).toContain('listening');
  expect(lines.filter((line) => line.includes('DATA_DIR is open to other users'))).toHaveLength(1);
  expect(lines.filter((line) => line.includes('OPERATOR_MAIL'))).toHaveLength(1);
  const made = await readdir(dataDir);
  expect(made).toContain('secrets.json');
  expect(made.filter((name) => isOpen(join(dataDir, name)))).toEqual([]);
});

it('says nothing about one that is closed', async () => {
  await chmod(dataDir, 0o700);
  expect((await logOfStart()).join('\n')).not.toContain('DATA_DIR');
});

it('makes a missing one for its owner only', async () => {
  await rm(dataDir, { recursive: true });
  expect((await logOfStart()).join('\n')).not.toContain('DATA_DIR');
  expect(isOpen(dataDir)).toBe(false);
});
