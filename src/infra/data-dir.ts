import { statSync } from 'node:fs';
import type { Logger } from './logger.ts';

/** Rights of anybody but the owner. */
export const othersMask = 0o077;

/**
 * Tells when a data directory that was there before is open to others: keys and everybody's data lie in it. What is
 * made from now on is not, whatever the directory's own rights; what lies there already is the owner's to close.
 */
export function warnOfOpenDataDir(dataDir: string, log: Logger): void {
  const { mode } = statSync(dataDir, { throwIfNoEntry: false }) ?? { mode: 0 };
  if ((mode & othersMask) === 0) return;
  log.warn(
    { dataDir, mode: (mode & 0o777).toString(8) },
    'DATA_DIR is open to other users of this machine; chmod -R go= closes it',
  );
}
