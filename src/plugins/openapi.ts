import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import type { Context } from '../context.ts';
import type { Adapter } from '../http.ts';
import type { Json } from '../openapi/convert.ts';
import { completeNativeDocument } from '../openapi/native.ts';
import { nativeDocument } from '../openapi/native-document.ts';
import { toPostmanCollection } from '../openapi/postman.ts';
import { registerDocument } from '../openapi/register.ts';

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
      openapi: nativeDocument(
        baseUrl,
        ctx.features.flatMap(({ tags = [] }) => tags),
      ),
      includes: ({ contract }) => contract === undefined || contract.security !== undefined,
      complete: completeNativeDocument,
    });
    app.decorate('nativeDocument', read);

    app.get(
      '/api/postman_collection.json',
      { config: { access: 'public' }, schema: { hide: true } as never },
      async (_request, reply) =>
        reply
          .type('application/json; charset=utf-8')
          .serializer(JSON.stringify)
          .send(toPostmanCollection(read(), baseUrl)),
    );

    const urls = [
      { name: 'CRM API', url: nativePath },
      ...others.map(({ name, documentPath }) => ({ name, url: documentPath })),
    ];
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { deepLinking: true, docExpansion: 'none', urls, 'urls.primaryName': urls[0]?.name } as never,
    });
  },
  { name: 'openapi' },
);
