import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

interface Lockfile {
  packages: Record<string, { version?: string; integrity?: string; link?: boolean }>;
}

/**
 * Without a checksum npm installs whatever it is given. It leaves out those of packages for other platforms that it could
 * not see when the lock file was made; where that happens, the version is pinned to one whose packages are all there.
 */
it('every package is locked by the checksum of its contents', async () => {
  const text = await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8');
  const { packages } = JSON.parse(text) as Lockfile;
  const installed = Object.entries(packages).filter(([path, { link }]) => path !== '' && !link);
  expect(installed.length).toBeGreaterThan(100);
  const unchecked = installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'));
  expect(unchecked.map(([path]) => path)).toEqual([]);
});
