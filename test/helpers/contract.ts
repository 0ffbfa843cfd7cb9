import { readFileSync } from 'node:fs';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export type Json = Record<string, unknown>;

export interface Operation {
  /** "GET /api/v1/health". */
  key: string;
  method: string;
  path: string;
  parameters: { name: string; in: string }[];
  bodySchema: Json | undefined;
  /** Status → schema of the answer, or undefined where the answer has no body. */
  responses: Map<number, Json | undefined>;
}

/** A published contract: its operations, and a check of answers against it. */
export interface Contract {
  operations: Operation[];
  /** Names of the events that it delivers. */
  webhooks: string[];
  resolve(schema: Json): Json;
  /** What is wrong with the answer by the contract; empty when nothing is. */
  faults(operation: Operation, status: number, body: unknown): string[];
}

const methods = ['get', 'post', 'put', 'patch', 'delete'];

export function loadContract(file: string, additions: Json = {}): Contract {
  const document = JSON.parse(readFileSync(file, 'utf8')) as Json;
  const components = document.components as Record<string, Record<string, Json>>;
  Object.assign(components.schemas ?? {}, additions);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'contract', components });
  const compiled = new Map<string, ValidateFunction>();

  const resolve = (node: Json): Json => {
    if (typeof node.$ref !== 'string') return node;
    const [, , kind = '', name = ''] = node.$ref.split('/');
    const target = components[kind]?.[name];
    if (!target) throw new Error(`${node.$ref} is not in the contract`);
    return resolve(target);
  };
  const contentSchema = (node: Json): Json | undefined => {
    const content = resolve(node).content as Record<string, { schema: Json }> | undefined;
    return content?.['application/json']?.schema;
  };

  const paths = document.paths as Record<string, Record<string, Json>>;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method])
      .map((method): Operation => {
        const operation = item[method] as Json;
        const responses = Object.entries(operation.responses as Record<string, Json>);
        return {
          key: `${method.toUpperCase()} ${path}`,
          method,
          path,
          parameters: ((operation.parameters ?? []) as Json[]).map(resolve) as Operation['parameters'],
          bodySchema: operation.requestBody ? contentSchema(operation.requestBody as Json) : undefined,
          responses: new Map(
            responses.map(([status, response]) => [Number(status), contentSchema(response)]),
          ),
        };
      }),
  );

  return {
    operations,
    webhooks: Object.keys((document.webhooks ?? {}) as Json),
    resolve,
    faults({ key, responses }, status, body) {
      if (!responses.has(status))
        return [`${key} answered ${status}, which is not documented: ${JSON.stringify(body)}`];
      const schema = responses.get(status);
      if (!schema) return [];
      const id = `${key} ${status}`;
      const validate = compiled.get(id) ?? ajv.compile(withAbsoluteRefs(schema));
      compiled.set(id, validate);
      return validate(body)
        ? []
        : (validate.errors ?? []).map((error: ErrorObject) => describeFault(id, error));
    },
  };
}

const describeFault = (id: string, error: ErrorObject): string =>
  `${id}: ${error.instancePath || 'body'} ${error.message ?? ''}`;

const withAbsoluteRefs = (schema: Json): Json =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"contract#/components/')) as Json;
