import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Log } from './types.ts';

const run = promisify(execFile);
const names = ['redis-server', 'valkey-server'];
/** Where package managers put it, for processes that were started with a short PATH. */
const usualFolders = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];

const advice =
  'Install redis-server or valkey-server (Debian/Ubuntu: apt-get install redis-server, macOS: brew install redis), ' +
  'or set REDIS_URL to a Redis server, or use docker compose up.';

/** The Redis (or Valkey) server to run, installed first where that needs nobody's consent: as root on Debian or Ubuntu. */
export async function provideRedisBinary(log: Log): Promise<string> {
  const found = findProgram(names);
  if (found) return found;
  const aptGet = process.platform === 'linux' && process.getuid?.() === 0 && findProgram(['apt-get']);
  if (!aptGet) throw new Error(`Redis is not installed. ${advice}`);
  log.info('Redis is not installed: installing redis-server with apt-get, this once');
  try {
    await installWithApt(aptGet);
  } catch (err) {
    throw new Error(`Redis could not be installed: ${lastLine(err)}. ${advice}`);
  }
  const installed = findProgram(names);
  if (!installed) throw new Error(`apt-get installed redis-server, but it is nowhere to be found. ${advice}`);
  return installed;
}

/** First program of these names on PATH. */
export function findProgram(wanted: string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...usualFolders];
  return wanted.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

async function installWithApt(aptGet: string) {
  // Runlevel 1 keeps the package from starting its service, which would take port 6379; the stop is for systemd, which ignores that.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const install = () => run(aptGet, ['install', '-y', '--no-install-recommends', 'redis-server'], { env });
  await run(aptGet, ['update'], { env }).catch(() => {}); // a dead source among several must not stop us
  await install();
  const systemctl = findProgram(['systemctl']);
  if (systemctl) await run(systemctl, ['disable', '--now', 'redis-server']).catch(() => {});
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function lastLine(err: unknown): string {
  const { stderr, message } = err as { stderr?: string; message?: string };
  return (stderr || message || String(err)).trim().split('\n').at(-1) ?? '';
}
