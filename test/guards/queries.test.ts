import { randomBytes } from 'node:crypto';
import type { mongo } from 'mongoose';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { type Lead, leadEntity } from '../../src/features/people/leads/record.ts';
import { commandTimeoutMs } from '../../src/infra/bounded-collection.ts';
import { tenantCollections } from '../../src/infra/mongo.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { toUuid } from '../../src/lib/uuid.ts';
import { newRecord } from '../../src/records/insert.ts';
import { examinedMax as pageExaminedMax } from '../../src/records/walk.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { startServer, type TestServer } from '../helpers/app.ts';
import { foreignContracts } from '../helpers/foreign.ts';
import { filtersOf, type Json, type Plan, recordCommands, withMonitoring } from '../helpers/queries.ts';
import {
  bodyFor,
  buildWorld,
  credentialFor,
  idsFor,
  isDocumented,
  isForeign,
  listRoutes,
  pathOf,
  type RouteUnderTest,
  type World,
} from '../helpers/routes.ts';

/**
 * Every query is served by an index and looks at little more than it returns, whatever route or job sends it. The
 * routes and their parameters are taken from the application itself, so a new query without an index fails here.
 */

/** Of every contract; the mount for people is the same operations once more. */
const routes = (await listRoutes()).filter((route) => isDocumented(route) || isForeign(route));
/** One workspace is asked, and stands beside one that is larger by far. */
const copies = { asked: 300, other: 2_000 };
/** Beyond what is returned: seeks between the ranges of an index, and the rows that a filter passes over. */
const examinedMax = (returned: number): number => 4 * returned + 60;

let server: TestServer;
let worker: RunningWorker;
let commands: ReturnType<typeof recordCommands>;
let world: World;
/** Collections that a cluster divides by workspace (docs/operations.md): all of tenants save those that are looked up without one. */
const undividedNames = ['api_keys', 'token_families', 'members'];
const divided = new Set(
  tenantCollections()
    .map(({ name }) => name)
    .filter((name) => !undividedNames.includes(name)),
);

beforeAll(async () => {
  const name = `queries_${randomBytes(6).toString('hex')}`;
  const mongoUrl = withMonitoring(inject('mongoUrl'));
  server = await startServer({}, { name, mongoUrl, isDivided: true });
  commands = recordCommands(server);
  worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
  const other = await buildWorld(server);
  world = await buildWorld(server);
  // Once over, so that there is something in every collection; then more of it.
  for (const someone of [other, world]) {
    for (const route of routes)
      for (const url of urlsOf(route, someone).slice(0, 1)) await send(route, url, someone);
  }
  await multiply(commands.db, other, copies.other);
  await multiply(commands.db, world, copies.asked);
  await commands.plans();
  commands.sent();
}, 120_000);

afterAll(async () => {
  await worker.close();
  await server.close();
});

