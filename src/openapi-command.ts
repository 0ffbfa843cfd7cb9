import { readFile, writeFile } from 'node:fs/promises';
import { buildApp } from './app.ts';
import { loadConfig } from './config.ts';
import type { Context } from './context.ts';
import { keyKinds } from './contracts.ts';
import { features } from './features.ts';
import { createLogger } from './infra/logger.ts';
import { createMetrics } from './infra/metrics.ts';

const documentPath = 'openapi/openapi.json';

/** Writes the API document that the routes generate, or with --check exits 1 when the published one is stale. */
export async function runOpenapi(args: string[]): Promise<void> {
  const document = `${JSON.stringify(await generateDocument(), null, 2)}\n`;
  if (!args.includes('--check')) {
    await writeFile(documentPath, document);
    console.log(`${documentPath} written`);
    return;
  }
  const published = await readFile(documentPath, 'utf8').catch(() => '');
  if (published === document) {
    console.log(`${documentPath} is up to date`);
    return;
  }
  console.error(`${documentPath} is stale: run "npm run openapi" and commit it`);
  process.exitCode = 1;
}

/** The document needs the routes only: nothing is connected, and nothing is asked of the context. */
export async function generateDocument(): Promise<Record<string, unknown>> {
  const config = loadConfig({ NODE_ENV: 'test' });
  const ctx = {
    features,
    keyKinds,
    config,
    log: createLogger('silent'),
    metrics: createMetrics(),
  } as unknown as Context;
  const app = await buildApp(ctx);
  await app.ready();
  const document = app.nativeDocument();
  await app.close();
  return document;
}
