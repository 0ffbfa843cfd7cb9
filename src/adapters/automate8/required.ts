import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { badRequest } from './errors.ts';

/**
 * Routes that are registered on this scope from now on tell first, and all at once, which fields a request lacks of those
 * that their schemas require: absent, null or blank ones. Everything else that is wrong is told by the schemas.
 */
export function demandRequired(scope: FastifyInstance): void {
  scope.addHook('onRoute', (route) => {
    const { body, querystring } = route.schema ?? {};
    const required = [
      { namesOf: requiredIn(body), valuesOf: (request: FastifyRequest) => request.body ?? {} },
      { namesOf: requiredIn(querystring), valuesOf: (request: FastifyRequest) => request.query },
    ].filter(({ namesOf }) => namesOf.length > 0);
    if (required.length === 0) return;
    const check = async (request: FastifyRequest) => {
      const missing = required.flatMap(({ namesOf, valuesOf }) => missingOf(namesOf, valuesOf(request)));
      if (missing.length > 0) throw badRequest(`Missing required fields: ${missing.join(', ')}`);
    };
    route.preValidation = [...[route.preValidation ?? []].flat(), check] as typeof route.preValidation;
  });
}

/** In the order of the schema, which is the document's. */
function requiredIn(schema: unknown): string[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>)
    .filter(([, field]) => !field.safeParse(undefined).success)
    .map(([name]) => name);
}

function missingOf(names: string[], values: unknown): string[] {
  // What is no object has no fields to speak of; the schema refuses it.
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return [];
  return names.filter((name) => isBlank((values as Record<string, unknown>)[name]));
}

export const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
