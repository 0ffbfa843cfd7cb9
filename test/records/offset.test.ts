import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Lead, leadEntity } from '../../src/features/people/leads/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { newRecord } from '../../src/records/insert.ts';
import { listRecordsByOffset, type OffsetListQuery } from '../../src/records/list.ts';
import { countedMax } from '../../src/records/offset.ts';
import { examinedMax } from '../../src/records/walk.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import { startServer, type TestServer } from '../helpers/app.ts';
import { recordCommands, withMonitoring } from '../helpers/queries.ts';

const count = 10_500;
const limit = 500;
/** Those that are both rare and odd, by their place in the list. */
const rarePlaces = [7, 6_001, 10_499];

let server: TestServer;
let commands: ReturnType<typeof recordCommands>;
let ids: string[];
const workspaceId = new ObjectId();

/** Leads straight into the store, newest first, a second apart. */
async function insertLeads(
  workspace: ObjectId,
  own: (place: number) => Partial<Lead>,
  length: number,
  newest = new Date(),
) {
  const leads: Lead[] = [];
  for (let place = 0; place < length; place += 1) {
    const fields = { name: 'Many', priority: 'Low' as const, ...own(place) };
    const lead = await newRecord(server.ctx, leadEntity, systemIn(workspace), fields);
    const createdAt = new Date(newest.getTime() - place * 1_000);
    leads.push({ ...lead, createdAt, updatedAt: createdAt });
  }
  await leadEntity.collection(server.ctx.db).insertMany(workspace, leads);
  return leads.map(({ _id }) => _id.toHexString());
}

beforeAll(async () => {
  const name = `offset_${randomBytes(6).toString('hex')}`;
  server = await startServer({}, { name, mongoUrl: withMonitoring(inject('mongoUrl')) });
  commands = recordCommands(server);
  const own = (place: number): Partial<Lead> => ({
    status: place % 2 === 0 ? 'even' : 'odd',
    ...(rarePlaces.includes(place) ? { source: 'rare' } : { source: 'usual' }),
  });
  ids = await insertLeads(workspaceId, own, count);
}, 60_000);

afterAll(() => server.close());

let readers = 0;
const page = (query: Partial<OffsetListQuery>, workspace = workspaceId) =>
  listRecordsByOffset(server.ctx, leadEntity, workspace, { limit, offset: 0, reader: 'someone', ...query });
const idsOf = ({ records }: { records: Lead[] }) => records.map(({ _id }) => _id.toHexString());

/** The most that any command looked at since the last call, the counting of the list apart. */
async function lookedAt(): Promise<{ keys: number; documents: number }> {
  const plans = (await commands.plans()).filter(({ shape }) => shape.startsWith('find leads'));
  expect(plans.flatMap(({ stages }) => stages)).not.toContain('SORT');
  return {
    keys: Math.max(...plans.map(({ keysExamined }) => keysExamined)),
    documents: Math.max(...plans.map(({ documentsExamined }) => documentsExamined)),
  };
}

describe('pages by offset', () => {
  it('cost the same at any depth, and show each record once while others are inserted', async () => {
    const workspace = new ObjectId();
    const all = await insertLeads(workspace, () => ({}), 3_000, new Date(Date.now() - 3_600_000));
    const found: string[] = [];
    for (let offset = 0, hasMore = true; hasMore; offset += limit) {
      await commands.plans();
      const answer = await page({ offset, reader: 'steady' }, workspace);
      const { keys, documents } = await lookedAt();
      expect({ offset, isCheap: keys <= limit + 10 && documents <= limit + 10 }).toMatchObject({
        isCheap: true,
      });
      expect(answer.total).toBeGreaterThanOrEqual(offset + answer.records.length);
      found.push(...idsOf(answer));
      hasMore = answer.hasMore;
      await insertLeads(workspace, () => ({}), 3);
    }
    expect(found).toEqual(all);
  });

  it('begin where a jump leads to, and once more when all is forgotten', async () => {
    const reader = `jumper ${readers++}`;
    for (let time = 0; time < 2; time += 1) {
      await commands.plans();
      expect(idsOf(await page({ offset: 10_200, limit: 100, reader }))).toEqual(ids.slice(10_200, 10_300));
      expect((await lookedAt()).documents).toBeLessThanOrEqual(110);
      const { redis, redisPrefix } = server.ctx;
      const keys = await redis.keys(`${redisPrefix}:places:*`);
      expect(keys.length).toBeGreaterThan(0);
      await redis.del(keys);
    }
  });

  it('know the end, however far beyond it is asked', async () => {
    const end = { records: [], total: count, isTotalExact: true, hasMore: false };
    expect(await page({ offset: count })).toMatchObject(end);
    expect(await page({ offset: 1_000_000 })).toMatchObject(end);
    const last = await page({ offset: count - 5 });
    expect(last).toMatchObject({ total: count, isTotalExact: true, hasMore: false });
    expect(idsOf(last)).toEqual(ids.slice(-5));
  });

  it('say that a total beyond the bound is none', async () => {
    expect(await page({})).toMatchObject({ total: countedMax, isTotalExact: false, hasMore: true });
    const { total, isTotalExact } = await page({ filters: { status: 'odd' } });
    expect({ total, isTotalExact }).toEqual({ total: count / 2, isTotalExact: true });
  });

  it.each([
    [{ source: 'rare', status: 'odd' }, [7, 6_001, 10_499]],
    [{ status: 'odd', source: 'rare' }, [7, 6_001, 10_499]],
    [{ status: 'even', source: 'rare' }, []],
    [
      { status: ['odd', ...Array.from({ length: 300 }, (_, index) => `other ${index}`)], source: 'rare' },
      [7, 6_001, 10_499],
    ],
  ])('of %j look at no more than a command may', async (filters, places) => {
    await commands.plans();
    const answer = await page({ filters: filters as Record<string, string | string[]> });
    expect(idsOf(answer)).toEqual(places.map((place) => ids[place]));
    expect(answer).toMatchObject({ total: places.length, isTotalExact: true, hasMore: false });
    const { keys, documents } = await lookedAt();
    expect(Math.max(keys, documents)).toBeLessThanOrEqual(examinedMax + 310);
    const second = await page({ filters: filters as Record<string, string | string[]>, offset: 1, limit: 1 });
    expect(idsOf(second)).toEqual(places.slice(1, 2).map((place) => ids[place]));
  });

  it('of large records end early and say how many they have', async () => {
    const workspace = new ObjectId();
    const fields = Object.fromEntries(
      Array.from({ length: 25 }, (_, index) => [`part${index}`, 'x'.repeat(10_000)]),
    );
    const all = await insertLeads(workspace, () => ({ fields }), 40);
    const found: string[] = [];
    for (let offset = 0, hasMore = true; hasMore; ) {
      const answer = await page({ offset, limit: 40 }, workspace);
      expect(answer.records.length).toBeLessThan(20);
      found.push(...idsOf(answer));
      hasMore = answer.hasMore;
      if (hasMore) expect(answer).toMatchObject({ limit: answer.records.length, total: 40 });
      offset += answer.records.length;
    }
    expect(found).toEqual(all);
  });
});
