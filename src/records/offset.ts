import type { mongo } from 'mongoose';
import type { Context } from '../context.ts';
import type { TenantCollection, TenantDocument } from '../infra/tenant-collection.ts';
import type { Position } from '../lib/cursor.ts';
import { AppError } from '../lib/errors.ts';
import type { ObjectId } from '../lib/ids.ts';
import { type Place, type Places, placesOf } from './places.ts';
import { examinedMax, type Listing, pageBytesMax, type Walk, walkOf } from './walk.ts';

/** One page by limit and offset, for contracts that page so. */
export interface OffsetPage<T> {
  records: T[];
  /** How many records the page could have: fewer than asked for where they are large. */
  limit: number;
  /**
   * Exact up to `countedMax`. Beyond that, and where several conditions meet in few of many records, it is what is known
   * to exist: at least one more than this page shows when there is more, so that a client that reads until `offset`
   * reaches `total` reads everything.
   */
  total: number;
  isTotalExact: boolean;
  hasMore: boolean;
}

export interface OffsetRequest extends Listing {
  limit: number;
  offset: number;
  /** Whose reading it is: the id of the actor. */
  reader: string;
  /** Up to where `total` is exact; `countedMax` when left out. */
  countMax?: number;
  projection?: mongo.Document;
}

/** Counting is a walk along the index; this bounds the walk, whatever the size of the workspace. */
export const countedMax = 10_000;

/** How many entries of the index one command passes over. */
const skippedMax = 20_000;
/** How many times `examinedMax` records are looked at to count those that meet several conditions. */
const countedStretches = 2;
/** How long a page looks for its beginning, and for records that meet its conditions. */
const walkMs = 2_500;

interface Reading<T> {
  walk: Walk<T>;
  places: Places;
  /** Whether further conditions are checked on what the index leads to. */
  isChecked: boolean;
  giveUpAt: number;
}

/**
 * A page at any depth. It starts from the last place before it that is remembered, and walks the rest in commands of
 * bounded size: a reader's next page walks nothing; a jump into the unknown, or one whose memory was lost, walks once.
 * @throws AppError unavailable when the way is longer than one request may walk; repeated, it goes on from there
 */
export async function pageByOffset<T extends TenantDocument>(
  ctx: Context,
  collection: TenantCollection<T>,
  workspaceId: ObjectId,
  request: OffsetRequest,
): Promise<OffsetPage<T>> {
  const { limit, offset, reader, projection, countMax = countedMax, ...listing } = request;
  const reading: Reading<T> = {
    walk: walkOf(collection, workspaceId, listing),
    places: placesOf(ctx, workspaceId, listing, reader),
    isChecked: listing.others.length > 0,
    giveUpAt: performance.now() + walkMs,
  };
  const start = await seek(reading, offset);
  if (start.isEnd) return { records: [], limit, total: start.offset, isTotalExact: true, hasMore: false };
  const { records, end } = await readFrom(reading, start, limit, projection);
  const known = offset + records.length;
  if (!end) return { records, limit, total: known, isTotalExact: true, hasMore: false };
  const next: Place = { offset: known, position: end.position };
  reading.places.keep([next]);
  const { total, isExact } = await countAll(reading, next, countMax);
  return {
    records,
    limit: end.isEarly ? records.length : limit,
    total: Math.max(total, known + 1),
    isTotalExact: isExact && total > known,
    hasMore: true,
  };
}

/** The place after `offset` records, or where the list ends before that. */
async function seek<T>(reading: Reading<T>, offset: number): Promise<Place & { isEnd: boolean }> {
  const { places, giveUpAt } = reading;
  let place = { ...(await places.before(offset)), isEnd: false };
  const passed: Place[] = [];
  while (place.offset < offset && !place.isEnd && performance.now() < giveUpAt) {
    place = await step(reading, place, offset - place.offset);
    passed.push(place);
  }
  places.keep(passed);
  if (place.offset < offset && !place.isEnd) throw tooFar();
  return place;
}

/** As far towards the place `count` records on as one or two commands lead. */
async function step<T>(
  { walk, isChecked }: Reading<T>,
  { offset, position: from }: Place,
  count: number,
): Promise<Place & { isEnd: boolean }> {
  if (!isChecked) {
    const length = Math.min(count, skippedMax);
    const position = await walk.ahead(from, length);
    if (position) return { offset: offset + length, position, isEnd: false };
    return { offset: offset + (await walk.count({ from }, length)), position: from, isEnd: true };
  }
  const to = await walk.ahead(from, examinedMax);
  const found = await walk.positions({ from, to }, count);
  const isThere = found.length === count;
  const position = isThere ? found.at(-1) : (to ?? from);
  return { offset: offset + found.length, position, isEnd: !isThere && !to };
}

/** The records of a page, and where the next one begins if there may be one. */
async function readFrom<T>(
  { walk, places, isChecked, giveUpAt }: Reading<T>,
  start: Place,
  limit: number,
  projection: mongo.Document | undefined,
): Promise<{ records: T[]; end?: { position: Position; isEarly: boolean } }> {
  const records: T[] = [];
  let { position: from } = start;
  let room = pageBytesMax;
  for (;;) {
    const to = isChecked ? await walk.ahead(from, examinedMax) : undefined;
    // One more than the page shows whether there is another page.
    const wanted = limit + 1 - records.length;
    const { documents, bytes, isWhole } = await walk.read({ from, to }, wanted, projection, room);
    records.push(...documents);
    room -= bytes;
    const isFull = records.length > limit;
    const last = records.slice(0, limit).at(-1);
    if (last && (isFull || !isWhole || (to && room <= 0))) {
      const end = { position: walk.positionOf(last), isEarly: !isFull };
      return { records: records.slice(0, limit), end };
    }
    if (!to) return { records };
    if (performance.now() >= giveUpAt) {
      if (last) return { records, end: { position: to, isEarly: true } };
      places.keep([{ offset: start.offset, position: to }]);
      throw tooFar();
    }
    from = to;
  }
}

/** How many records the list has, as far as that can be known within bounds. */
async function countAll<T>(
  { walk, isChecked }: Reading<T>,
  known: Place,
  countMax: number,
): Promise<{ total: number; isExact: boolean }> {
  if (!isChecked) {
    const total = await walk.count({ from: undefined }, countMax);
    return { total, isExact: total < countMax };
  }
  let { offset: total, position: from } = known;
  for (let stretch = 0; stretch < countedStretches && total < countMax; stretch += 1) {
    const to = await walk.ahead(from, examinedMax);
    total += await walk.count({ from, to }, countMax - total);
    if (!to) return { total, isExact: true };
    from = to;
  }
  return { total, isExact: false };
}

const tooFar = () =>
  new AppError('unavailable', {
    message: 'It takes longer to find the records this far down; repeat the request, which goes on from here',
    headers: { 'Retry-After': '1' },
  });