describe('every query', () => {
  it.each(routes)('of $name is served by an index, names its workspace and ends in time', async (route) => {
    for (const url of urlsOf(route, world)) {
      await send(route, url, world);
      expect(complaintsOf(await commands.plans()), url).toEqual([]);
    }
    expect(commands.sent().flatMap(faultsOf)).toEqual([]);
  });

  it('that breaks a unique rule can be told by one part of a cluster that is divided by workspace', () => {
    const undivided = tenantCollections().filter(({ indexes }) =>
      indexes.some(
        ([fields, options]) =>
          (options as { unique?: boolean }).unique && Object.keys(fields)[0] !== 'workspaceId',
      ),
    );
    expect(undivided.map(({ name }) => name).filter((name) => divided.has(name))).toEqual([]);
  });

  it('that names no workspace, or has all the time in the world, is noticed', () => {
    const filter = { _id: 1 };
    expect(faultsOf({ find: 'leads', filter }).join()).toContain('may take for ever');
    const bounded = { find: 'leads', filter, maxTimeMS: commandTimeoutMs };
    expect(faultsOf(bounded).join()).toContain('names no workspace');
    expect(faultsOf({ ...bounded, filter: { ...filter, workspaceId: 2 } })).toEqual([]);
  });

  it('of the sweeps is served by an index', async () => {
    await commands.plans();
    await server.ctx.relay.sweep();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const plans = await commands.plans();
    expect(plans.map(({ shape }) => shape)).toContainEqual(expect.stringContaining('owedSince'));
    expect(complaintsOf(plans)).toEqual([]);
  });

  it('looks no further than a page may, however few records meet its conditions', async () => {
    const collection = server.ctx.db.tenant<Lead>('leads');
    const workspaceId = new ObjectId(world.workspaceId);
    const count = 2 * pageExaminedMax + 500;
    const template = await newRecord(server.ctx, leadEntity, systemIn(workspaceId), {
      name: 'Many',
      priority: 'Low',
    });
    const leads = Array.from({ length: count }, (_, index) => {
      const createdAt = new Date(Date.UTC(2025, 0, 1) + index);
      // Long told to everybody: the sweep has no business with them.
      return {
        ...template,
        _id: new ObjectId(),
        createdAt,
        updatedAt: createdAt,
        owed: undefined,
        owedSince: undefined,
      };
    });
    const rare = { ...leads[0], facets: [...template.facets, 'tags=rare'] } as Lead;
    await collection.insertMany(workspaceId, [rare, ...leads.slice(1)]);
    for (const query of [
      'q=many&tag=rare',
      'tag=rare&sort=updatedAt&createdBefore=2025-01-02T00:00:00.000Z',
      'createdBefore=2025-01-02T00:00:00.000Z&priority=low&tag=rare',
      'updatedAfter=2020-01-01T00:00:00.000Z&sort=-createdAt&tag=rare&q=many',
      'updatedAfter=2020-01-01T00:00:00.000Z&tag=rare',
    ]) {
      await commands.plans();
      let [pages, cursor, found] = [0, '', [] as string[]];
      for (let next: string | null = ''; next !== null; pages += 1) {
        cursor = next && `&cursor=${next}`;
        const url = `/api/v1/workspaces/${world.workspaceId}/leads?${query}${cursor}`;
        const { data, nextCursor } = (
          await server.app.inject({ url, headers: { 'x-api-key': world.apiKey } })
        ).json();
        found = found.concat(data.map(({ _id }: { _id: string }) => _id));
        next = nextCursor;
      }
      expect({ query, found }).toEqual({ query, found: [rare._id.toHexString()] });
      expect(pages).toBeLessThan(8);
      for (const { shape, stages, documentsExamined, keysExamined } of await commands.plans()) {
        const examined = Math.max(documentsExamined, keysExamined);
        expect({ shape, isWithin: examined <= pageExaminedMax + 100, stages }).toMatchObject({
          isWithin: true,
        });
        expect(stages).not.toContain('SORT');
      }
    }
  });

  it('without an index is noticed', async () => {
    await commands.plans();
    const { acrossTenants } = server.ctx.db.tenant('leads');
    await acrossTenants.find({ city: 'Pune' } as never, { sort: { company: 1 } }).toArray();
    const complaints = complaintsOf(await commands.plans()).join();
    expect(complaints).toMatch(
      /find leads .*scans the collection.*sorts in memory.*looks at \d+ to return 0/,
    );
  });
});

/** What is wrong with the plans of one request. */
const complaintsOf = (plans: Plan[]): string[] => plans.flatMap((plan) => complaintsAbout(plan, plans));

function complaintsAbout(plan: Plan, plans: Plan[]): string[] {
  const { shape, stages, rejected, keysExamined, documentsExamined, returned } = plan;
  const complaints: string[] = [];
  if (stages.includes('COLLSCAN')) complaints.push('scans the collection');
  if (stages.includes('SORT')) complaints.push('sorts in memory');
  if (rejected > 0) complaints.push('leaves a choice between plans to a trial');
  const examined = Math.max(keysExamined, documentsExamined);
  // Conditions that are checked on what the index finds may pass over many rows, if the request has looked first how far.
  const isBounded = plans.some(
    ({ command }) => command.skip === pageExaminedMax - 1 && command.find === collectionOf(plan.command),
  );
  const most = isBounded ? pageExaminedMax : examinedMax(returned);
  if (examined > Math.max(most, Number(plan.command.skip ?? 0) + 1))
    complaints.push(`looks at ${examined} to return ${returned}`);
  return complaints.map((complaint) => `${shape}: ${complaint} (${stages.join(' < ')})`);
}

const collectionOf = (command: Json): unknown => Object.values(command)[0];

/** Commands of one tenant that a divided cluster would have to ask everywhere, and any that may take for ever. */
function faultsOf(command: Json): string[] {
  const [name = '', collection] = Object.entries(command)[0] ?? [];
  if (!watched.includes(name) || (name === 'aggregate' && collection === 1)) return [];
  const names = name === 'bulkWrite' ? namespacesOf(command) : [String(collection)];
  const faults: string[] = [];
  if (!command.maxTimeMS) faults.push('may take for ever');
  const isOfTenants = names.every((one) => divided.has(one)) && command.maxTimeMS === commandTimeoutMs;
  if (isOfTenants && filtersOf(command).some((filter) => !('workspaceId' in filter)))
    faults.push('names no workspace');
  return faults.map((fault) => `${name} ${names.join()} ${JSON.stringify(filtersOf(command))}: ${fault}`);
}

const watched = ['find', 'aggregate', 'count', 'findAndModify', 'insert', 'update', 'delete', 'bulkWrite'];
const namespacesOf = ({ nsInfo }: Json): string[] =>
  (nsInfo as Json[]).map(({ ns }) => String(ns).slice(String(ns).indexOf('.') + 1));

