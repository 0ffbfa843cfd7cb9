import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { features } from '../../src/features.ts';
import { createLease } from '../../src/infra/lease.ts';
import { plus, textOf, toDecimal, zero } from '../../src/lib/decimal.ts';
import type { ObjectId } from '../../src/lib/ids.ts';
import type { Money } from '../../src/lib/money.ts';
import { aggregateOf } from '../../src/records/aggregates/aggregate.ts';
import { answerOf, countNumbers, type Numbers, numbersOf } from '../../src/records/aggregates/keep.ts';
import { type DocumentOf, entity } from '../../src/records/entity/entity.ts';
import { choice, internal } from '../../src/records/entity/kinds.ts';
import { insertRecord, newRecord } from '../../src/records/insert.ts';
import { archiveRecord, updateRecord } from '../../src/records/update.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import { createWorkspace } from '../../src/tenancy/workspaces/service.ts';
import { startServer, type TestServer } from '../helpers/app.ts';
import { recordCommands, withMonitoring } from '../helpers/queries.ts';

const states = ['open', 'won', 'lost'] as const;
interface Visit {
  at: string;
  days: string;
}

/** An entity that the server does not have: what numbers are made of, and nothing else. */
const offerEntity = entity({
  name: 'offer',
  path: '/offers',
  fields: {
    state: choice(states, { required: true }),
    price: internal<Money>(),
    visits: internal<Visit[]>(),
  },
  events: {},
  tallies: {
    groups: {
      state: ({ state, price }) => [state, price?.currency],
      closed: ({ state }) => (state === 'open' ? undefined : [state]),
    },
    sums: { price: ({ price }) => price?.amount },
    lists: { visits: ({ visits = [] }) => visits.map(({ at, days }) => ({ by: [at], sums: { days } })) },
  },
});
type Offer = DocumentOf<typeof offerEntity>;
type OfferFields = Partial<Pick<Offer, 'price' | 'visits'>> & Pick<Offer, 'state'>;

const byState = aggregateOf(offerEntity, 'state');
const closed = aggregateOf(offerEntity, 'closed');
const visits = aggregateOf(offerEntity, 'visits', ['days']);

let server: TestServer;
let commands: ReturnType<typeof recordCommands>;

beforeAll(async () => {
  const name = `numbers_${randomBytes(6).toString('hex')}`;
  const offers = { name: 'offers', entities: [offerEntity] };
  const options = { name, mongoUrl: withMonitoring(inject('mongoUrl')), features: [...features, offers] };
  server = await startServer({}, options);
  commands = recordCommands(server);
});

afterAll(() => server.close());

const buildWorkspace = async () => (await createWorkspace(server.ctx, 'Numbers'))._id;

/** The same numbers every time: a failure can be looked at again. */
function randomFrom(seed: number) {
  let state = seed;
  const next = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  return { next, pick: <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T };
}

function offerFrom({ next, pick }: ReturnType<typeof randomFrom>): OfferFields {
  const amount = pick(['0', '0.1', '0.2', '1e-7', '9999999999.99', String(Math.round(next() * 1e6) / 100)]);
  return {
    state: pick(states),
    ...(next() < 0.9 ? { price: { amount, currency: pick(['INR', 'EUR', 'USD']) } } : {}),
    visits: Array.from({ length: Math.floor(next() * 4) }, () => ({
      at: pick(['a', 'b']),
      days: String(Math.round(next() * 1_000) / 100),
    })),
  };
}

/** Counted one by one from the records themselves. */
async function naively(
  workspaceId: ObjectId,
  entriesOf: (offer: Offer) => { by: string[]; amount: string }[],
) {
  const offers = await offerEntity.collection(server.ctx.db).find(workspaceId, { archived: false }).toArray();
  const groups = new Map<string, { count: number; sum: ReturnType<typeof toDecimal> }>();
  for (const { by, amount } of offers.flatMap(entriesOf)) {
    const { count, sum } = groups.get(by.join()) ?? { count: 0, sum: zero };
    groups.set(by.join(), { count: count + 1, sum: plus(sum, toDecimal(amount)) });
  }
  return sorted([...groups].map(([by, { count, sum }]) => [by, count, textOf(sum)]));
}

const sorted = (rows: unknown[][]) =>
  rows.toSorted((one, other) => (String(one[0]) < String(other[0]) ? -1 : 1));
const shown = ({ rows }: Numbers, sum: string) =>
  sorted(rows.map(({ by, count, sums }) => [by.join(), count, textOf(sums[sum] ?? zero)]));

