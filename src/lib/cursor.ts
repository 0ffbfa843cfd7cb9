import { AppError } from './errors.ts';
import { type ObjectId, parseId } from './ids.ts';

/**
 * A place in a list that is ordered by a time and then by id, as the document's example has it:
 * base64url of {"u":"<ISO time>","i":"<id>"}. Clients treat it as opaque; any garbage is a 422.
 */
export interface Position {
  time: Date;
  id: ObjectId;
}

export const encodeCursor = (position: Position): string =>
  Buffer.from(JSON.stringify({ u: position.time.toISOString(), i: position.id.toHexString() })).toString(
    'base64url',
  );

export function decodeCursor(cursor: string): Position {
  try {
    const { u, i } = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as {
      u: unknown;
      i: unknown;
    };
    const time = new Date(typeof u === 'string' ? u : Number.NaN);
    const id = parseId(i);
    if (id && !Number.isNaN(time.getTime())) return { time, id };
  } catch {
    // falls through to the one answer for every kind of garbage
  }
  throw new AppError('invalid', { details: { cursor: ['Invalid cursor'] } });
}
