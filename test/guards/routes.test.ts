import { beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { z as zod } from 'zod';
import { adapters } from '../../src/contracts.ts';
import { issueTokens } from '../../src/features/platform/oauth/service.ts';
import { type Role, roles } from '../../src/tenancy/actor.ts';
import { bearer, buildColleague } from '../helpers/accounts.ts';
import { buildApiKey, type TestServer, useServer } from '../helpers/app.ts';
import { foreignContracts } from '../helpers/foreign.ts';
import {
  bodyFor,
  buildWorld,
  credentialFor,
  errorShape,
  idsFor,
  isDocumented,
  isForeign,
  isOfWorkspace,
  isPortal,
  listRoutes,
  pathOf,
  type RouteUnderTest,
  type World,
} from '../helpers/routes.ts';

const routes = await listRoutes();
const server = useServer();

describe('every route', () => {
  it('has an operationId of its own', () => {
    // A foreign contract has its own document, and in it its own names.
    const ids = routes.filter(isDocumented).map(({ schema }) => schema.operationId);
    expect(ids).not.toContain(undefined);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it.each(routes)('$name says what it is', ({ access, schema, url }) => {
    expect(access).toBeTruthy();
    expect(schema.operationId).toMatch(/^[a-z][A-Za-z0-9]+$/);
    expect(schema.tags?.length).toBeGreaterThan(0);
    expect(schema.summary).toMatch(/^.{3,}[^.]$/);
    const successes = Object.keys(schema.response ?? {}).filter((status) => /^[23]/.test(status));
    expect(successes).not.toEqual([]);
    const parameters = url.match(/(?<=:)\w+/g) ?? [];
    expect(Object.keys((schema.params as z.ZodObject | undefined)?.shape ?? {})).toEqual(parameters);
  });

  it.each(routes)('$name avoids the traps of its schemas', (route) => {
    const { method, schema } = route;
    const inputs = [schema.params, schema.querystring, schema.body].filter((part) => part !== undefined);
    const outputs = Object.values(schema.response ?? {});
    const traps = [...inputs, ...outputs].flatMap((part) => trapsIn(part));
    // Foreign contracts have UUIDs, all of the one version that we make.
    expect(traps.filter((trap) => !isForeign(route) || trap !== uuidTrap)).toEqual([]);
    if (method === 'PUT' || method === 'PATCH') expect(defaultsAtRoot(schema.body)).toEqual([]);
    // Fails on anything that only goes one way, such as a transform.
    for (const output of outputs) zod.toJSONSchema(output, { io: 'output' });
  });
});

/**
 * Who gets in, on every contract and at both mounts. A contract supplies its world (what opens its routes, and ids in
 * them) and the shape of its errors; what is asked of each route is the same.
 */
describe('every guarded route', () => {
  let world: Population;
  let stranger: Population;
  const guarded = routes.filter(({ access }) => access !== 'public');
  const inWorkspace = guarded.filter(({ access }) => access !== 'session');
  const forPeople = inWorkspace.filter(isPortal);
  const forKeys = inWorkspace.filter((route) => !isPortal(route));

  beforeAll(async () => {
    [world, stranger] = [await populate(server), await populate(server)];
  });

  /** What the route answers, through the whole application. */
  async function call(route: RouteUnderTest, headers: Headers, ids: Ids = {}, body: object = {}) {
    const url = pathOf(route, world, ids);
    const answer = await server.app.inject({
      method: route.method as 'GET',
      url,
      headers,
      ...(route.schema.body ? { payload: body } : {}),
    });
    return { status: answer.statusCode, body: answer.json() as unknown, headers: answer.headers };
  }

  it('is found by this test', () => {
    for (const name of ['native', 'portal', 'people', ...adapters.map((adapter) => adapter.name)]) {
      expect(guarded.filter(({ contract }) => contract?.name === name).length, name).toBeGreaterThan(4);
    }
    const below = (prefix: string) =>
      inWorkspace.flatMap(({ url, method }) =>
        url.startsWith(prefix) ? [`${method} ${url.slice(prefix.length)}`] : [],
      );
    // One declaration, two mounts.
    expect(below('/api/workspaces/:workspaceId')).toEqual(
      expect.arrayContaining(below('/api/v1/workspaces/:workspaceId')),
    );
  });

  it.each(guarded)('$name answers 401 to no credential, and to those of others', async (route) => {
    const own = credentialFor(route, world);
    const others = everyCredential(world).filter((one) => !isTaken(route, one) && one !== own);
    const body = bodyFor(route, world);
    for (const headers of [{}, ...others, { 'X-API-Key': 'unknown' }, bearer('unknown'), bearer('')]) {
      const answer = await call(route, headers, idsFor(route, world), body);
      expect(answer, JSON.stringify(headers)).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer' },
      });
      expect(answer.body).toEqual(errorShape(route, 'unauthorized'));
    }
  });

  it.each(inWorkspace)('$name lets its own credential in', async (route) => {
    const { status } = await call(route, credentialFor(route, world));
    expect([401, 403]).not.toContain(status);
    expect(status).toBeLessThan(500);
  });

  it.each(forKeys)('$name answers 403 to a key that lacks what it demands', async (route) => {
    const lacking = await keyWithout(server, world, route);
    const { status, body } = await call(route, lacking, idsFor(route, world));
    expect(status).toBe(403);
    expect(body).toEqual(errorShape(route, 'forbidden'));
  });

  it.each(forPeople)('$name opens to the roles of the table, and from there upwards', async (route) => {
    const least = roles.indexOf(roleFor(route));
    for (const [rank, role] of roles.entries()) {
      const { status, body } = await call(route, bearer(world.tokens[role]));
      expect({ role, isIn: status !== 403 }).toEqual({ role, isIn: rank <= least });
      if (status === 403) expect(body).toEqual(errorShape(route, 'forbidden'));
      expect(status).toBeLessThan(500);
    }
  });

  const withWorkspace = inWorkspace.filter(isOfWorkspace);
  it.each(withWorkspace)("$name answers 403 to another workspace's credential", async (route) => {
    for (const workspaceId of [world.workspaceId, '65b8c47f4e2cfc1df3a75111']) {
      const answer = await server.app.inject({
        method: route.method as 'GET',
        url: pathOf(route, { ...world, workspaceId }),
        headers: credentialFor(route, stranger),
        ...(route.schema.body ? { payload: bodyFor(route, world) } : {}),
      });
      expect(answer.statusCode).toBe(403);
      expect(answer.json()).toEqual(errorShape(route, 'forbidden'));
    }
  });

  const ofRecords = inWorkspace.filter(({ url }) => url.replace('/:workspaceId', '').includes(':'));
  it.each(ofRecords)("$name answers 404 for another workspace's record", async (route) => {
    const theirs = idsFor(route, stranger);
    const answer = await call(route, credentialFor(route, world), theirs, bodyFor(route, world));
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual(errorShape(route, 'not_found'));
  });
});

type Headers = Record<string, string>;
type Ids = Record<string, string>;

/** A world with every kind of credential that there is. */
interface Population extends World {
  accessToken: string;
  tokens: Record<Role, string>;
}

async function populate(on: TestServer): Promise<Population> {
  const one = await buildWorld(on);
  const { ctx } = on;
  const native = await buildApiKey(on, one.workspaceId);
  const tokens = await issueTokens(ctx, { ...native, address: '127.0.0.1' });
  const colleague = async (role: Role) => (await buildColleague(on, one, role)).token;
  return {
    ...one,
    accessToken: tokens.accessToken,
    tokens: {
      admin: one.token,
      manager: await colleague('manager'),
      agent: await colleague('agent'),
      viewer: await colleague('viewer'),
    },
  };
}

/** Every credential of the world in every place where some contract looks for one. */
function everyCredential({ apiKey, accessToken, token, foreign }: Population): Headers[] {
  const ofOthers = Object.values(foreign).flatMap(({ headers }) => Object.values(headers));
  const texts = [apiKey, accessToken, token, ...ofOthers].map((text) => text.replace(/^Bearer /, ''));
  return texts.flatMap((text): Headers[] => [
    bearer(text),
    { 'X-API-Key': text },
    { Cookie: `session=${text}` },
  ]);
}

/** Whether the credential is of a kind, and in a place, that the route's contract takes. */
function isTaken(route: RouteUnderTest, headers: Headers): boolean {
  const [place = '', text = ''] = Object.entries(headers)[0] ?? [];
  const is = (form: RegExp) => form.test(text);
  const isToken = is(/eyJ/);
  const foreign = foreignContracts.get(route.contract?.name ?? '');
  if (foreign) return foreign.takes(place, text.replace(/^Bearer /, ''));
  if (!isPortal(route)) {
    return place === 'X-API-Key'
      ? is(/qvoo_live_/)
      : isToken && place === 'Authorization' && claimsOf(text).typ === 'access';
  }
  return place !== 'X-API-Key' && isToken && claimsOf(text).typ === 'session';
}

const claimsOf = (text: string): { typ?: string } =>
  JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString());

