import type { RouteOptions } from 'fastify';
import type { Json } from './convert.ts';
import { errorResponses, webhookDocuments } from './native-document.ts';

type RouteConfig = NonNullable<RouteOptions['config']>;

/**
 * Adds to the native document what follows from the routes' configs: credentials, common errors, idempotency and
 * entity-tag headers. So no route repeats it.
 */
export function completeNativeDocument(
  document: Json,
  configOf: (method: string, path: string) => RouteConfig,
): Json {
  const paths = document.paths as Record<string, Record<string, Json>>;
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      completeOperation(operation, method, path, configOf(method, path));
    }
  }
  const components = document.components as Json;
  document.components = {
    ...components,
    responses: errorResponses,
    schemas: { ...(components.schemas as Json), ...errorSchemas },
  };
  document.webhooks = webhookDocuments();
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
    ...(hasInput ? [String(config.invalidStatus ?? 422)] : []),
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

const securityOf = ({ access, contract }: RouteConfig) =>
  access === 'public' ? undefined : contract?.security;

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
      duplicate: {
        type: 'object',
        description: 'The record that is in the way',
        properties: {
          leadId: { type: 'string', description: 'Of a lead; other records have an id named after them' },
          name: { type: 'string' },
          createdAt: { type: 'string' },
        },
        additionalProperties: true,
      },
    },
    required: ['success', 'error'],
  },
};
