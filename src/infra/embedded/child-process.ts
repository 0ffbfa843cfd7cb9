import type { ChildProcess } from 'node:child_process';

/** What is kept of a child's output, to explain a start that failed or a crash. */
const outputCharsMax = 2_000;

/** Resolves with how the process ended and what it said last; also when it could not be started at all. */
export function whenExited(child: ChildProcess): Promise<string> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-outputCharsMax);
    });
  }
  return new Promise((resolve) => {
    child.once('error', (err) => resolve(err.message));
    child.once('exit', (code, signal) => {
      if (signal === 'SIGKILL' || signal === 'SIGTERM') return resolve(`signal ${signal}`);
      const how = signal ? `signal ${signal}` : `exit code ${code}`;
      // Output may still arrive after 'exit'; one turn is enough for what was written before a crash.
      setImmediate(() => resolve([how, lastLine(output)].filter(Boolean).join(': ')));
    });
  });
}

/** Redis warns about the kernel's settings at every start, which explains nothing. */
function lastLine(output: string): string | undefined {
  const lines = output.split('\n').filter((line) => line.trim() && !line.includes('WARNING'));
  return lines.at(-1)?.trim();
}

/** Asks the process to end, and ends it by force after `graceMs`. */
export async function endProcess(
  child: ChildProcess,
  exited: Promise<string>,
  ask: () => void,
  graceMs: number,
) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  ask();
  await exited;
  clearTimeout(timer);
}
