/**
 * Which way types point: as imports do (.dependency-cruiser.cjs), save to the files beside the layers that say what a
 * process, a request and a feature are made of. Circles of types are no circles of anything that runs.
 */

const { forbidden, options } = require('./.dependency-cruiser.cjs');

const shared = '^dist/(config|context|feature|http)\\.js$';
const others = ['adapters-are-apart', 'nobody-knows-the-adapters', 'one-list-of-features'];
const isOfLayer = ({ name }) => name.endsWith('-looks-down');

const towards = ({ to, ...rule }) => ({ ...rule, to: { ...to, pathNot: [...to.pathNot, shared] } });

module.exports = {
  forbidden: [
    ...forbidden.filter(isOfLayer).map(towards),
    ...forbidden.filter(({ name }) => others.includes(name)),
  ],
  options,
};
