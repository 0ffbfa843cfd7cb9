import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** A short name for a data directory; the same for every process that means the same directory. */
export function dataDirHash(dataDir: string): string {
  return createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
}

/**
 * Makes the folder that holds the sockets of a data directory. It lies in the temporary directory because a socket's
 * path may have 107 bytes at most (103 on macOS), which a deep data directory exceeds.
 */
export function makeRunDir(dataDir: string): string {
  const path = join(tmpdir(), `crm-${dataDirHash(dataDir)}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  // Everybody may create folders there, so one that waits for us under this name need not be ours.
  const found = lstatSync(path);
  if (!found.isDirectory() || found.uid !== userInfo().uid || (found.mode & 0o077) !== 0) {
    throw new Error(`${path} must be a directory of this user with mode 0700; remove it and start again.`);
  }
  return path;
}
