import { Schema } from 'mongoose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { Context } from '../../src/context.ts';
import { features } from '../../src/features.ts';
import { tenantCollection } from '../../src/infra/mongo.ts';
import type { TenantDocument } from '../../src/infra/tenant-collection.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { claimLane, holdLease, releaseLane } from '../../src/work/claim.ts';
import { announce, wake } from '../../src/work/lanes.ts';
import { startRunner } from '../../src/work/runner.ts';
import { createLaneSweep } from '../../src/work/sweep.ts';
import { dueLanes, type Lane, type LaneRef, laneFields, type Work } from '../../src/work/work.ts';
import { startServer, type TestServer } from '../helpers/app.ts';
import { until } from '../helpers/webhooks.ts';

/** A feature as small as one can be: chores, one row each, in one lane per workspace. */

interface Chore extends TenantDocument {
  dueAt?: Date;
  name: string;
}

const choreSchema = new Schema<Chore>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  dueAt: Date,
  name: String,
});
choreSchema.index({ workspaceId: 1, dueAt: 1 }, { name: 'due' });
const chores = tenantCollection<Chore>('test_chores', choreSchema);

const laneSchema = new Schema<Lane>({ ...laneFields });
laneSchema.index(dueLanes, { name: 'due', sparse: true });
const choreLanes = tenantCollection<Lane>('test_chore_lanes', laneSchema);

let done: string[];
let visits: number;
/** Of a chore. */
let priceMs: number;
let processed: (chore: Chore) => Promise<void>;

const choreWork: Work<Lane, Chore, void> = {
  name: 'chores',
  collection: choreLanes,
  locate: (key) => ({ fields: { _id: new ObjectId(key) }, hint: { _id: 1 } }),
  keyOf: ({ _id }) => _id.toHexString(),
  locateAll: (keys) => ({ fields: { _id: { $in: keys.map((key) => new ObjectId(key)) } }, hint: { _id: 1 } }),
  open: async (ctx, { workspaceId }) => {
    visits += 1;
    return {
      priceMs: () => priceMs,
      due: () =>
        chores(ctx.db).find(
          workspaceId,
          { dueAt: { $lte: ctx.clock.now() } },
          { sort: { dueAt: 1 }, hint: 'due' },
        ),
      async process(chore) {
        await processed(chore);
        done.push(chore.name);
        await chores(ctx.db).updateOne(workspaceId, { _id: chore._id }, { $unset: { dueAt: '' } });
      },
      limit: () => 2,
      nextDueAt: async () => {
        const filter = { dueAt: { $exists: true } };
        return (await chores(ctx.db).findOne(workspaceId, filter, { sort: { dueAt: 1 }, hint: 'due' }))
          ?.dueAt;
      },
    };
  },
};

let server: TestServer;
let ctx: Context;
let ref: LaneRef;
let stopping: AbortController;
let closing: (() => Promise<void>)[];

beforeAll(async () => {
  server = await startServer(
    { fairShare: 0.5 },
    { features: [...features, { name: 'chores', work: [choreWork] }] },
  );
  ctx = server.ctx;
});
afterAll(() => server.close());
beforeEach(() => {
  done = [];
  visits = 0;
  priceMs = 0;
  processed = async () => {};
  ref = newRef();
  stopping = new AbortController();
  closing = [];
});
afterEach(async () => {
  stopping.abort();
  for (const close of closing) await close();
});

/** Each workspace has one lane, under its own id. */
function newRef(): LaneRef {
  const workspaceId = new ObjectId();
  return { workspaceId, key: workspaceId.toHexString() };
}

const run = () => {
  const runner = startRunner(ctx, choreWork, inject('redisUrl'), stopping.signal);
  closing.push(runner.close);
};
const sweep = createLaneSweep(choreWork);
const rows = () => ctx.db.tenant<Lane>('test_chore_lanes');
const laneOf = ({ workspaceId }: LaneRef) => rows().findById(workspaceId, workspaceId);
const isAtRest = async () => {
  const lane = await laneOf(ref);
  return lane !== null && !lane.lease;
};
const inMs = (ms: number) => new Date(ctx.clock.now().getTime() + ms);

async function store(names: string[], { dueAt = inMs(0), of = ref } = {}): Promise<void> {
  const { workspaceId } = of;
  await chores(ctx.db).insertMany(
    workspaceId,
    names.map((name, index) => ({
      _id: new ObjectId(),
      workspaceId,
      name,
      dueAt: new Date(dueAt.getTime() + index),
    })),
  );
}

