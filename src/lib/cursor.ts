import { AppError } from './errors.ts';
import { type ObjectId, parseId } from './ids.ts';

/** What a list is in the order of. Null: the record has no such value. */
export type OrderValue = Date | number | string | null;

/**
 * A place in a list that is ordered by a value and then by id. For a time it is as the document's example has it:
 * base64url of {"u":"<ISO time>","i":"<id>"}; other values stand in `v`. Clients treat it as opaque; any garbage is a 422.
 */
export interface Position<V extends OrderValue = OrderValue> {
  value: V;
  id: ObjectId;
}

export function encodeCursor({ value, id }: Position): string {
  const place = value instanceof Date ? { u: value.toISOString() } : { v: value };
  return Buffer.from(JSON.stringify({ ...place, i: id.toHexString() })).toString('base64url');
}

interface Encoded {
  u?: unknown;
  v?: unknown;
  i?: unknown;
}

/** What reads a value of each kind, and nothing else. */
const readers = {
  time({ u }: Encoded): Date | undefined {
    const time = new Date(typeof u === 'string' ? u : Number.NaN);
    return Number.isNaN(time.getTime()) ? undefined : time;
  },
  number: ({ v }: Encoded): number | undefined => (Number.isFinite(v) ? (v as number) : undefined),
  text: ({ v }: Encoded): string | undefined => (typeof v === 'string' ? v : undefined),
};
export type Scale = keyof typeof readers;

export function decodeCursor(cursor: string): Position<Date>;
/** @param isOptional whether a record may have no value */
export function decodeCursor(cursor: string, scale: Scale, isOptional?: boolean): Position;
export function decodeCursor(cursor: string, scale: Scale = 'time', isOptional = false): Position {
  try {
    const encoded = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as Encoded;
    const value = isOptional && encoded.v === null ? null : readers[scale](encoded);
    const id = parseId(encoded.i);
    if (id && value !== undefined) return { value, id };
  } catch {
    // falls through to the one answer for every kind of garbage
  }
  throw new AppError('invalid', { details: { cursor: ['Invalid cursor'] } });
}
