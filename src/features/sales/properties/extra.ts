import type { z } from 'zod';
import { whyNotStorable } from '../../../lib/json-value.ts';
import { type Field, type Fields, isServerSide } from '../../../records/entity/field.ts';

/** Root fields that an answer shows and the server alone decides; a client that sends an answer back changes nothing. */
const serverSide = ['_id', 'workspaceId', 'archivedAt', 'createdAt', 'updatedAt'];

type Body = Record<string, unknown>;

/** Names that begin with $ or hold a dot would be operators and paths to the database; they are dropped. */
const isDropped = (name: string): boolean =>
  name.startsWith('$') || name.includes('.') || serverSide.includes(name);

/** Splits a body into the fields that have a meaning and the client's own. */
export function splitExtra(fields: Fields, body: Body): { given: Body; extra: Body } {
  const isKnown = (name: string) => Object.hasOwn(fields, name) && !isServerSide(fields[name] as Field);
  const entries = Object.entries(body);
  return {
    given: Object.fromEntries(entries.filter(([name]) => isKnown(name))),
    extra: Object.fromEntries(entries.filter(([name]) => !isKnown(name) && !isDropped(name))),
  };
}

/** Refuses a body whose own fields could not be stored. */
export const withStorableExtra = (fields: Fields, schema: z.ZodObject): z.ZodObject =>
  schema.loose().superRefine((body, context) => {
    for (const [name, value] of Object.entries(splitExtra(fields, body).extra)) {
      const reason = whyNotStorable({ [name]: value });
      if (reason) context.addIssue({ code: 'custom', path: [name], message: reason });
    }
  });
