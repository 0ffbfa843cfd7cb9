import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { adapters } from '../../src/contracts.ts';
import { features } from '../../src/features.ts';
import { isDocumented, listRoutes } from '../helpers/routes.ts';

/** What a folder may have that the server only learns of through the folder's manifest. */
const partsOfFeatures = ['routes.ts', 'jobs.ts', 'listener.ts', 'samples.ts', 'feature.ts'];

const foldersUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && partsOfFeatures.includes(entry.name))
    .map(({ parentPath }) => parentPath)
    .filter((path, index, all) => all.indexOf(path) === index);

const folders = [...foldersUnder('src/features'), ...foldersUnder('src/tenancy')];

it.each(folders)('%s has a manifest, which is on the list under its name', async (folder) => {
  expect(existsSync(join(folder, 'feature.ts'))).toBe(true);
  const { feature } = await import(join(process.cwd(), folder, 'feature.ts'));
  expect(features).toContain(feature);
  expect(feature.name).toBe(basename(folder));
});

it('is a list without doubles', () => {
  expect(folders.length).toBe(features.length);
  const names = features.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  const queues = features.flatMap(({ work = [] }) => work.map(({ name }) => name));
  expect(queues.filter((queue, index) => queues.indexOf(queue) !== index)).toEqual([]);
});

it('describes every group of operations once, and none without operations', async () => {
  const declared = features.flatMap(({ tags = [] }) => tags.map(({ name }) => name));
  const routes = (await listRoutes()).filter(isDocumented);
  const used = new Set(routes.flatMap(({ schema }) => schema.tags ?? []));
  expect([...declared].sort()).toEqual([...used].sort());
});

it('finds where each route is made by the first words of its path', async () => {
  const sources = readdirSync('src', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'));
  // Below a workspace a search begins after its id, and in a foreign contract after the contract's name.
  const bases = new RegExp(`^/(${adapters.map(({ api }) => api).join('|')})(?=/)`);
  const searches = (await listRoutes()).map(({ url }) => {
    const [, path = ''] = /:workspaceId(\/[a-z-]+)/.exec(url) ?? [];
    return path || (url.replace(bases, '').split('/:')[0] ?? url);
  });
  const lost = [...new Set(searches)].filter((path) => !sources.some((source) => source.includes(path)));
  expect(lost).toEqual([]);
});
