import type { FastifyRequest, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import type { Contract } from '../access/contract.ts';
import { AppError } from '../lib/errors.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Every registered route; complete once the application is ready. */
    readonly routeTable: readonly RouteOptions[];
  }
}

/** Records are archived, never deleted: no DELETE below here is a route, and none may become one. */
const noDeletePattern = /^\/api\/v1\/workspaces(?:\/|$)/;

const noDeleteMessage = 'DELETE is not supported on the Public API. Records cannot be deleted via this API.';

/**
 * Answers what no route takes: 405 with the methods that the path has, or 404. Both come before authentication and
 * before the body is read, so that a path's answer doesn't depend on what else is wrong with the request.
 */
export const methodsPlugin = fp(
  async (app) => {
    const routes: RouteOptions[] = [];
    app.decorate('routeTable', routes);
    app.addHook('onRoute', (route) => {
      if (noDeletePattern.test(route.url) && [route.method].flat().includes('DELETE')) {
        throw new Error(`DELETE ${route.url}: the public API promises to delete nothing`);
      }
      routes.push(route);
    });

    const methodsOf = pathMatcher(routes);
    app.addHook('onRequest', (request, _reply, done) => {
      if (request.is404) throw unanswered(request, methodsOf);
      done();
    });
    // Reached only by a route that hands its request on.
    app.setNotFoundHandler((request) => {
      throw unanswered(request, methodsOf);
    });
  },
  { name: 'methods', dependencies: ['errors', 'trace'] },
);

function unanswered(request: FastifyRequest, methodsOf: (path: string) => string[]): AppError {
  const [path = ''] = request.url.split('?', 1);
  const methods = methodsOf(path);
  const isKnownPath = methods.length > 0 && !methods.includes(request.method);
  if (!isKnownPath && !isRefusedDelete(request))
    return new AppError('not_found', { message: 'No such route' });
  return notAllowed(request, methods);
}

/** Whether the request is one of those that the public API promises to refuse, known path or not. */
export const isRefusedDelete = ({ method, url }: Pick<FastifyRequest, 'method' | 'url'>): boolean =>
  method === 'DELETE' && noDeletePattern.test(url.split('?', 1)[0] ?? '');

/** @param methods what the path has instead */
export function notAllowed(request: Pick<FastifyRequest, 'method' | 'url'>, methods: string[]): AppError {
  return new AppError('method_not_allowed', {
    // OPTIONS is answered everywhere, for CORS.
    headers: { Allow: [...methods, 'OPTIONS'].join(', ') },
    ...(isRefusedDelete(request) ? { message: noDeleteMessage } : {}),
  });
}

/** Looks up the methods that a concrete path has. Compares segments one by one: it runs for mistaken requests only. */
function pathMatcher(routes: readonly RouteOptions[]): (path: string) => string[] {
  return (path) => {
    const segments = path.split('/');
    const matching = routes.filter((route) => isMatching(route.url.split('/'), segments));
    return [...new Set(matching.flatMap((route) => route.method))].sort();
  };
}

/**
 * The foreign contract among whose paths a request's is, though none of its routes takes the request: one that a route of
 * it has, or any below its base. It renders the refusal.
 */
export function contractAt(routes: readonly RouteOptions[], requested: string): Contract | undefined {
  const segments = requested.split('?', 1)[0]?.split('/') ?? [];
  const found = routes.find(({ url, config: { contract } = {} }) => {
    if (!contract?.errorHandler) return false;
    return segments[1] === contract.api || isMatching(url.split('/'), segments);
  });
  return found?.config?.contract;
}

function isMatching(template: string[], segments: string[]): boolean {
  if (template.at(-1) === '*')
    return isMatching(template.slice(0, -1), segments.slice(0, template.length - 1));
  if (template.length !== segments.length) return false;
  return template.every((part, index) =>
    part.startsWith(':') ? segments[index] !== '' : part === segments[index],
  );
}
