import { isDeepStrictEqual } from 'node:util';
import type { Context } from '../context.ts';
import { duplicateKeyFields, isMongoUnavailable } from '../infra/mongo-errors.ts';
import { AppError, notFound } from '../lib/errors.ts';
import type { IfMatch } from '../lib/etag.ts';
import { priceOfBytes } from '../lib/fair-share.ts';
import type { ObjectId } from '../lib/ids.ts';
import { createTurns } from '../lib/turns.ts';
import type { Author } from '../tenancy/actor.ts';
import { applyChange, type Change, rootsOf } from './change.ts';
import { facetsOfRecord, hasFacets } from './facets.ts';
import { changesBetween } from './field-changes.ts';
import { type HistoryAction, noteOf } from './history.ts';
import { sortKeysOf } from './orders.ts';
import { beforeNextChange, owedBy, snapshotOf } from './owe.ts';
import type { Entity, Owed, RecordDocument } from './record.ts';
import { restampIfSlow, sameVersion } from './restamp.ts';
import { assertRecordSize } from './size.ts';
import { tallyOf } from './tally.ts';
import { slowWriteMs } from './timing.ts';

/** A change that was decided by what else is in the database. */
export interface TimedChange extends Change {
  /** By the server's clock: the change is not made later, as what decided it may be otherwise by then. */
  until?: Date;
}

type MaybeChange = TimedChange | undefined;

/**
 * A change, or a function that makes it of the record as it is. The function returns nothing where the record is to be
 * left alone. It may run several times, once for each writer that was quicker.
 */
export type Revision<T> = TimedChange | ((current: T) => MaybeChange | Promise<MaybeChange>);

export interface UpdateOptions {
  ifMatch?: IfMatch | undefined;
  /** Makes the error for a unique rule that the change would break, given the index's fields. */
  onDuplicate?: (fields: string[]) => Promise<Error>;
  /** A mark of our own that has to go through, also where it is what makes the record too large. */
  isMark?: boolean;
  /** Archived records are changed like the others: what they hold is kept in step. */
  isArchivedToo?: boolean;
  /** The record as it was read just now, which saves reading it. */
  known?: RecordDocument;
  /** What the history calls the change, where that is more than an update. */
  action?: HistoryAction;
}

/**
 * Changes one record: new values, a higher version, a later updatedAt, the facets, and the events it owes, all in one
 * write. A change that changes nothing is no change: no version, no event. Archived records are left alone.
 * @throws AppError not_found, conflict (archived), precondition_failed, invalid (too large)
 */
export function updateRecord<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  author: Author,
  id: ObjectId,
  revision: Revision<T>,
  options: UpdateOptions = {},
): Promise<T> {
  const changeOf = (current: T) => {
    if (!isMatching(current, options.ifMatch)) throw new AppError('precondition_failed');
    if (current.archived && !options.isArchivedToo) {
      throw new AppError('conflict', { message: `${entity.label} is archived` });
    }
    return typeof revision === 'function' ? revision(current) : revision;
  };
  return revise(ctx, entity, author, id, changeOf, options);
}

/** Archives a record; archiving it again changes nothing. @throws AppError not_found */
export const archiveRecord = <T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  author: Author,
  id: ObjectId,
  timing: Pick<TimedChange, 'until'> = {},
): Promise<T> =>
  revise(
    ctx,
    entity,
    author,
    id,
    ({ archived }) =>
      archived ? undefined : { ...timing, set: { archived: true, archivedAt: ctx.clock.now() } },
    { isMark: true, action: 'archived' },
  );

const isMatching = (record: RecordDocument, ifMatch: IfMatch | undefined): boolean =>
  !ifMatch ||
  ifMatch.any ||
  ifMatch.tags.some(
    ({ id, updatedAt }) =>
      id === record._id.toHexString() &&
      timesOf(record).some((time) => updatedAt.getTime() === time.getTime()),
  );

/** A record that was only stamped again is still the version that its create was answered with. */
function timesOf({ updatedAt, version, idempotency }: RecordDocument): Date[] {
  const original = idempotency?.original as Pick<RecordDocument, 'updatedAt' | 'version'> | undefined;
  return original?.version === version ? [updatedAt, original.updatedAt] : [updatedAt];
}

