import fastJson from 'fast-json-stringify';
import fp from 'fastify-plugin';
import { z } from 'zod';
import { invalidInput, parseBounded } from '../lib/bounds.ts';

type JsonSchema = Record<string, unknown>;

/**
 * zod validates what comes in, within bounds. What goes out is built by our own presenters, so it is not validated a second time: the
 * same schemas are compiled into serialisers, once per schema and when first used: the start pays for no route that
 * nobody calls.
 */
export const schemasPlugin = fp(
  async (app) => {
    app.setValidatorCompiler(({ schema, httpPart = 'body' }) => (value) => {
      const parsed = parseBounded(schema as unknown as z.ZodType, value);
      if (parsed.success) return { value: parsed.data };
      return { error: invalidInput(parsed.issues, httpPart) };
    });
    app.setSerializerCompiler(({ schema }) => {
      let serialise: Serialise | undefined;
      return (value: unknown) => {
        serialise ??= serialiserOf(schema as unknown as z.ZodType);
        return serialise(value);
      };
    });
  },
  { name: 'schemas' },
);

type Serialise = (value: unknown) => string;

const compiled = new WeakMap<z.ZodType, Serialise>();

function serialiserOf(schema: z.ZodType): Serialise {
  const serialise = compiled.get(schema) ?? fastJson(toJsonSchema(schema) as never);
  compiled.set(schema, serialise);
  return serialise;
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: 'output',
    unrepresentable: 'any',
    reused: 'inline',
    target: 'draft-7',
  });
  return plain(json) as JsonSchema;
}

/**
 * Unions would make the serialiser validate each value to choose a branch; JSON.stringify (an empty schema) is quicker.
 * A nullable type is the exception that it knows.
 */
function plain(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(plain);
  if (typeof node !== 'object' || node === null) return node;
  const { anyOf, oneOf, allOf, ...rest } = node as JsonSchema;
  const alternatives = anyOf ?? oneOf;
  if (Array.isArray(alternatives)) {
    const [first, second] = alternatives as JsonSchema[];
    const isNullable =
      alternatives.length === 2 && second?.type === 'null' && typeof first?.type === 'string';
    return isNullable && first.type !== 'object' && first.type !== 'array'
      ? { type: [first.type, 'null'] }
      : {};
  }
  if (allOf) return {};
  // Patterns, lengths and formats are for validation; a date-time format would make it parse what is already text.
  const { format: _format, pattern: _pattern, ...kept } = rest;
  return Object.fromEntries(Object.entries(kept).map(([key, value]) => [key, plain(value)]));
}
