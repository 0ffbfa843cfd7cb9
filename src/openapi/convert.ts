import { z } from 'zod';

export type Json = Record<string, unknown>;

/** A route's zod schemas as JSON Schema; schemas with an id become components. */
export function toJsonSchemas(schema: Json | undefined, components: Map<string, Json>): Json | undefined {
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
