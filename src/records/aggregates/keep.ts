import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { Schema } from 'mongoose';
import type { Context } from '../../context.ts';
import { createLease } from '../../infra/lease.ts';
import { tenantCollection } from '../../infra/mongo.ts';
import type { TenantDocument } from '../../infra/tenant-collection.ts';
import { type Decimal, textOf, toDecimal } from '../../lib/decimal.ts';
import { AppError } from '../../lib/errors.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { withinTime } from '../../lib/time-limit.ts';
import type { Aggregate } from './aggregate.ts';
import { countRows, type Row } from './count.ts';

/**
 * Numbers as they are kept: counted once for the whole fleet, stored, and counted again in the background when they are older
 * than a few seconds or than ten times what counting them takes. A reader waits only where there is nothing to show yet,
 * or where counting takes no time. What a dead process was counting, the next reader counts again.
 */
export interface Numbers {
  rows: Row[];
  /** What changed later may not be in them. */
  asOf: Date;
  costMs: number;
}

interface NumbersDocument extends TenantDocument {
  name: string;
  asOf: Date;
  costMs: number;
  /** The rows as JSON: read whole or not at all. */
  rows: string;
}

const schema = new Schema<NumbersDocument>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  name: { type: String, required: true },
  asOf: { type: Date, required: true },
  costMs: { type: Number, required: true },
  rows: { type: String, required: true },
});
const ofName = 'numbers_by_name';
schema.index({ workspaceId: 1, name: 1 }, { name: ofName, unique: true });
const kept = tenantCollection<NumbersDocument>('numbers', schema);

const freshMs = 2_000;
const costFactor = 10;
/** Numbers that take no longer than this are counted again while their reader waits. */
const waitMs = 500;
/** The first count of a very large workspace may take longer: then the reader asks again. */
const firstWaitMs = 10_000;
const leaseMs = 15_000;
const pollMs = 100;
/** Of all workspaces' rows that a process remembers. */
const rememberedRowsMax = 500_000;

interface Keeper {
  remembered: LRUCache<string, Numbers>;
  renewing: Map<string, Promise<Numbers>>;
  /** One slice at a time, in the order in which they were asked for: a large workspace holds up nobody for longer. */
  inTurn<R>(slice: () => Promise<R>): Promise<R>;
}

const keepers = new WeakMap<Context, Keeper>();

function keeperOf(ctx: Context): Keeper {
  let keeper = keepers.get(ctx);
  if (!keeper) {
    let last: Promise<unknown> = Promise.resolve();
    keeper = {
      remembered: new LRUCache({
        maxSize: rememberedRowsMax,
        sizeCalculation: ({ rows }) => rows.length + 1,
      }),
      renewing: new Map(),
      inTurn<R>(slice: () => Promise<R>) {
        const mine = last.then(slice, slice);
        last = mine.catch(() => undefined);
        return mine;
      },
    };
    keepers.set(ctx, keeper);
  }
  return keeper;
}

/** The numbers of a workspace. @throws AppError unavailable while the first count goes on for long */
export async function numbersOf(ctx: Context, workspaceId: ObjectId, aggregate: Aggregate): Promise<Numbers> {
  const remembered = keeperOf(ctx).remembered.get(keyOf(workspaceId, aggregate));
  const known = remembered ?? (await recall(ctx, workspaceId, aggregate));
  if (known && isFresh(ctx, known)) return known;
  const renewed = renew(ctx, workspaceId, aggregate);
  if (!known) return withinTime(renewed, firstWaitMs, stillCounting);
  return known.costMs > waitMs ? known : withinTime(renewed, waitMs).catch(() => known);
}

const isFresh = ({ clock }: Context, { asOf, costMs }: Numbers): boolean =>
  clock.now().getTime() - asOf.getTime() <= Math.max(freshMs, costFactor * costMs);

const stillCounting = () =>
  new AppError('unavailable', {
    message: 'The records are still being counted for the first time; ask again',
    headers: { 'Retry-After': '1' },
  });

const keyOf = (workspaceId: ObjectId, { name }: Aggregate): string => `${workspaceId.toHexString()} ${name}`;

