/**
 * The benchmark: `npm run bench -- [options]`. Starts an embedded MongoDB, a private Redis, this server (API and worker)
 * and the baseline by itself, measures both in turn, and prints the ratios.
 *
 *   --rounds 5 --seconds 10     rounds per operation and side, and how long each takes
 *   --connections 32
 *   --only create,get           operations whose name begins so
 *   --grow                      the same reads at growing sizes, in place of the comparison
 *   --sizes 1000,100000,1000000 the sizes of --grow
 *   --profile                   writes CPU profiles of the API and the worker to bench/results
 */
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compare } from './compare.mjs';
import { startEnvironment } from './environment.mjs';
import { grow } from './grow.mjs';
import { printComparison, printGrowth, resultsFolder, saveResults } from './report.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '32' },
    only: { type: 'string', default: '' },
    sizes: { type: 'string', default: '1000,100000,1000000' },
    grow: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
});
const list = (text) => text.split(',').filter(Boolean);
const options = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  connections: Number(values.connections),
  only: list(values.only),
  sizes: list(values.sizes).map(Number),
};

mkdirSync(resultsFolder, { recursive: true });
const environment = await startEnvironment({ profileFolder: values.profile ? resultsFolder : undefined });
try {
  const results = values.grow ? await grow(environment, options) : await compare(environment, options);
  if (values.grow) printGrowth(results);
  else printComparison(results);
  saveResults(values.grow ? 'growth' : 'comparison', options, results);
  const failed = results.filter(({ errors }) => errors > 0);
  if (failed.length > 0) {
    console.error(`Requests failed: ${failed.map(({ name }) => name).join(', ')}`);
    process.exitCode = 1;
  }
} finally {
  await environment.stop();
}
