/**
 * Holds the sources to the picture in docs/architecture.md: the imports that run, as the compiler leaves them in dist, and
 * then the imports of types too. dependency-cruiser can't read this compiler's language, so for these it gets each
 * source's imports alone.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const depcruise = resolve('node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');

/** @returns whether everything points where it should */
function check(config, cwd = '.') {
  const { status } = spawnSync(process.execPath, [depcruise, '--config', resolve(config), 'dist'], {
    cwd,
    stdio: 'inherit',
  });
  return status === 0;
}

/** Writes every source with its relative imports alone, those of types included. */
function writeImports(folder) {
  const importPattern = /^(?:import|export)\b[^;]*?from '(\.[^']+)\.ts'/gms;
  for (const entry of readdirSync('src', { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const source = join(entry.parentPath, entry.name);
    const imports = [...readFileSync(source, 'utf8').matchAll(importPattern)];
    const target = join(folder, source.replace(/^src/, 'dist').replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, imports.map(([, path]) => `import '${path}.js';\n`).join(''));
  }
}

const folder = mkdtempSync(join(tmpdir(), 'layout-'));
try {
  writeImports(folder);
  const isRight = check('.dependency-cruiser.cjs') && check('.dependency-cruiser-types.cjs', folder);
  process.exitCode = isRight ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
