import { z } from 'zod';
import type { Context } from '../../context.ts';
import { notFound } from '../../lib/errors.ts';
import { type ObjectId, parseId } from '../../lib/ids.ts';
import { dateTimeOut } from '../../lib/schemas.ts';
import { fromUuid, toUuid } from '../../lib/uuid.ts';
import type { UpdateRequest } from '../../records/api/service.ts';

/** What all of the contract's operations have in common. */

const success = z.literal(true).meta({ type: 'boolean' });

export const dataOf = <T extends z.ZodType>(data: T) => z.object({ success, data });
export const listOf = <T extends z.ZodType>(item: T) => dataOf(z.array(item));
export const messageOut = z.object({ success, message: z.string() }).meta({ id: 'Message' });

export const errorOut = z
  .object({
    success: z.literal(false).meta({ type: 'boolean' }),
    error: z.string(),
    code: z.string().optional(),
    details: z.record(z.string(), z.array(z.string())).optional(),
  })
  .meta({ id: 'Error' });

/** Every operation's. */
export const failures = { 400: errorOut, 401: errorOut, 403: errorOut, 429: errorOut };

export const uuidOut = z.string().meta({ format: 'uuid' });
export const timeOut = dateTimeOut;
export const idParams = z.object({ id: z.string() });

/** Given as null or left blank, an optional field is not given. */
export const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess(
    (value) => (value === null || (typeof value === 'string' && value.trim() === '') ? undefined : value),
    schema.optional(),
  );

/** In a change null clears a field; left out it stays. */
export const clearable = <T extends z.ZodType>(schema: T) =>
  z.preprocess(
    (value) => (typeof value === 'string' && value.trim() === '' ? null : value),
    schema.nullish(),
  );

const limitMax = 100;

/** A page's length. */
export const limitGiven = (fallback: number) =>
  z.coerce.number().int().min(1).max(limitMax).default(fallback).describe(`At most ${limitMax}`);

export const offsetGiven = z.coerce.number().int().min(0).default(0);

/** Named by the request, and held against the credential before anything else. */
export const workspaceGiven = z.string().describe("The credential's");

/** The id in a path; what we never made is as unknown as any other. @throws AppError not_found */
export function requireUuid(uuid: string, what: string): ObjectId {
  const id = fromUuid(uuid);
  if (!id) throw notFound(what);
  return id;
}

/** A live record by the id in a path; a deleted one is as unknown as any other. @throws AppError not_found */
export async function liveIn<T extends { archived: boolean }>(
  ctx: Context,
  workspaceId: ObjectId,
  uuid: string,
  get: (ctx: Context, workspaceId: ObjectId, id: ObjectId) => Promise<T>,
  what: string,
): Promise<T> {
  const record = await get(ctx, workspaceId, requireUuid(uuid, what));
  if (record.archived) throw notFound(what);
  return record;
}

/** How this contract changes records: what is given changes, null clears, nobody says which version they have seen. */
export const changeRequest: UpdateRequest = { ifMatch: undefined, isMergePatch: false };

/** Of an id that is kept as text: a user's, a reference's. */
export function uuidOf(id: string | ObjectId | undefined): string | null {
  const known = typeof id === 'string' ? parseId(id) : id;
  return known ? toUuid(known) : null;
}

export const done = (message: string) => ({ success: true as const, message });
export const found = <T>(data: T) => ({ success: true as const, data });
