import fp from 'fastify-plugin';
import { etagOf, matchesEtag, parseIfMatch } from '../lib/etag.ts';

/**
 * Entity tags for routes that answer with one record. GET: an If-None-Match that names the present version gets 304
 * before anything is serialised. PUT and PATCH: If-Match is handed to the service, which lets one of two writers win.
 */
export const etagPlugin = fp(
  async (app) => {
    app.decorateRequest('ifMatch', undefined);
    app.addHook('onRoute', (route) => {
      if (!route.config?.etag) return;
      const isRead = route.method === 'GET' || route.method === 'HEAD';
      if (!isRead) {
        route.onRequest = [
          ...[route.onRequest ?? []].flat(),
          async (request) => {
            const header = request.headers['if-match'];
            if (header !== undefined) request.ifMatch = parseIfMatch(header);
          },
        ];
      }
      route.preSerialization = [
        ...[route.preSerialization ?? []].flat(),
        async (request, reply, payload) => {
          const record = (payload as { data?: { _id: string; updatedAt: string } } | null)?.data;
          if (!record || reply.statusCode >= 300) return payload;
          const etag = etagOf(record);
          reply.header('ETag', etag);
          const known = isRead ? request.headers['if-none-match'] : undefined;
          if (known === undefined || !matchesEtag(known, etag)) return payload;
          reply.code(304);
          return '';
        },
      ];
      if (isRead) {
        route.onSend = [
          ...[route.onSend ?? []].flat(),
          async (_request, reply, payload) => {
            if (reply.statusCode !== 304) return payload;
            reply.removeHeader('content-type').removeHeader('content-length');
            return null;
          },
        ];
      }
    });
  },
  { name: 'etag' },
);