describe('work', () => {
  it('is done when it is due, the longest waiting first, and each row once', async () => {
    await store(['late'], { dueAt: inMs(7 * 24 * 3_600_000) });
    await store(['b', 'c', 'd'], { dueAt: inMs(-1_000) });
    await store(['a'], { dueAt: inMs(-2_000) });
    run();
    await wake(ctx, choreWork, [ref]);
    await until(async () => done.length === 4 && isAtRest());
    expect(done[0]).toBe('a');
    expect([...done].sort()).toEqual(['a', 'b', 'c', 'd']);
    // In a week somebody looks again.
    expect((await laneOf(ref))?.dueAt?.getTime()).toBeGreaterThan(inMs(6 * 24 * 3_600_000).getTime());
  });

  it('that is due in a moment is not forgotten', async () => {
    await store(['soon'], { dueAt: inMs(60) });
    run();
    await wake(ctx, choreWork, [ref]);
    await until(async () => done.includes('soon'));
  });

  it('that fails by a fault of ours holds up no other row, and is tried again', async () => {
    let tries = 0;
    processed = async ({ name }) => {
      if (name === 'cursed' && ++tries < 3) throw new Error('A fault');
    };
    await store(['cursed', ...Array.from({ length: 20 }, (_, index) => `sound ${index}`)]);
    run();
    await wake(ctx, choreWork, [ref]);
    await until(async () => done.length === 20);
    expect(tries).toBe(1);
    await until(async () => {
      await sweep(ctx);
      return done.length === 21;
    });
    expect(tries).toBe(3);
  });

  it('of a workspace that hangs keeps no other from being done, nor what comes next in its own lane', async () => {
    let release = () => {};
    const hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    processed = ({ name }) => (name === 'hangs' ? hold : Promise.resolve());
    const others = Array.from({ length: 120 }, newRef);
    for (const other of [ref, ...others]) await store(['hangs'], { of: other });
    run();
    await wake(ctx, choreWork, [ref, ...others]);
    const newcomer = newRef();
    await store(['newcomer'], { of: newcomer });
    await wake(ctx, choreWork, [newcomer]);
    await until(async () => done.includes('newcomer'));
    await store(['next'], { of: ref });
    await wake(ctx, choreWork, [ref]);
    await until(async () => done.includes('next'));
    release();
    await until(async () => done.length === 123);
  });
});

describe('a workspace with more work than its share', () => {
  it('goes on at the pace of its share while others are there, loses nothing, and lets them go first', async () => {
    const [busy, neighbour] = [newRef(), newRef()];
    const names = Array.from({ length: 12 }, (_, index) => `busy ${index}`);
    priceMs = 50;
    // The first shows that somebody is there.
    await store(['neighbour 0'], { of: neighbour });
    run();
    await wake(ctx, choreWork, [neighbour]);
    await until(async () => done.length === 1);
    await store(names, { of: busy });
    await wake(ctx, choreWork, [busy]);
    await until(async () => done.length >= 3);
    await store(['neighbour 1'], { of: neighbour });
    await wake(ctx, choreWork, [neighbour]);
    await until(async () => done.length === 14);
    expect(done.filter((name) => name.startsWith('busy')).toSorted()).toEqual(names.toSorted());
    expect(done.at(-1)).toMatch(/^busy/);
  });

  it('that is alone does it in one visit', async () => {
    priceMs = 1_000;
    await store(Array.from({ length: 20 }, (_, index) => `row ${index}`));
    run();
    await wake(ctx, choreWork, [ref]);
    await until(async () => done.length === 20);
    expect(visits).toBe(1);
  });
});

describe('lanes of one workspace that are woken together', () => {
  it('are one nudge', async () => {
    const { workspaceId } = newRef();
    const refs = Array.from({ length: 20 }, () => ({ workspaceId, key: new ObjectId().toHexString() }));
    const nudged: object[] = [];
    const { nudge } = ctx.queues;
    ctx.queues.nudge = async (_queue, _lanes, data) => void nudged.push(data);
    try {
      await wake(ctx, choreWork, refs);
      // Now all of them are there.
      await wake(ctx, choreWork, refs);
      await wake(ctx, choreWork, [...refs, { ...ref }]);
    } finally {
      ctx.queues.nudge = nudge;
    }
    const together = { workspaceId: workspaceId.toHexString(), keys: refs.map(({ key }) => key) };
    const alone = { workspaceId: ref.workspaceId.toHexString(), keys: [ref.key] };
    expect(nudged).toEqual([together, together, together, alone]);
    const lanes = await rows().acrossTenants.find({ workspaceId }).toArray();
    expect(lanes.map(({ _id }) => _id.toHexString()).toSorted()).toEqual(
      refs.map(({ key }) => key).toSorted(),
    );
    expect(lanes.every(({ dueAt }) => dueAt && dueAt <= inMs(0))).toBe(true);
  });
});

