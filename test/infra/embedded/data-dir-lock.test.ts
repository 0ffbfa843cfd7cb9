import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockAddress } from '../../../src/infra/embedded/data-dir-lock.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crm-lock-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const kinds = process.platform === 'linux' ? ['file', 'abstract'] : ['file'];
describe.each(kinds)('a lock at a socket of kind %s', (kind) => {
  const addressOf = (name: string) => (kind === 'file' ? join(folder, name) : `\0${join(folder, name)}`);

  it('has one holder, whom it names to the others', async () => {
    const lock = await lockAddress(addressOf('held'), '/data');
    await expect(lockAddress(addressOf('held'), '/data')).rejects.toThrow(
      `DATA_DIR /data is in use by process ${process.pid} since ${new Date().getUTCFullYear()}`,
    );
    await lock.release();
    await (await lockAddress(addressOf('held'), '/data')).release();
  });

  it('is free when its holder was killed', async () => {
    const address = addressOf('killed');
    const script = `require('net').createServer().listen(process.argv[1].replace('@', '\\0'), () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script, address.replace('\0', '@')]);
    if (kind === 'file') expect(existsSync(address)).toBe(true);
    await (await lockAddress(address, '/data')).release();
  });
});
