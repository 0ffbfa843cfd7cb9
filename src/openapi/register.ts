import swagger from '@fastify/swagger';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { type Json, toJsonSchemas } from './convert.ts';

type RouteConfig = NonNullable<RouteOptions['config']>;

/** Where the document of a contract is. */
export const documentPathOf = ({ api }: { api: string }): string => `/api/openapi/${api}.json`;

export interface DocumentOptions {
  /** Where the document is served. */
  path: string;
  openapi: Json;
  /** What stands before the paths of the routes, and not in the document, whose server's address has it. */
  base?: string;
  /** Whether a route belongs into this document; all of the scope's when left out. */
  includes?(config: RouteConfig): boolean;
  /** Adds what no route's schema says. */
  complete?(document: Json, configOf: (method: string, path: string) => RouteConfig): Json;
}

/**
 * Generates an API document from the routes that are registered on this scope from now on, and serves it. Each
 * contract has its own scope and its own document.
 * @returns reads the document; only after `app.ready()`
 */
export async function registerDocument(app: FastifyInstance, options: DocumentOptions): Promise<() => Json> {
  const routes = new Map<string, RouteOptions>();
  const components = new Map<string, Json>();
  app.addHook('onRoute', (route) => {
    // The route, not its config: scopes further in have yet to complete that.
    for (const method of [route.method].flat()) routes.set(`${method} ${openapiPath(route.url)}`, route);
  });

  const decorator = `document:${options.path}`;
  await app.register(swagger, {
    decorator: decorator as never,
    openapi: options.openapi,
    transform: ({ schema, url, route }) => {
      const isIncluded = options.includes?.(route.config ?? {}) ?? true;
      if (!schema || !isIncluded) return { schema: { hide: true } as never, url };
      const path = url.slice(options.base?.length ?? 0);
      return { schema: toJsonSchemas(schema as Json, components) as never, url: path };
    },
    transformObject: (input) => {
      const { openapiObject: document } = input as { openapiObject: Json };
      const schemas = Object.fromEntries([...components].sort(([a], [b]) => a.localeCompare(b)));
      document.components = { ...(document.components as Json), schemas };
      const configOf = (method: string, path: string) =>
        routes.get(`${method.toUpperCase()} ${path}`)?.config ?? {};
      return (options.complete?.(document, configOf) ?? document) as never;
    },
  });
  const read = (app as unknown as Record<string, () => Json>)[decorator] as () => Json;
  let served: Json | undefined;
  app.get(
    options.path,
    { config: { access: 'public' }, schema: { hide: true } as never },
    async (_request, reply) => {
      served ??= read.call(app);
      return reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(served);
    },
  );
  return () => read.call(app);
}

const openapiPath = (url: string): string => url.replace(/:(\w+)/g, '{$1}');