describe('a lane', () => {
  it('is claimed by one of many, and by nobody while it is not due', async () => {
    expect(await claimLane(ctx, choreWork, ref)).toBeNull();
    await wake(ctx, choreWork, [ref]);
    const claims = await Promise.all(Array.from({ length: 10 }, () => claimLane(ctx, choreWork, ref)));
    const [lane, ...others] = claims.filter((claim) => claim !== null);
    expect(others).toEqual([]);
    if (!lane) throw new Error('Nobody got it');
    await releaseLane(ctx, choreWork, lane, inMs(60_000), {});
    expect(await claimLane(ctx, choreWork, ref)).toBeNull();
  });

  it('goes to the next when its lease has run out; the former holder learns it and changes nothing', async () => {
    await wake(ctx, choreWork, [ref]);
    const lost = await claimLane(ctx, choreWork, ref);
    if (!lost) throw new Error('The lane is taken');
    lost.lease.until = inMs(-1);
    const lease = holdLease(ctx, choreWork, lost);
    expect(lease.isLost()).toBe(true);
    lease.stop();
    await rows().updateOne(
      ref.workspaceId,
      { _id: lost._id },
      { $set: { 'lease.until': inMs(-1), dueAt: inMs(-1) } },
    );
    const mine = await claimLane(ctx, choreWork, ref);
    expect(mine?.lease.id).not.toEqual(lost.lease.id);
    await releaseLane(ctx, choreWork, lost, undefined, {});
    expect((await laneOf(ref))?.lease?.id).toEqual(mine?.lease.id);
  });

  it('that is woken during a visit stays due, after a pause unless it is urgent', async () => {
    const pausedUntil = inMs(60_000);
    const visit = async (during: () => Promise<void>) => {
      await wake(ctx, choreWork, [ref], { isUrgent: true });
      const lane = await claimLane(ctx, choreWork, ref);
      if (!lane) throw new Error('The lane is taken');
      await during();
      await releaseLane(ctx, choreWork, lane, undefined, { pausedUntil });
      return (await laneOf(ref))?.dueAt;
    };
    expect(await visit(async () => {})).toBeUndefined();
    expect(await visit(() => wake(ctx, choreWork, [ref]))).toEqual(pausedUntil);
    expect(await visit(() => wake(ctx, choreWork, [ref], { isUrgent: true }))).toEqual(new Date(0));
  });

  it('with an announced row is visited again, though the visit did not see the row', async () => {
    const inAnHour = inMs(3_600_000);
    await announce(ctx, choreWork, ref, inMs(0));
    const lane = await claimLane(ctx, choreWork, ref);
    if (!lane) throw new Error('The lane is taken');
    // For later, and not stored before the visit ends.
    await announce(ctx, choreWork, ref, inAnHour);
    await releaseLane(ctx, choreWork, lane, undefined, {});
    const again = (await laneOf(ref))?.dueAt;
    expect(again?.getTime()).toBeGreaterThan(ctx.clock.now().getTime());
    expect(again?.getTime()).toBeLessThan(inMs(31_000).getTime());
  });

  it('is forgotten by no sweep, however many others are due before it', async () => {
    const many = Array.from({ length: 1_200 }, (_, index) => {
      const { workspaceId } = newRef();
      return { _id: workspaceId, workspaceId, dueAt: inMs(index - 10_000) };
    });
    await rows().acrossTenants.insertMany(many);
    const nudged = new Set<string>();
    const { nudge } = ctx.queues;
    ctx.queues.nudge = async (_queue, lane) => void nudged.add(lane);
    try {
      for (let round = 0; round < 3; round += 1) await sweep(ctx);
    } finally {
      ctx.queues.nudge = nudge;
    }
    const missed = many.filter(({ _id }) => !nudged.has(`${_id.toHexString()}:${_id.toHexString()}`));
    expect(missed).toEqual([]);
  });
});
