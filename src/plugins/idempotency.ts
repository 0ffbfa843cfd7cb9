import fp from 'fastify-plugin';
import { sha256 } from '../lib/crypto.ts';
import { invalid } from '../lib/errors.ts';

/** As the document's IdempotencyKeyHeader has it. */
const keyLengthMax = 128;

/**
 * Reads the Idempotency-Key of routes that create something. The key's scope is the workspace (the store adds it) and
 * the route; the body's hash tells a retry from another request. records/idempotency.ts keeps the promise.
 */
export const idempotencyPlugin = fp(
  async (app) => {
    app.decorateRequest('idempotency', undefined);
    app.addHook('onRoute', (route) => {
      if (!route.config?.idempotent) return;
      const scope = `${String(route.method)} ${route.url}`;
      route.preHandler = [
        ...[route.preHandler ?? []].flat(),
        async (request) => {
          const key = request.headers['idempotency-key'];
          if (key === undefined || key === '') return;
          if (typeof key !== 'string' || key.length > keyLengthMax) {
            throw invalid('Idempotency-Key', `Must have at most ${keyLengthMax} characters`);
          }
          request.idempotency = {
            key: sha256(`${scope}\n${key}`),
            request: sha256(`${JSON.stringify(request.params)}\n${JSON.stringify(request.body)}`),
          };
        },
      ];
    });
  },
  { name: 'idempotency' },
);