/** How long a change waits, for the writers before it and for its own turn to end. */
const turnMsMax = 5_000;
/** Writers of one record wait for each other within a process, so only other processes can be quicker. */
const inTurn = createTurns(turnMsMax);
const attemptsMax = 50;
const clockCheckAttempts = 5;
/** So much that is owed may wait in a record, events with the record as it was; then the next change passes it on itself. */
const owedMax = 8;
/** Less than what is owed is left alone before it counts as left behind (see relay). */
const owedSinceToleranceMs = 1_000;

/**
 * Reads the record, works out what becomes of it, and writes that if nobody has changed it meanwhile; otherwise begins
 * again. Cheaper than having the database work it out: the read goes together with others of the same moment, and the
 * write names nothing but what is new. Where this process has written the record lately it begins with that version, and
 * a write that goes through shows that it still was so.
 */
function revise<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  author: Author,
  id: ObjectId,
  changeOf: (current: T) => MaybeChange | Promise<MaybeChange>,
  { onDuplicate, isMark = false, known, action = 'updated' }: Omit<UpdateOptions, 'ifMatch'> = {},
): Promise<T> {
  const { workspaceId } = author;
  const collection = entity.collection(ctx.db);
  const attempt = async (current: T): Promise<Attempt<T> | undefined> => {
    const change = await changeOf(current);
    const waiting = current.owed?.filter(({ id }) => !ctx.relay.hasPassedOn(id)) ?? [];
    if (change && waiting.length >= owedMax) {
      await ctx.relay.settle(collection.name, current);
      return undefined;
    }
    const startedAt = ctx.clock.now();
    const { until } = change ?? {};
    if (until && startedAt >= until) throw tooSlow(entity);
    const revised =
      change &&
      (await reviseRecord(ctx, entity, author, current, { change, action, waiting, now: startedAt }));
    if (!revised) return { record: current, isWritten: false };
    if (!isMark) chargeForSize(ctx, workspaceId, assertRecordSize(entity, revised.record));
    try {
      const filter = inTime(current, waiting, { startedAt, until });
      const isWritten = await collection.updateOne(workspaceId, filter, revised.update, { hint: '_id_' });
      if (!isWritten) return undefined;
    } catch (error) {
      if (isMongoUnavailable(error)) ctx.doubts.add(collection.name, [revised.record]);
      const broken = duplicateKeyFields(error);
      throw broken && onDuplicate ? await onDuplicate(broken) : error;
    }
    const record = await restampIfSlow(ctx.clock, collection, revised.record, startedAt);
    ctx.relay.hand(collection.name, record, revised.owed);
    ctx.recent.keep(record);
    return { record, isWritten: true };
  };
  return inTurn(id.toHexString(), async () => {
    const guess = (known ?? ctx.recent.get(workspaceId, id)) as T | undefined;
    const guessed = guess && (await attempt(guess).catch(unlessDecided));
    if (guessed?.isWritten) return guessed.record;
    for (let count = 1; count <= attemptsMax; count += 1) {
      const current = await collection.findById(workspaceId, id);
      if (!current) throw notFound(entity.label);
      const outcome = await attempt(current);
      if (outcome) return outcome.record;
      // Whoever misses again and again may be late by its clock only.
      if (count % clockCheckAttempts === 0) await ctx.clock.measure();
    }
    throw new AppError('unavailable', {
      message: `${entity.label} is being changed by too many at once`,
      headers: { 'Retry-After': '1' },
    });
  });
}

const tooSlow = ({ label }: Pick<Entity<RecordDocument>, 'label'>) =>
  new AppError('unavailable', {
    message: `${label} took too long to change; try again`,
    headers: { 'Retry-After': '1' },
  });

/** However little of it a change changes, a large record is read and written as a whole. */
const lightRecordBytes = 64 * 1_024;

function chargeForSize(ctx: Context, workspaceId: ObjectId, bytes: number): void {
  if (bytes > lightRecordBytes) ctx.share.charge(workspaceId.toHexString(), 2 * priceOfBytes(bytes));
}

interface Attempt<T> {
  record: T;
  isWritten: boolean;
}

