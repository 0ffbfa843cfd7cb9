import { basename } from 'node:path';
import { declaredBy } from './access/declared.ts';
import { buildApp } from './app.ts';
import { loadConfig } from './config.ts';
import type { Context } from './context.ts';
import { adapters, keyKinds } from './contracts.ts';
import { features } from './features.ts';
import { createLogger } from './infra/logger.ts';
import { createMetrics } from './infra/metrics.ts';
import type { Json } from './openapi/convert.ts';

const nativeName = 'openapi.json';

/** Each contract's document by its file's name. They need the routes only: nothing is connected or asked of the context. */
export async function generateDocuments(): Promise<Map<string, Json>> {
  const app = await buildApp(contextOfRoutes());
  await app.ready();
  const documents = new Map([[nativeName, app.nativeDocument()]]);
  for (const { documentPath } of adapters) {
    const answer = await app.inject({ url: documentPath });
    documents.set(basename(documentPath), answer.json<Json>());
  }
  await app.close();
  return documents;
}

/** Enough of a context to register routes with. */
export const contextOfRoutes = () =>
  ({
    features,
    ...declaredBy(features),
    keyKinds,
    config: loadConfig({ NODE_ENV: 'test' }),
    log: createLogger('silent'),
    metrics: createMetrics(),
  }) as unknown as Context;
