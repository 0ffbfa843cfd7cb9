/**
 * The benchmark: `npm run bench -- [options]`. Starts an embedded MongoDB, a private Redis, this server (API and worker)
 * and the baseline by itself, measures both in turn, and prints the ratios.
 *
 *   --rounds 5 --seconds 10     rounds per operation and side, and how long each takes
 *   --connections 32            save for the rows of one caller
 *   --only create,get           operations of these names, or whose name begins so
 *   --grow                      the same reads at growing sizes, in place of the comparison
 *   --sizes 1000,100000,1000000 the sizes of --grow
 *   --numbers                   the first count of --sizes deals, and what a neighbour notices of it, in place of it
 *   --scale                     one API process against two, in place of the comparison
 *   --neighbours                one workspace's p99 with and without an attack by another, in place of the comparison
 *   --start                     how long a start takes, and its parts, with today's routes and 600 more, in place of it
 *   --soak 10                   minutes of mixed requests with a look at memory every half minute, in place of it
 *   --profile                   writes CPU profiles of the API and the worker to bench/results
 */
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compare } from './compare.mjs';
import { startEnvironment } from './environment.mjs';
import { grow } from './grow.mjs';
import { neighbours } from './neighbours.mjs';
import { numbers } from './numbers.mjs';
import {
  printComparison,
  printGrowth,
  printNeighbours,
  printRows,
  resultsFolder,
  saveResults,
} from './report.mjs';
import { scale } from './scale.mjs';
import { soak } from './soak.mjs';
import { start } from './start.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '32' },
    only: { type: 'string', default: '' },
    sizes: { type: 'string', default: '1000,100000,1000000' },
    grow: { type: 'boolean', default: false },
    numbers: { type: 'boolean', default: false },
    scale: { type: 'boolean', default: false },
    neighbours: { type: 'boolean', default: false },
    start: { type: 'boolean', default: false },
    soak: { type: 'string' },
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
  minutes: Number(values.soak),
};

/** What is measured, and how it is shown. */
const kinds = {
  comparison: { measure: compare, show: printComparison },
  growth: { measure: grow, show: printGrowth },
  numbers: { measure: numbers, show: printRows },
  scale: { measure: scale, show: printRows },
  neighbours: { measure: neighbours, show: printNeighbours },
  start: { measure: start, show: printRows },
  soak: { measure: soak, show: printRows },
};
const asked = {
  growth: values.grow,
  numbers: values.numbers,
  scale: values.scale,
  neighbours: values.neighbours,
  start: values.start,
  soak: values.soak,
};
const kind = Object.keys(asked).find((name) => asked[name]) ?? 'comparison';
const { measure, show } = kinds[kind];

mkdirSync(resultsFolder, { recursive: true });
const environment = await startEnvironment({ profileFolder: values.profile ? resultsFolder : undefined });
try {
  const results = await measure(environment, options);
  show(results);
  saveResults(kind, options, results);
  const failed = results.filter(({ errors }) => errors > 0);
  if (failed.length > 0) {
    console.error(`Requests failed: ${failed.map(({ name }) => name).join(', ')}`);
    process.exitCode = 1;
  }
} finally {
  await environment.stop();
}
