import { readFile } from 'node:fs/promises';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import type { Context } from '../context.ts';
import type { Adapter } from '../http.ts';
import type { Json } from '../openapi/convert.ts';
import { completeNativeDocument } from '../openapi/native.ts';
import { nativeDocument } from '../openapi/native-document.ts';
import { documentPathOf, registerDocument } from '../openapi/register.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The generated native API document; only after `ready()`. */
    nativeDocument(): Json;
  }
}

const nativePath = '/api/openapi.json';

/** The native API document, its Postman collection, and the page at /docs that shows every contract's document. */
export const openapiPlugin = fp<{ ctx: Context; others: Adapter[] }>(
  async (app, { ctx, others }) => {
    const baseUrl = ctx.config.publicUrl ?? 'http://localhost:5010';
    const read = await registerDocument(app as unknown as FastifyInstance, {
      path: nativePath,
      openapi: nativeDocument(baseUrl, ctx.features),
      includes: ({ contract }) => contract === undefined || contract.security !== undefined,
      complete: completeNativeDocument,
    });
    app.decorate('nativeDocument', read);
    let native: Json | undefined;
    let collection: Json | undefined;

    app.get(
      '/api/postman_collection.json',
      { config: { access: 'public' }, schema: { hide: true } as never },
      async (_request, reply) => {
        collection ??= await readCollection(baseUrl);
        return reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(collection);
      },
    );
    // Where every contract has its document: the native one too.
    app.get(
      '/api/openapi/native.json',
      { config: { access: 'public' }, schema: { hide: true } as never },
      async (_request, reply) => {
        native ??= read();
        return reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(native);
      },
    );

    const urls = [
      { name: 'CRM API', url: nativePath },
      ...others.map((adapter) => ({ name: adapter.name, url: documentPathOf(adapter) })),
    ];
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { deepLinking: true, docExpansion: 'none', urls, 'urls.primaryName': urls[0]?.name } as never,
    });
  },
  { name: 'openapi' },
);

/** Made from the native document by `npm run openapi`; only its address depends on where the server runs. */
const collectionFile = new URL('../../openapi/postman_collection.json', import.meta.url);

async function readCollection(baseUrl: string): Promise<Json> {
  const published = JSON.parse(await readFile(collectionFile, 'utf8')) as { variable: Json[] };
  const variable = published.variable.map((one) =>
    one.key === 'baseUrl' ? { ...one, value: baseUrl } : one,
  );
  return { ...published, variable };
}