/** Gets newer numbers, once for all who ask meanwhile: those of another process, or counted here. */
function renew(ctx: Context, workspaceId: ObjectId, aggregate: Aggregate): Promise<Numbers> {
  const { renewing } = keeperOf(ctx);
  const key = keyOf(workspaceId, aggregate);
  let renewed = renewing.get(key);
  if (!renewed) {
    renewed = recall(ctx, workspaceId, aggregate)
      .then((theirs) => (theirs && isFresh(ctx, theirs) ? theirs : countNumbers(ctx, workspaceId, aggregate)))
      .finally(() => renewing.delete(key));
    renewing.set(key, renewed);
    // Whoever waits is told; in the background the next one who asks begins again.
    renewed.catch((error: unknown) => ctx.log.debug({ err: error }, 'numbers could not be counted'));
  }
  return renewed;
}

/** Counts now: what was changed before is in the numbers. */
export async function countNumbers(
  ctx: Context,
  workspaceId: ObjectId,
  aggregate: Aggregate,
): Promise<Numbers> {
  const numbers = await countForAll(ctx, workspaceId, aggregate);
  keeperOf(ctx).remembered.set(keyOf(workspaceId, aggregate), numbers);
  return numbers;
}

/** Counts, unless another process does so: then its numbers will do. */
async function countForAll(ctx: Context, workspaceId: ObjectId, aggregate: Aggregate): Promise<Numbers> {
  const asked = ctx.clock.now();
  const lease = createLease(ctx.db, `numbers ${keyOf(workspaceId, aggregate)}`, leaseMs);
  while (!(await lease.hold())) {
    await sleep(pollMs);
    const theirs = await recall(ctx, workspaceId, aggregate);
    if (theirs && theirs.asOf >= asked) return theirs;
  }
  const renewal = setInterval(() => void lease.hold().catch(() => undefined), leaseMs / 3);
  try {
    const asOf = ctx.clock.now();
    const startedAt = performance.now();
    const rows = await countRows(ctx, workspaceId, aggregate, keeperOf(ctx).inTurn);
    const numbers = { rows, asOf, costMs: Math.round(performance.now() - startedAt) };
    await store(ctx, workspaceId, aggregate, numbers);
    return numbers;
  } finally {
    clearInterval(renewal);
    await lease.release();
  }
}

type StoredRow = [by: string[], count: number, ...sums: string[]];

async function store(
  ctx: Context,
  workspaceId: ObjectId,
  { name, sums }: Aggregate,
  { rows, asOf, costMs }: Numbers,
): Promise<void> {
  const stored = rows.map(
    (row): StoredRow => [row.by, row.count, ...sums.map((sum) => textOf(row.sums[sum] as Decimal))],
  );
  await kept(ctx.db).upsert(workspaceId, { name }, { $set: { asOf, costMs, rows: JSON.stringify(stored) } });
}

/** The numbers that some process counted last. */
async function recall(
  ctx: Context,
  workspaceId: ObjectId,
  aggregate: Aggregate,
): Promise<Numbers | undefined> {
  const { name, sums } = aggregate;
  const { remembered } = keeperOf(ctx);
  const key = keyOf(workspaceId, aggregate);
  const found = await kept(ctx.db).findOne(workspaceId, { name }, { hint: ofName });
  const known = remembered.peek(key);
  if (!found || (known && known.asOf >= found.asOf)) return known;
  const rows = (JSON.parse(found.rows) as StoredRow[]).map(([by, count, ...amounts]) => ({
    by,
    count,
    sums: Object.fromEntries(sums.map((sum, index) => [sum, toDecimal(amounts[index] ?? '0')])),
  }));
  const numbers = { rows, asOf: found.asOf, costMs: found.costMs };
  remembered.set(key, numbers);
  return numbers;
}

const answers = new WeakMap<Numbers, LRUCache<string, object>>();
const answersMax = 200;

/** What was made of these numbers before for the same question, or what `make` makes of them. */
export function answerOf<A extends object>(numbers: Numbers, question: string, make: (rows: Row[]) => A): A {
  let known = answers.get(numbers);
  if (!known) {
    known = new LRUCache({ max: answersMax });
    answers.set(numbers, known);
  }
  const before = known.get(question);
  if (before) return before as A;
  const answer = make(numbers.rows);
  known.set(question, answer);
  return answer;
}
