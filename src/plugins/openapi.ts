import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { apiDescription, errorResponses, tagDescriptions, webhookDocuments } from './openapi-document.ts';

type Json = Record<string, unknown>;
type RouteConfig = NonNullable<RouteOptions['config']>;

/**
 * The API document, generated from the routes' schemas, at /api/openapi.json and as a page at /docs. What follows from
 * a route's config (credentials, common errors, idempotency and entity-tag headers) is added here, so that no route
 * repeats it.
 */
export const openapiPlugin = fp<{ ctx: Context }>(
  async (app, { ctx }) => {
    const configs = new Map<string, RouteConfig>();
    app.addHook('onRoute', (route) => {
      for (const method of [route.method].flat())
        configs.set(`${method} ${openapiPath(route.url)}`, route.config ?? {});
    });

    const components = new Map<string, Json>();
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title: 'CRM Public API', version: '1.1.0', description: apiDescription },
        servers: [{ url: ctx.config.publicUrl ?? 'http://localhost:5010' }],
        tags: tagDescriptions,
        components: {
          securitySchemes: {
            ApiKeyAuth: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
            OAuth2Bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
            SessionAuth: {
              type: 'http',
              scheme: 'bearer',
              bearerFormat: 'JWT',
              description: 'The token of register or login. Developer Portal routes only.',
            },
          },
        },
      },
      transform: ({ schema, url }) => ({
        schema: toJsonSchemas(schema as Json | undefined, components) as never,
        url,
      }),
      transformObject: (document) =>
        complete(document as { openapiObject: Json }, components, configs) as never,
    });
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { deepLinking: true, docExpansion: 'none' },
    });
  },
  { name: 'openapi' },
);

/** The generated document; only after `app.ready()`. */
export const openapiDocument = (app: FastifyInstance): Json => app.swagger() as unknown as Json;

const openapiPath = (url: string): string => url.replace(/:(\w+)/g, '{$1}');

/** A route's zod schemas as JSON Schema; schemas with an id become components. */
function toJsonSchemas(schema: Json | undefined, components: Map<string, Json>): Json | undefined {
  if (!schema || schema.hide) return schema;
  const converted: Json = { ...schema };
  for (const part of ['params', 'querystring', 'headers', 'body']) {
    if (schema[part]) converted[part] = toJsonSchema(schema[part] as z.ZodType, 'input', components);
  }
  const responses = Object.entries((schema.response ?? {}) as Record<string, z.ZodType>);
  converted.response = Object.fromEntries(
    responses.map(([status, response]) => [status, toJsonSchema(response, 'output', components)]),
  );
  return converted;
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output', components: Map<string, Json>): Json {
  const { $schema: _, $defs = {}, ...root } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  for (const [name, definition] of Object.entries($defs as Record<string, Json>))
    addComponent(components, name, definition);
  return withComponentRefs(root);
}

function addComponent(components: Map<string, Json>, name: string, definition: Json): void {
  const { id: _, ...schema } = withComponentRefs(definition);
  const known = components.get(name);
  if (known && JSON.stringify(known) !== JSON.stringify(schema)) {
    throw new Error(
      `Two different schemas have the id ${name}; an input and an output need ids of their own`,
    );
  }
  components.set(name, schema);
}

const withComponentRefs = (schema: Json): Json =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;

function complete(
  { openapiObject: document }: { openapiObject: Json },
  components: Map<string, Json>,
  configs: Map<string, RouteConfig>,
): Json {
  const paths = document.paths as Record<string, Record<string, Json>>;
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      completeOperation(operation, method, path, configs.get(`${method.toUpperCase()} ${path}`) ?? {});
    }
  }
  const schemas = Object.fromEntries([...components].sort(([a], [b]) => a.localeCompare(b)));
  document.components = {
    ...(document.components as Json),
    responses: errorResponses,
    schemas: { ...schemas, ...errorSchemas },
  };
  document.webhooks = webhookDocuments;
  return document;
}

function completeOperation(operation: Json, method: string, path: string, config: RouteConfig): void {
  const responses = operation.responses as Record<string, Json>;
  for (const status of commonErrors(operation, path, config)) {
    responses[status] ??= { $ref: `#/components/responses/${responseNames[status]}` };
  }
  const parameters = (operation.parameters ?? []) as Json[];
  if (config.idempotent) parameters.push(idempotencyHeader);
  if (config.etag && method === 'get') {
    parameters.push(header('If-None-Match', 'ETag of an earlier answer; 304 when the record is unchanged'));
    responses['304'] = { $ref: '#/components/responses/NotModified' };
  } else if (config.etag && method !== 'post') {
    parameters.push(header('If-Match', 'Change the record only if this is still its ETag'));
    responses['412'] = { $ref: '#/components/responses/PreconditionFailedError' };
  }
  if (config.etag && responses['200']) {
    responses['200'].headers = { ETag: { description: 'W/"<updatedAt>-<id>"', schema: { type: 'string' } } };
  }
  if (parameters.length > 0) operation.parameters = parameters;
  const security = securityOf(config);
  if (security) operation.security = security;
}

function commonErrors(operation: Json, path: string, config: RouteConfig): string[] {
  const isPublic = config.access === 'public';
  const hasInput = operation.requestBody !== undefined || operation.parameters !== undefined;
  return [
    ...(operation.requestBody ? ['400'] : []),
    ...(isPublic ? [] : ['401', '403', '404']),
    ...(isPublic && config.limitByAddress ? ['401', '403', '404'] : []),
    ...(config.idempotent || (config.etag && path.endsWith('}')) ? ['409'] : []),
    ...(hasInput ? ['422'] : []),
    ...(!isPublic || config.limitByAddress ? ['429'] : []),
    '500',
  ];
}

const responseNames: Record<string, string> = {
  '400': 'BadRequestError',
  '401': 'UnauthorizedError',
  '403': 'ForbiddenError',
  '404': 'NotFoundError',
  '409': 'ConflictError',
  '422': 'ValidationError',
  '429': 'RateLimitError',
  '500': 'InternalServerError',
};

function securityOf({ access }: RouteConfig): Json[] | undefined {
  if (access === undefined || access === 'public') return undefined;
  if (access === 'session' || access === 'admin') return [{ SessionAuth: [] }];
  return [{ ApiKeyAuth: [] }, { OAuth2Bearer: [] }];
}

const header = (name: string, description: string): Json => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
});

const idempotencyHeader: Json = {
  ...header(
    'Idempotency-Key',
    'Makes a retry within 24 hours safe: the same key and body give the same answer and one record',
  ),
  schema: { type: 'string', maxLength: 128 },
};

const errorSchemas: Json = {
  ErrorResponse: {
    type: 'object',
    properties: { success: { type: 'boolean', const: false }, error: { type: 'string' } },
    required: ['success', 'error'],
  },
  ValidationErrorResponse: {
    type: 'object',
    properties: {
      success: { type: 'boolean', const: false },
      error: { type: 'string' },
      details: { type: 'object', additionalProperties: true, description: 'Field path → messages' },
    },
    required: ['success', 'error'],
  },
  ConflictResponse: {
    type: 'object',
    properties: {
      success: { type: 'boolean', const: false },
      error: { type: 'string' },
      duplicate: { type: 'object', additionalProperties: true, description: 'The record that is in the way' },
    },
    required: ['success', 'error'],
  },
};
