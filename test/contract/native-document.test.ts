import { beforeAll, describe, expect, it } from 'vitest';
import { generateDocuments } from '../../src/generate-documents.ts';
import { type Json, loadContract, type Operation } from '../helpers/contract.ts';
import { missingComponents } from './native.ts';

const contract = loadContract('openapi/contracts/native.json', missingComponents);

/** Nothing that the published contract documents may be missing from the document that the routes generate. */
describe('the generated document covers the native contract', () => {
  let generated: Json;
  const resolve = (node: Json): Json => {
    if (typeof node.$ref !== 'string') return node;
    const found = node.$ref
      .split('/')
      .slice(1)
      .reduce<unknown>((at, key) => (at as Json)[key], generated);
    return resolve(found as Json);
  };

  beforeAll(async () => {
    generated = (await generateDocuments()).get('openapi.json') ?? {};
  });

  const find = ({ path, method }: Operation): Json | undefined =>
    (generated.paths as Record<string, Record<string, Json>>)[path]?.[method];

  const contentOf = (node: unknown): Json | undefined => {
    const content = resolve((node ?? {}) as Json).content as Record<string, { schema: Json }> | undefined;
    return content?.['application/json']?.schema;
  };

  /** Documented properties that the generated schema lacks or types differently, deep. */
  function lacks(documented: Json, ours: Json, at: string): string[] {
    const theirs = merged(contract.resolve(documented), contract.resolve);
    const own = merged(resolve(ours), resolve);
    const faults: string[] = [];
    if (theirs.type && own.type && theirs.type !== 'object') {
      const types = [own.type].flat();
      const isNumeric = theirs.type === 'number' && types.includes('integer');
      if (!types.includes(theirs.type) && !isNumeric)
        faults.push(`${at} is ${String(own.type)}, not ${String(theirs.type)}`);
    }
    for (const [name, property] of Object.entries((theirs.properties ?? {}) as Record<string, Json>)) {
      const mine = (own.properties as Record<string, Json> | undefined)?.[name];
      if (mine) faults.push(...lacks(property, mine, `${at}.${name}`));
      else faults.push(`${at}.${name} is missing`);
    }
    if (theirs.items && own.items) faults.push(...lacks(theirs.items as Json, own.items as Json, `${at}[]`));
    return faults;
  }

  it.each(contract.operations.map((operation) => [operation.key, operation] as const))(
    '%s',
    (key, operation) => {
      const ours = find(operation);
      expect(ours, key).toBeDefined();
      const parameters = ((ours?.parameters ?? []) as Json[]).map(
        (parameter) => `${parameter.in} ${parameter.name}`,
      );
      expect(parameters).toEqual(
        expect.arrayContaining(operation.parameters.map((one) => `${one.in} ${one.name}`)),
      );

      const responses = ours?.responses as Record<string, Json>;
      expect(Object.keys(responses)).toEqual(
        expect.arrayContaining([...operation.responses.keys()].map(String)),
      );
      const faults = [...operation.responses].flatMap(([status, schema]) =>
        schema ? lacks(schema, contentOf(responses[status]) ?? {}, `${status}`) : [],
      );
      if (operation.bodySchema)
        faults.push(...lacks(operation.bodySchema, contentOf(ours?.requestBody) ?? {}, 'body'));
      expect(faults).toEqual([]);
    },
  );

  it('documents the webhooks of the contract', () => {
    const { webhooks } = JSON.parse(JSON.stringify(generated)) as { webhooks: Json };
    expect(Object.keys(webhooks)).toEqual(expect.arrayContaining([...contract.webhooks]));
  });
});

/** One schema of an allOf, or the union of a oneOf's properties. */
function merged(schema: Json, resolve: (node: Json) => Json): Json {
  const parts = (schema.allOf ?? schema.anyOf ?? schema.oneOf) as Json[] | undefined;
  if (!parts) return schema;
  const whole = parts.map((part) => merged(resolve(part), resolve));
  const properties = Object.assign(
    {},
    schema.properties,
    ...whole.map((part) => part.properties ?? {}),
  ) as Json;
  if (Object.keys(properties).length === 0) return {};
  return { type: 'object', properties };
}
