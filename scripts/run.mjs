/**
 * The entry of the npm scripts, so that each of them works on a fresh clone: installs what is missing, builds what has
 * changed, then runs the command. When there is nothing to do that takes a few milliseconds.
 *
 *   node scripts/run.mjs start | api | worker | openapi | test | bench | chaos | layout | build | dev  [arguments of the command]
 *
 * The scripts of package.json `exec` it: a shell that stayed between npm and the server would keep npm's signals to
 * itself and leave the server behind.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const inRoot = (...path) => join(root, ...path);
const say = (line) => process.stderr.write(`${line}\n`);
const stampFile = inRoot('dist', '.sources');

const serverCommands = ['start', 'api', 'worker'];
const otherCommands = ['openapi', 'test', 'bench', 'chaos', 'layout', 'build', 'dev'];
const [command = 'start', ...args] = process.argv.slice(2);

process.chdir(root);
requireNode(20, 19);
if (serverCommands.includes(command)) {
  prepare({ mustCompile: true });
  // What the environment already says comes before what the file says.
  if (existsSync(inRoot('.env'))) process.loadEnvFile(inRoot('.env'));
  await runHere(inRoot('dist', 'main.js'), [command, ...args]);
} else if (command === 'test') {
  // Tests run from the sources and are checked for types by another script, so a type error is only shown here.
  prepare({ mustCompile: false, withDev: true });
  process.env.NODE_ENV = 'test';
  await runHere(inRoot('node_modules', 'vitest', 'vitest.mjs'), ['run', ...args]);
} else if (command === 'bench' || command === 'chaos') {
  prepare({ mustCompile: true, withDev: true });
  await runHere(inRoot(command, 'main.mjs'), args);
} else if (command === 'openapi') {
  prepare({ mustCompile: true, withDev: true });
  await runHere(inRoot('scripts', 'openapi.mjs'), args);
} else if (command === 'layout') {
  prepare({ mustCompile: true, withDev: true });
  await runHere(inRoot('scripts', 'layout.mjs'), args);
} else if (command === 'build') {
  installWhenNeeded(true);
  process.exitCode = build(sourcesHash()) ? 0 : 1;
} else if (command === 'dev') {
  developmentLoop();
} else {
  say(`Unknown command "${command}": use ${[...serverCommands, ...otherCommands].join(', ')}.`);
  process.exitCode = 2;
}

function requireNode(major, minor) {
  const [ourMajor, ourMinor] = process.versions.node.split('.').map(Number);
  if (ourMajor > major || (ourMajor === major && ourMinor >= minor)) return;
  say(`This needs Node.js ${major}.${minor} or newer, and this is ${process.versions.node}.`);
  process.exit(1);
}

/** Installs and builds as needed. An image that has a fresh dist and no development dependencies needs neither. */
function prepare({ mustCompile, withDev = false }) {
  const hash = sourcesHash();
  const isFresh = hash === undefined || (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === hash);
  installWhenNeeded(withDev || !isFresh);
  if (!isFresh && !build(hash) && mustCompile) process.exit(1);
}

function installWhenNeeded(withDev) {
  if (isInstalled(withDev)) return;
  say('Installing dependencies (npm ci) ...');
  // The compiler is a development dependency, which npm would leave out when NODE_ENV is production.
  try {
    execFileSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
      stdio: ['ignore', 2, 2],
    });
  } catch {
    say('npm ci failed; see above.');
    process.exit(1);
  }
}

/** Does node_modules hold every package of the lock file in its version? Optional ones depend on the platform. */
function isInstalled(withDev) {
  const installedFile = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return false;
  const installed = readJson(installedFile).packages;
  return Object.entries(readJson(inRoot('package-lock.json')).packages).every(
    ([path, { version, dev, optional, devOptional }]) =>
      path === '' || optional || devOptional || (dev && !withDev) || installed[path]?.version === version,
  );
}

/** Stands for the content of everything the compiler reads; undefined where there are no sources, only a build. */
function sourcesHash() {
  if (!existsSync(inRoot('src'))) return undefined;
  const hash = createHash('sha256');
  for (const file of ['tsconfig.json', 'tsconfig.build.json', ...filesUnder('src')]) {
    hash.update(`${file}\0`).update(readFileSync(inRoot(file)));
  }
  return hash.digest('hex');
}

function build(hash) {
  removeOrphans();
  try {
    execFileSync(process.execPath, [compiler(), '-p', 'tsconfig.build.json'], { stdio: ['ignore', 2, 2] });
  } catch {
    return false;
  }
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, hash);
  return true;
}

/** Removes from dist what was built from sources that are gone, lest somebody imports it. */
function removeOrphans() {
  if (!existsSync(inRoot('dist'))) return;
  for (const file of filesUnder('dist')) {
    const source = file.replace(/^dist/, 'src').replace(/\.js(\.map)?$/, '.ts');
    if (source.endsWith('.ts') && !existsSync(inRoot(source))) rmSync(inRoot(file));
  }
}

function filesUnder(folder) {
  return readdirSync(inRoot(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .sort();
}

/** Runs a script in this process, as if Node had been started with it. */
async function runHere(file, scriptArgs) {
  process.argv = [process.execPath, file, ...scriptArgs];
  await import(pathToFileURL(file).href);
}

/** Builds and starts the server anew on every change of a source. */
function developmentLoop() {
  const settleMs = 150; // editors and git write several files in a row
  let server;
  let timer;
  const start = () => {
    server = spawn(process.execPath, [inRoot('scripts', 'run.mjs'), 'start', ...args], { stdio: 'inherit' });
  };
  const restart = () => {
    if (server.exitCode !== null || server.signalCode !== null) return start();
    // The old server must have let go of the port and the data directory.
    server.removeAllListeners('exit').once('exit', start).kill('SIGTERM');
  };
  start();
  watch(inRoot('src'), { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(restart, settleMs);
  });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      server.removeAllListeners('exit').once('exit', () => process.exit());
      if (!server.kill(signal)) process.exit();
    });
  }
}

function compiler() {
  return inRoot('node_modules', 'typescript', 'bin', 'tsc');
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