async function send(route: RouteUnderTest, url: string, someone: World): Promise<void> {
  const body = bodyFor(route, someone);
  const headers = {
    ...credentialFor(route, someone),
    ...(route.config.idempotent ? { 'idempotency-key': 'again' } : {}),
  };
  const payload = body && route.config.idempotent ? { ...body, description: url } : body;
  const answer = await server.app.inject({
    method: route.method as 'GET',
    url,
    headers,
    ...(payload ? { payload } : {}),
  });
  expect(answer.statusCode, `${route.method} ${url}: ${answer.payload.slice(0, 300)}`).toBeLessThan(500);
  const { nextCursor } = answer.payload.startsWith('{') ? JSON.parse(answer.payload) : {};
  if (typeof nextCursor !== 'string' || url.includes('cursor=')) return;
  await send(route, `${url}${url.includes('?') ? '&' : '?'}cursor=${nextCursor}`, someone);
}

/** The route's address, plain, with each of its query parameters, and with every two of them. */
function urlsOf(route: RouteUnderTest, someone: World): string[] {
  // A foreign id that is unknown: some contracts remove what they are told.
  const path = isForeign(route) ? route.url.replace(':id', toUuid(new ObjectId())) : pathOf(route, someone);
  if (!route.schema.querystring) return [path];
  const schema = z.toJSONSchema(route.schema.querystring, { io: 'input', unrepresentable: 'any' });
  const {
    properties = {},
    required = [],
    additionalProperties,
  } = schema as unknown as {
    properties?: Record<string, Json>;
    required?: string[];
    additionalProperties?: unknown;
  };
  const known = foreignContracts.get(route.contract?.name ?? '')?.queryValues?.(idsFor(route, someone)) ?? {};
  const given = (name: string, property: Json) =>
    (known[name] === undefined ? valuesFor(name, property) : [known[name]]).map(
      (value) => `${name}=${encodeURIComponent(value)}`,
    );
  const always = required.map((name) => given(name, properties[name] ?? {})[0]);
  const choices = Object.entries(properties).flatMap(([name, property]) =>
    name === 'cursor' || required.includes(name) ? [] : [given(name, property)],
  );
  if (additionalProperties !== undefined) choices.push(['fields.budget=1']);
  const pairs = choices.flatMap(([one], index) =>
    choices.slice(index + 1).map(([another]) => `${one}&${another}`),
  );
  return ['', ...choices.flat(), ...pairs].map((query) => {
    const whole = [...always, query].filter(Boolean).join('&');
    return whole ? `${path}?${whole}` : path;
  });
}

function valuesFor(name: string, property: Json): string[] {
  if (Array.isArray(property.enum)) return property.enum.map(String);
  if (property.type === 'boolean') return ['true', 'false'];
  if (property.type === 'number' || property.type === 'integer') return ['5'];
  if (property.format === 'date') return ['2026-01-01'];
  if (property.format === 'date-time' || /after|before|since|from|until/i.test(name)) {
    return ['2026-01-01T00:00:00.000Z'];
  }
  if (name === 'q') return ['aaaaaaaa', 'someone@example.com', '+91 98765 43210'];
  return /id$|assignedTo|user/i.test(name) ? [world?.userId ?? ''] : ['aaaaaaaa'];
}

/** Copies each of the workspace's documents until there are `count`, with values of their own where they must differ. */
async function multiply(db: mongo.Db, { workspaceId }: World, count: number): Promise<void> {
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    const collection = db.collection(name);
    const found = await collection.find({ workspaceId: new ObjectId(workspaceId) }).toArray();
    if (found.length === 0) continue;
    const unique = uniqueFields(await collection.indexes());
    const made = Array.from({ length: count }, (_, index) =>
      copyOf(found[index % found.length] ?? {}, unique, index),
    );
    await collection.insertMany(made, { ordered: false }).catch((error: { code?: number }) => {
      if (error.code !== 11_000) throw error;
    });
  }
}

const uniqueFields = (indexes: mongo.IndexDescriptionInfo[]): string[] =>
  indexes
    .filter(({ unique }) => unique)
    .flatMap(({ key }) => Object.keys(key))
    .filter((field) => field !== 'workspaceId' && !field.includes('.'));

function copyOf(document: mongo.Document, unique: string[], index: number): mongo.Document {
  const copy: mongo.Document = { ...document, _id: new ObjectId() };
  delete copy.idempotency;
  // Rows of the other state are in the way of a query that does not skip them.
  if ('archived' in copy) copy.archived = index % 2 === 1;
  for (const field of unique) {
    if (typeof copy[field] === 'string') copy[field] = `${copy[field]}${index}`;
    if (copy[field] instanceof ObjectId) copy[field] = new ObjectId();
  }
  for (const field of ['createdAt', 'updatedAt']) {
    if (copy[field] instanceof Date) copy[field] = new Date(copy[field].getTime() - index * 1_000);
  }
  // Nothing for the worker to do: it would be busy with copies of deliveries and messages all along.
  for (const field of ['dueAt', 'nextAttemptAt']) {
    if (copy[field] instanceof Date) copy[field] = new Date(Date.now() + 24 * 60 * 60 * 1_000);
  }
  return copy;
}
