import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const resultsFolder = join(dirname(fileURLToPath(import.meta.url)), 'results');

const machine = () => `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`;

export function printComparison(results) {
  const rows = results.map(({ name, server, baseline, throughputRatio, cpuRatio, target, errors }) => ({
    operation: name,
    'req/s': round(server.requestsPerSecond),
    baseline: round(baseline.requestsPerSecond),
    ratio: verdict(throughputRatio, throughputRatio >= (target?.throughput ?? 0)),
    'CPU s/1,000': server.cpuPerThousand.toFixed(2),
    'baseline ': baseline.cpuPerThousand.toFixed(2),
    'ratio ': verdict(cpuRatio, cpuRatio <= (target?.cpu ?? Number.POSITIVE_INFINITY)),
    'p50/p99 ms': `${server.p50}/${server.p99}`,
    'baseline  ': `${baseline.p50}/${baseline.p99}`,
    errors,
  }));
  printRows(rows);
  console.log('\nCPU seconds per 1,000 requests by process:');
  printRows(
    results.map(({ name, server, baseline }) => ({
      operation: name,
      server: byProcess(server.cpu),
      baseline: byProcess(baseline.cpu),
    })),
  );
  const last = results.at(-1);
  if (last)
    console.log(`\nMB resident: ${JSON.stringify({ ...last.server.megabytes, ...last.baseline.megabytes })}`);
  console.log('A ! marks a ratio that misses its target (see bench/operations.mjs).');
}

export function printGrowth(results) {
  const rows = results.map(({ name, size, requestsPerSecond, p50, p99, megabytes, errors }) => {
    const first = results.find((other) => other.name === name);
    return {
      operation: name,
      size,
      'req/s': round(requestsPerSecond),
      'p50 ms': p50,
      'p99 ms': p99,
      'p50 ×': (p50 / first.p50).toFixed(2),
      'p99 ×': (p99 / first.p99).toFixed(2),
      'API MB': megabytes.api,
      errors,
    };
  });
  printRows(rows);
}

export function printNeighbours(results) {
  printRows(
    results.map(({ name, quiet, attacked, rise, isKept, samples, answers, errors }) => ({
      'attack: operation': name,
      'p99 ms': quiet.toFixed(1),
      'p99 ms under attack': attacked.toFixed(1),
      ratio: verdict(rise, isKept),
      samples: round(samples),
      'attacker got': Object.entries(answers)
        .map(([what, count]) => `${count} × ${what}`)
        .join(', '),
      errors,
    })),
  );
  console.log('\nA ! marks a p99 that rises by half or more.');
}

/** Keeps everything measured, every round included, for later comparison. */
export function saveResults(kind, options, results) {
  const at = new Date().toISOString();
  const file = join(resultsFolder, `${kind}-${at.replaceAll(':', '-')}.json`);
  writeFileSync(
    file,
    JSON.stringify({ at, machine: machine(), revision: revision(), options, results }, null, 2),
  );
  console.log(`${machine()}; all figures in ${file}`);
}

function revision() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { stdio: 'pipe' }).toString().trim();
  } catch {
    return undefined;
  }
}

const byProcess = (cpu) =>
  Object.entries(cpu)
    .map(([name, seconds]) => `${name} ${seconds.toFixed(2)}`)
    .join(', ');
const round = (number) => Math.round(number).toLocaleString('en');
const verdict = (number, isMet) => `${number.toFixed(2)}${isMet ? '' : ' !'}`;

/** A Markdown table with padded columns. */
export function printRows(rows) {
  const columns = Object.keys(rows[0] ?? {});
  const widths = columns.map((column) =>
    Math.max(column.length, ...rows.map((row) => String(row[column]).length)),
  );
  const line = (cells) => `| ${cells.map((cell, index) => String(cell).padEnd(widths[index])).join(' | ')} |`;
  console.log(line(columns));
  console.log(line(widths.map((width) => '-'.repeat(width))));
  for (const row of rows) console.log(line(columns.map((column) => row[column])));
}
