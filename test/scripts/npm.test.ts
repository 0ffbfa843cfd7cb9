import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

/** What a test began and may have left behind. */
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

it('puts no shell between npm and what it runs: a shell would keep npm’s signals to itself', () => {
  const ours = Object.entries(scripts).filter(([, command]) => command.includes('scripts/run.mjs'));
  expect(ours.map(([name]) => name)).toEqual(expect.arrayContaining(['start', 'api', 'worker', 'dev']));
  for (const [, command] of ours) expect(command).toMatch(/^exec node scripts\/run\.mjs \w+$/);
});

// Elsewhere nothing tells which processes belong to which.
it.runIf(existsSync('/proc/self/stat')).each(['start', 'dev'])(
  'npm run %s ends with its npm, and so do the embedded services',
  { timeout: 120_000 },
  async (script) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'crm-npm-'));
    cleanups.push(() => rm(dataDir, { recursive: true, force: true }));
    const npm = spawn('npm', ['run', script], {
      env: { ...environment(), DATA_DIR: dataDir, PORT: String(await freePort()), DEMO: 'off' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanups.push(() => void npm.kill('SIGKILL'));
    await lineWith(npm, 'listening');
    const started = descendantsOf(npm.pid ?? 0);
    cleanups.push(() => {
      for (const pid of started.filter(isAlive)) process.kill(pid, 'SIGKILL');
    });
    // The server, the engine and Redis.
    expect(started.length).toBeGreaterThanOrEqual(3);

    npm.kill('SIGTERM');
    await once(npm, 'exit');
    expect(started.filter(isAlive)).toEqual([]);
  },
);

/** Without what npm, vitest and the test run have set for themselves. */
function environment(): NodeJS.ProcessEnv {
  const ours = /^(npm_|VITEST|NODE_ENV$|MONGODB_URL$|REDIS_URL$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

async function lineWith({ stdout }: ChildProcess, text: string): Promise<void> {
  if (!stdout) throw new Error('no output to read');
  for await (const line of createInterface(stdout)) if (line.includes(text)) break;
  // What nobody reads must not hold it up.
  stdout.resume();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** Process id, state and parent of every process. */
function processes(): { pid: number; state: string; parent: number }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        // The command's name stands in brackets and may hold anything.
        const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return [{ pid: Number(name), state, parent: Number(parent) }];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

function descendantsOf(ancestor: number): number[] {
  const all = processes();
  const childrenOf = (pid: number): number[] =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child.pid, ...childrenOf(child.pid)]);
  return childrenOf(ancestor);
}

const isAlive = (pid: number): boolean =>
  processes().some((running) => running.pid === pid && running.state !== 'Z');
