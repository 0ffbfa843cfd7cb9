import type { Context } from '../context.ts';
import { sha256 } from '../lib/crypto.ts';
import { decodeCursor, encodeCursor, type Position } from '../lib/cursor.ts';
import type { ObjectId } from '../lib/ids.ts';
import type { Listing } from './walk.ts';

/**
 * A remembered place in a list: the position of the record with this many before it, itself included. Without a position
 * it is the beginning.
 */
export interface Place {
  offset: number;
  position: Position | undefined;
}

/**
 * Remembers where the pages of a list begin that somebody reads by offset, so that the thousandth costs what the first
 * does. Each reader has their own: a page that follows another continues exactly where that one ended, whatever
 * was inserted, changed or removed before it meanwhile. They live in Redis and may vanish at any time; then the way is
 * walked again.
 */
export interface Places {
  /** The last one that is not beyond the offset. */
  before(offset: number): Promise<Place>;
  /** Remembers more places; returns at once. */
  keep(places: Place[]): void;
}

const keptSeconds = 15 * 60;
/** Of one reader in one list. Those nearest to the beginning, to which the way is the shortest, are forgotten first. */
const placesMax = 2_000;

const beginning: Place = { offset: 0, position: undefined };

export function placesOf(
  { redis, redisPrefix, log }: Context,
  workspaceId: ObjectId,
  listing: Listing,
  reader: string,
): Places {
  const key = `${redisPrefix}:places:${workspaceId.toHexString()}:${sha256(JSON.stringify([reader, listing]))}`;
  return {
    async before(offset) {
      if (offset === 0 || redis.status !== 'ready') return beginning;
      try {
        const [found] = await redis.zrevrangebyscore(key, offset, 0, 'LIMIT', 0, 1);
        return found === undefined ? beginning : parse(found, listing);
      } catch {
        return beginning;
      }
    },
    keep(places) {
      if (places.length === 0 || redis.status !== 'ready') return;
      const commands = redis.multi();
      for (const place of places) {
        commands.zremrangebyscore(key, place.offset, place.offset).zadd(key, place.offset, format(place));
      }
      commands
        .zremrangebyrank(key, 0, -placesMax - 1)
        .expire(key, keptSeconds)
        .exec()
        .catch((error: unknown) => log.debug({ err: error }, 'a place in a list could not be remembered'));
    },
  };
}

const format = ({ offset, position }: Place): string => `${offset} ${position ? encodeCursor(position) : ''}`;

function parse(text: string, { scale = 'time', isOptional }: Listing): Place {
  const [offset, cursor] = text.split(' ');
  return {
    offset: Number(offset),
    position: cursor ? decodeCursor(cursor, scale, isOptional) : undefined,
  };
}
