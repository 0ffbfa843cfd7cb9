import fp from 'fastify-plugin';
import { etagOf, matchesEtag, parseIfMatch } from '../lib/etag.ts';

/**
 * Entity tags for routes that answer with one record. GET: an If-None-Match that names the present version gets 304
 * before anything is serialised. PUT and PATCH: If-Match is handed to the service, which lets one of two writers win.
 * None of it waits for anything, so the hooks call back: a promise for each would cost more than their work.
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
          (request, _reply, done) => {
            const header = request.headers['if-match'];
            if (header !== undefined) request.ifMatch = parseIfMatch(header);
            done();
          },
        ];
      }
      route.preSerialization = [
        ...[route.preSerialization ?? []].flat(),
        (request, reply, payload, done) => {
          const record = (payload as { data?: { _id: string; updatedAt: string } } | null)?.data;
          if (!record || reply.statusCode >= 300) return done(null, payload);
          const etag = etagOf(record);
          reply.header('ETag', etag);
          const known = isRead ? request.headers['if-none-match'] : undefined;
          if (known === undefined || !matchesEtag(known, etag)) return done(null, payload);
          reply.code(304);
          done(null, '');
        },
      ];
      if (isRead) {
        route.onSend = [
          ...[route.onSend ?? []].flat(),
          (_request, reply, payload, done) => {
            if (reply.statusCode !== 304) return done(null, payload);
            reply.removeHeader('content-type').removeHeader('content-length');
            done(null, null);
          },
        ];
      }
    });
  },
  { name: 'etag' },
);
