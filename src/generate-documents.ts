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
import { documentPathOf } from './openapi/register.ts';

const nativeName = 'openapi.json';

/** Each contract's document by its file's name. They need the routes only: nothing is connected or asked of the context. */
export async function generateDocuments(): Promise<Map<string, Json>> {
  const app = await buildApp(contextOfRoutes());
  await app.ready();
  const documents = new Map([[nativeName, app.nativeDocument()]]);
  for (const adapter of adapters) {
    const path = documentPathOf(adapter);
    const answer = await app.inject({ url: path });
    documents.set(basename(path), answer.json<Json>());
  }
  await app.close();
  return documents;
}

/** Enough of a context to register routes with. */
export const contextOfRoutes = () =>
  ({
    features,
    ...declaredBy(features, keyKinds.values()),
    keyKinds,
    config: loadConfig({ NODE_ENV: 'test' }),
    log: createLogger('silent'),
    metrics: createMetrics(),
  }) as unknown as Context;
