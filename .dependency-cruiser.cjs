/**
 * Which way imports point: docs/architecture.md draws the picture, this keeps it. Read from what the compiler makes, so
 * that only imports count that run; .dependency-cruiser-types.cjs says what holds for types.
 */

/** From the bottom: each layer knows those before it. Layers in one line don't know each other. */
const layers = [
  ['lib'],
  ['infra'],
  ['tenancy'],
  ['access', 'records', 'work'],
  ['features'],
  ['openapi'],
  ['plugins'],
  ['adapters'],
];

const folder = (names) => `^dist/(${names.join('|')})/`;
const area = '^dist/features/([^/]+/[^/]+)/';

const downwards = layers.map((names, index) => ({
  name: `${names.join('-')}-looks-down`,
  comment:
    'A layer knows only the ones below it; the files beside the layers (app, worker, features, ...) know all.',
  severity: 'error',
  from: { path: folder(names) },
  to: {
    path: '^dist/',
    pathNot: [folder(layers.slice(0, index).flat()), ...names.map((name) => `^dist/${name}/`)],
  },
}));

module.exports = {
  forbidden: [
    ...downwards,
    {
      name: 'no-circles',
      comment: 'Files that need each other are one file, or need a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-circles-of-folders',
      comment: 'Folders that need each other are one folder. A folder may share things with those inside it.',
      severity: 'error',
      scope: 'folder',
      from: { pathNot: '^dist/features/messaging/messages' },
      to: { circular: true },
    },
    {
      name: 'others-ask-the-service',
      comment:
        'What a feature stores and serves is its own; others call its service. Of whatsapp, which is a view of the messages, and of what only records (audit), the model is shared.',
      severity: 'error',
      from: { path: area },
      to: {
        path: '^dist/features/[^/]+/[^/]+/(model|routes|present|jobs|listener|feature|samples)\\.js$',
        pathNot: ['^dist/features/$1/', '^dist/features/(messaging/messages|platform/audit)/model\\.js$'],
      },
    },
    {
      name: 'adapters-translate',
      comment: 'A contract calls services and reads schemas; it queries nothing.',
      severity: 'error',
      from: { path: '^dist/adapters/' },
      to: { path: '^dist/(infra/|features/.*/(model|routes|jobs|feature)\\.js$)' },
    },
    {
      name: 'adapters-are-apart',
      comment: 'Deleting the folder and one line removes the contract.',
      severity: 'error',
      from: { path: '^dist/adapters/([^/]+)/' },
      to: { path: '^dist/adapters/', pathNot: '^dist/adapters/$1/' },
    },
    {
      name: 'nobody-knows-the-adapters',
      comment: 'Only the list of contracts does.',
      severity: 'error',
      from: { path: '^dist/', pathNot: ['^dist/adapters/', '^dist/contracts\\.js$'] },
      to: { path: '^dist/adapters/' },
    },
    {
      name: 'one-list-of-features',
      comment: 'Only the list knows a feature’s manifest.',
      severity: 'error',
      from: { path: '^dist/', pathNot: '^dist/features\\.js$' },
      to: { path: '^dist/(features|tenancy)/.*/feature\\.js$' },
    },
  ],
  options: { doNotFollow: { path: 'node_modules' }, includeOnly: '^dist/' },
};
