import { Types } from 'mongoose';
import { notFound } from './errors.ts';

export const ObjectId = Types.ObjectId;
export type ObjectId = Types.ObjectId;

const objectIdPattern = /^[0-9a-f]{24}$/i;

/** The id, or undefined when the text is not 24 hex digits (ObjectId itself also takes 12-character strings). */
export function parseId(text: unknown): ObjectId | undefined {
  return typeof text === 'string' && objectIdPattern.test(text) ? new ObjectId(text) : undefined;
}

/** The id from a path; malformed is as unknown as any other: 404 naming `what`. */
export function requireId(text: string, what: string): ObjectId {
  const id = parseId(text);
  if (!id) throw notFound(what);
  return id;
}