/** The headers of a key that may do everything except what the route is for. */
async function keyWithout(on: TestServer, { workspaceId }: World, { access, contract }: RouteUnderTest) {
  const foreign = foreignContracts.get(contract?.name ?? '');
  if (foreign) return foreign.headersWithout(on, workspaceId, access);
  const others = on.ctx.scopes.filter((scope) => scope !== access);
  return { 'X-API-Key': (await buildApiKey(on, workspaceId, { scopes: others })).apiKey };
}

/** Who may do it, read off the path: viewers read, agents change single records, the rest is for those above. */
function roleFor({ method, url }: RouteUnderTest): Role {
  const path = url.replace(/^.*:workspaceId/, '');
  if (/^\/(webhooks|developer|message-providers)/.test(path)) return 'admin';
  // A question may be too long for a URL; who may cancel a job depends on the job.
  if (method === 'GET' || /\/(check-duplicate|search)$|^\/jobs/.test(path)) return 'viewer';
  if (/^\/(settings|fields|members)/.test(path)) return 'admin';
  // Everybody's records hang on the tags, and on the pipelines.
  return /^\/(tags|pipelines)|\/(bulk|merge)$/.test(path) ? 'manager' : 'agent';
}

const uuidTrap = 'uuid() is strict about versions; use guid()';

