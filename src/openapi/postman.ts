import type { Json } from './convert.ts';

interface Parameter {
  name: string;
  in: string;
  description?: string;
}

interface Operation {
  operationId: string;
  summary?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { content?: Record<string, { schema?: Json }> };
  security?: Record<string, unknown>[];
}

const methods = ['get', 'post', 'put', 'patch', 'delete'];

/** The API document as a Postman 2.1 collection: a folder per tag, with variables for address, workspace and credentials. */
export function toPostmanCollection(document: Json, baseUrl: string): Json {
  const folders = new Map<string, Json[]>();
  const paths = document.paths as Record<string, Record<string, Operation>>;
  for (const [path, item] of Object.entries(paths)) {
    for (const method of methods) {
      const operation = item[method];
      if (!operation) continue;
      const [tag = 'Other'] = operation.tags ?? [];
      folders.set(tag, [...(folders.get(tag) ?? []), toRequest(document, path, method, operation)]);
    }
  }
  const info = document.info as { title: string; version: string };
  return {
    info: {
      name: `${info.title} ${info.version}`,
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    variable: Object.entries({ baseUrl, workspaceId: '', apiKey: '', sessionToken: '' }).map(
      ([key, value]) => ({
        key,
        value,
      }),
    ),
    item: [...folders].map(([name, item]) => ({ name, item })),
  };
}

function toRequest(document: Json, path: string, method: string, operation: Operation): Json {
  const parameters = operation.parameters ?? [];
  const segments = path.split('/').filter(Boolean).map(toSegment);
  const query = parameters.filter((parameter) => parameter.in === 'query');
  const body = operation.requestBody?.content?.['application/json']?.schema;
  return {
    name: operation.summary ?? operation.operationId,
    request: {
      method: method.toUpperCase(),
      header: [
        ...credentialHeader(operation),
        ...(body ? [{ key: 'Content-Type', value: 'application/json' }] : []),
      ],
      url: {
        raw: `{{baseUrl}}/${segments.join('/')}`,
        host: ['{{baseUrl}}'],
        path: segments,
        variable: parameters
          .filter((parameter) => parameter.in === 'path' && parameter.name !== 'workspaceId')
          .map(({ name }) => ({ key: name, value: '' })),
        query: query.map(({ name, description = '' }) => ({
          key: name,
          value: '',
          description,
          disabled: true,
        })),
      },
      ...(body ? { body: { mode: 'raw', raw: JSON.stringify(exampleOf(document, body), null, 2) } } : {}),
    },
  };
}

const toSegment = (segment: string): string =>
  segment === '{workspaceId}' ? '{{workspaceId}}' : segment.replace(/^\{(\w+)\}$/, ':$1');

function credentialHeader({ security }: Operation): Json[] {
  if (!security) return [];
  const isSession = security.some((one) => 'SessionAuth' in one);
  if (isSession) return [{ key: 'Authorization', value: 'Bearer {{sessionToken}}' }];
  return [{ key: 'X-API-Key', value: '{{apiKey}}' }];
}

const samples: Record<string, unknown> = { string: '', number: 0, integer: 0, boolean: false };

/** A body to fill in: the required fields with empty values. */
function exampleOf(document: Json, schema: Json): unknown {
  if (typeof schema.$ref === 'string') {
    const target = schema.$ref
      .split('/')
      .slice(1)
      .reduce<unknown>((at, key) => (at as Json)[key], document);
    return exampleOf(document, target as Json);
  }
  const [first] = (schema.anyOf ?? schema.oneOf ?? []) as Json[];
  if (first) return exampleOf(document, first);
  if (schema.type === 'array') return [exampleOf(document, (schema.items ?? {}) as Json)];
  if (schema.type !== 'object')
    return (schema.enum as unknown[] | undefined)?.[0] ?? samples[String(schema.type)] ?? '';
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>);
  const required = new Set((schema.required ?? []) as string[]);
  return Object.fromEntries(
    properties
      .filter(([name]) => required.has(name))
      .map(([name, property]) => [name, exampleOf(document, property)]),
  );
}