/** What was decided by a record that may have changed since decides nothing. */
function unlessDecided(error: unknown): undefined {
  if (!(error instanceof AppError)) throw error;
}

/**
 * The version that was read, in time. To pass on what it owes is no change of the record, but what the next version
 * goes on owing must not have been passed on meanwhile; and a change that has lain before a server which did not answer
 * must not be made with a time that readers have passed.
 */
const inTime = (
  current: RecordDocument,
  waiting: Owed[],
  { startedAt, until }: { startedAt: Date; until: Date | undefined },
) => {
  const slowAt = new Date(startedAt.getTime() + slowWriteMs);
  return {
    ...sameVersion(current),
    ...(waiting.length > 0 ? { owed: { $size: current.owed?.length ?? 0 } } : {}),
    $expr: { $lt: ['$$NOW', until && until < slowAt ? until : slowAt] },
  } as never;
};

interface Revising {
  change: Change;
  action: HistoryAction;
  /** What the record owes and nobody is known to have passed on. */
  waiting: Owed[];
  now: Date;
}

/** The record after a change, the update that makes it so and what that owes; undefined when nothing is different. */
async function reviseRecord<T extends RecordDocument>(
  ctx: Context,
  entity: Entity<T>,
  author: Author,
  current: T,
  { change, action, waiting, now }: Revising,
): Promise<{ record: T; update: object; owed: Owed[] } | undefined> {
  const record = applyChange(current, change);
  const touched = rootsOf(change) as (keyof T & string)[];
  const changed: (keyof T)[] = touched.filter((root) => !isDeepStrictEqual(current[root], record[root]));
  if (changed.length === 0) return undefined;
  if (changed.some((root) => hasFacets(entity.facets, String(root)))) {
    record.facets = facetsOfRecord(entity.facets, record);
    if (!isDeepStrictEqual(current.facets, record.facets)) changed.push('facets');
  }
  const sortKeys = sortKeysOf(entity.orders, record);
  if (sortKeys && !isDeepStrictEqual(current.sortKeys, sortKeys)) {
    record.sortKeys = sortKeys;
    changed.push('sortKeys');
  }
  const tally = await tallyOf(ctx, entity, record);
  if (tally && !isDeepStrictEqual(current.tally, tally)) {
    record.tally = tally;
    changed.push('tally');
  }
  record.version = current.version + 1;
  record.updatedAt = new Date(Math.max(now.getTime(), current.updatedAt.getTime() + 1));
  changed.push('version', 'updatedAt');
  if (current.idempotency && !current.idempotency.original) {
    // The first change of a record that answers an idempotency key sets its first state aside for retries.
    record.idempotency = { ...current.idempotency, original: snapshotOf(current) };
    changed.push('idempotency');
  }
  const { updated = [] } = entity.events;
  const types = typeof updated === 'function' ? updated(current, record) : [updated].flat();
  const note =
    entity.name === undefined
      ? undefined
      : noteOf(action, author, changesBetween(entity.present(current), entity.present(record)));
  const owed = await owedBy(ctx, types, record, note);
  if (owed.length > 0) {
    record.owed = [...beforeNextChange(entity, current, waiting), ...owed];
    changed.push('owed');
    // The index of those who owe is left alone while it is about right.
    const { owedSince } = current;
    const isRight = owedSince && Number(record.updatedAt) - Number(owedSince) < owedSinceToleranceMs;
    if (waiting.length === 0 && !isRight) {
      record.owedSince = record.updatedAt;
      changed.push('owedSince');
    }
  }
  return { record, update: updateOf(record, changed), owed };
}

function updateOf<T extends RecordDocument>(record: T, changed: (keyof T)[]): object {
  const set: Partial<T> = {};
  const unset: Partial<Record<keyof T, ''>> = {};
  for (const name of changed) {
    if (record[name] === undefined) unset[name] = '';
    else set[name] = record[name];
  }
  return {
    $set: set,
    ...(Object.keys(unset).length > 0 ? { $unset: unset } : {}),
    // What it owed may have been passed on meanwhile, and the time taken away with it.
    ...(set.owed && !set.owedSince ? { $min: { owedSince: record.updatedAt } } : {}),
  };
}