type Definition = Record<string, unknown> & { type: string };
const definitionOf = (schema: unknown): Definition => (schema as { def: Definition }).def;

/** Names of the known traps of zod 4 that the schema, or one inside it, has. */
function trapsIn(schema: unknown, seen = new Set<unknown>()): string[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const definition = definitionOf(schema);
  const inner = definition.innerType ? definitionOf(definition.innerType) : undefined;
  const found = [];
  if (definition.type === 'optional' && inner?.type === 'default') {
    found.push('a default inside optional() still applies');
  }
  if (definition.type === 'default' && inner?.type === 'pipe') {
    found.push('a default is not passed through the transform; use prefault()');
  }
  if (definition.type === 'record' && definitionOf(definition.keyType).type === 'enum') {
    found.push('a record keyed by an enum demands every key; use partialRecord()');
  }
  if (definition.format === 'uuid') found.push(uuidTrap);
  return [...found, ...partsOf(definition).flatMap((part) => trapsIn(part, seen))];
}

function partsOf(definition: Definition): unknown[] {
  const { shape, getter, ...others } = definition;
  const parts = [...Object.values((shape ?? {}) as object), ...Object.values(others).flat()];
  if (typeof getter === 'function') parts.push(getter());
  return parts.filter((part) => typeof part === 'object' && part !== null && 'def' in part && '_zod' in part);
}

/** Fields that a change would reset when its body leaves them out. */
function defaultsAtRoot(body: z.ZodType | undefined): string[] {
  const shape = (body as z.ZodObject | undefined)?.shape ?? {};
  return Object.entries(shape)
    .filter(([, field]) => (field as z.ZodType).safeParse(undefined).data !== undefined)
    .map(([name]) => name);
}
