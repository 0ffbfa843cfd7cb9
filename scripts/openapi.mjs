/**
 * Writes what is published under openapi/: each contract's document as its routes generate it, and the native one as a
 * Postman collection. With --check exits 1 when a published one is stale.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { generateDocuments } from '../dist/generate-documents.js';
import { toPostmanCollection } from './postman.mjs';

const documents = await generateDocuments();
documents.set('postman_collection.json', await toPostmanCollection(documents.get('openapi.json')));

for (const [name, document] of documents) {
  const file = `openapi/${name}`;
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (!process.argv.includes('--check')) {
    await writeFile(file, text);
    console.log(`${file} written`);
  } else if ((await readFile(file, 'utf8').catch(() => '')) === text) {
    console.log(`${file} is up to date`);
  } else {
    console.error(`${file} is stale: run "npm run openapi" and commit it`);
    process.exitCode = 1;
  }
}