describe('an aggregate', () => {
  it.each([1, 2, 3])(
    'has exactly what a count one by one has, whatever happened to the records (%i)',
    async (seed) => {
      const random = randomFrom(seed);
      const { ctx } = server;
      const workspaceId = await buildWorkspace();
      const author = systemIn(workspaceId);
      const ids: ObjectId[] = [];
      for (let step = 0; step < 150; step += 1) {
        const id = random.pick(ids);
        const dice = random.next();
        if (!id || dice < 0.4) {
          ids.push((await insertRecord<Offer>(ctx, offerEntity, author, offerFrom(random) as never))._id);
        } else if (dice < 0.9) {
          const { price, ...set } = offerFrom(random);
          const change = price ? { set: { ...set, price } } : { set, unset: ['price'] };
          await updateRecord(ctx, offerEntity, author, id, change).catch(() => undefined);
        } else await archiveRecord(ctx, offerEntity, author, id);
      }
      const [states, closings, stays] = await Promise.all(
        [byState, closed, visits].map((aggregate) => countNumbers(ctx, workspaceId, aggregate)),
      );
      const amountOf = ({ price }: Offer) => price?.amount ?? '0';
      expect(shown(states as Numbers, 'price')).toEqual(
        await naively(workspaceId, (offer) => [
          { by: [offer.state, offer.price?.currency ?? ''], amount: amountOf(offer) },
        ]),
      );
      expect(shown(closings as Numbers, 'price')).toEqual(
        await naively(workspaceId, (offer) =>
          offer.state === 'open' ? [] : [{ by: [offer.state], amount: amountOf(offer) }],
        ),
      );
      expect(shown(stays as Numbers, 'days')).toEqual(
        await naively(workspaceId, (offer) =>
          (offer.visits ?? []).map(({ at, days }) => ({ by: [at], amount: days })),
        ),
      );
    },
  );

  it('is of one workspace, and of nothing where there is nothing', async () => {
    const [one, other] = [await buildWorkspace(), await buildWorkspace()];
    await insertRecord<Offer>(server.ctx, offerEntity, systemIn(one), { state: 'won' } as never);
    expect((await numbersOf(server.ctx, one, closed)).rows).toMatchObject([{ by: ['won'], count: 1 }]);
    expect((await numbersOf(server.ctx, other, closed)).rows).toEqual([]);
  });

  it('is counted once for all who ask at once, and kept until it is old', async () => {
    const workspaceId = await buildWorkspace();
    await insertRecord<Offer>(server.ctx, offerEntity, systemIn(workspaceId), { state: 'won' } as never);
    commands.sent();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => numbersOf(server.ctx, workspaceId, closed)),
    );
    expect(new Set(answers).size).toBe(1);
    expect(commands.sent().filter(({ aggregate }) => aggregate === 'offers')).toHaveLength(1);
    const asked = await numbersOf(server.ctx, workspaceId, closed);
    expect(asked).toBe(answers[0]);
    let made = 0;
    const ask = () => answerOf(asked, 'how many', (rows) => ({ rows: rows.length, made: ++made }));
    expect([ask(), ask()]).toEqual([
      { rows: 1, made: 1 },
      { rows: 1, made: 1 },
    ]);
  });

  it('is counted again when it is old, by another process for this one too', async () => {
    const workspaceId = await buildWorkspace();
    const author = systemIn(workspaceId);
    await insertRecord<Offer>(server.ctx, offerEntity, author, { state: 'won' } as never);
    const before = await numbersOf(server.ctx, workspaceId, closed);
    await insertRecord<Offer>(server.ctx, offerEntity, author, { state: 'won' } as never);
    const second = await startServer({}, { name: server.ctx.redisPrefix, features: server.ctx.features });
    try {
      // What the first process counted is all that the second needs, as long as it is new.
      expect((await numbersOf(second.ctx, workspaceId, closed)).asOf).toEqual(before.asOf);
      const later = {
        ...second.ctx,
        clock: { ...second.ctx.clock, now: () => new Date(Date.now() + 5_000) },
      };
      expect((await numbersOf(later, workspaceId, closed)).rows).toMatchObject([{ count: 2 }]);
    } finally {
      await second.close();
    }
  });

  it('is counted by the next one who asks when whoever counted it died', async () => {
    const workspaceId = await buildWorkspace();
    await insertRecord<Offer>(server.ctx, offerEntity, systemIn(workspaceId), { state: 'lost' } as never);
    const dead = createLease(server.ctx.db, `numbers ${workspaceId.toHexString()} ${closed.name}`, 300);
    await dead.hold();
    const { rows, asOf } = await numbersOf(server.ctx, workspaceId, closed);
    expect(rows).toMatchObject([{ by: ['lost'], count: 1 }]);
    expect(asOf.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
  });
});

describe('a workspace with very many records', () => {
  const count = 35_000;
  let workspaceId: ObjectId;

  beforeAll(async () => {
    workspaceId = await buildWorkspace();
    const offers: Offer[] = [];
    for (let index = 0; index < count; index += 1) {
      const fields = { state: states[index % 3], price: { amount: '0.1', currency: 'EUR' } };
      offers.push(await newRecord<Offer>(server.ctx, offerEntity, systemIn(workspaceId), fields as never));
    }
    await offerEntity.collection(server.ctx.db).insertMany(workspaceId, offers);
  }, 60_000);

  it('is counted in slices along its index, of which none reads a record', async () => {
    await commands.plans();
    const { rows } = await countNumbers(server.ctx, workspaceId, byState);
    expect(rows.reduce((sum, row) => sum + row.count, 0)).toBe(count);
    expect(rows.map(({ sums }) => textOf(sums.price ?? zero)).sort()).toEqual(['1166.6', '1166.7', '1166.7']);
    const plans = (await commands.plans()).filter(({ shape }) => shape.startsWith('aggregate offers'));
    expect(plans.length).toBeGreaterThan(0);
    for (const { documentsExamined, keysExamined, stages } of plans) {
      expect({ documentsExamined, isSlice: keysExamined <= 10_001 }).toEqual({
        documentsExamined: 0,
        isSlice: true,
      });
      expect(stages.join()).toContain('IXSCAN tally');
    }
  });

  it('holds up nobody: another workspace is counted between its slices', async () => {
    const small = await buildWorkspace();
    await insertRecord<Offer>(server.ctx, offerEntity, systemIn(small), { state: 'won' } as never);
    const ended: string[] = [];
    const large = countNumbers(server.ctx, workspaceId, closed).then(() => ended.push('large'));
    await sleep(1);
    const other = countNumbers(server.ctx, small, closed).then(() => ended.push('small'));
    await Promise.all([large, other]);
    expect(ended).toEqual(['small', 'large']);
  });
});
