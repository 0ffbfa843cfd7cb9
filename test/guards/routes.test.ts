import { beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { z as zod } from 'zod';
import { bearer } from '../helpers/accounts.ts';
import { useServer } from '../helpers/app.ts';
import {
  bodyFor,
  buildWorld,
  credentialFor,
  isOfWorkspace,
  isPortal,
  listRoutes,
  pathOf,
  type RouteUnderTest,
  type World,
} from '../helpers/routes.ts';

const routes = await listRoutes();
const workspaceRoutes = routes.filter(isOfWorkspace);
const server = useServer();
let world: World;
let stranger: World;

beforeAll(async () => {
  [world, stranger] = [await buildWorld(server), await buildWorld(server)];
});

/** What the route answers, through the whole application. */
async function call(route: RouteUnderTest, path: string, headers: Record<string, string>, body?: object) {
  const { statusCode, payload } = await server.app.inject({
    method: route.method as 'GET',
    url: path,
    headers,
    ...(body ? { payload: body } : {}),
  });
  return { status: statusCode, body: JSON.parse(payload) as Record<string, unknown> };
}

describe('every route', () => {
  it('has an operationId of its own', () => {
    // A foreign contract has its own document, and in it its own names.
    const ids = routes.filter(({ access }) => access !== 'adapter').map(({ schema }) => schema.operationId);
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

  it.each(routes)('$name avoids the traps of its schemas', ({ method, schema, access }) => {
    const inputs = [schema.params, schema.querystring, schema.body].filter((part) => part !== undefined);
    const outputs = Object.values(schema.response ?? {});
    const traps = [...inputs, ...outputs].flatMap((part) => trapsIn(part));
    // Foreign contracts have UUIDs, all of the one version that we make.
    expect(traps.filter((trap) => access !== 'adapter' || trap !== uuidTrap)).toEqual([]);
    if (method === 'PUT' || method === 'PATCH') expect(defaultsAtRoot(schema.body)).toEqual([]);
    // Fails on anything that only goes one way, such as a transform.
    for (const output of outputs) zod.toJSONSchema(output, { io: 'output' });
  });
});

describe('every route of a workspace', () => {
  it('is found by this test', () => {
    expect(workspaceRoutes.length).toBeGreaterThan(90);
  });

  it.each(workspaceRoutes)(
    '$name answers 401 without a credential and to one of another kind',
    async (route) => {
      const path = pathOf(route, world);
      const body = bodyFor(route, world);
      const wrongKind: Record<string, string> = isPortal(route)
        ? { 'X-API-Key': world.apiKey }
        : bearer(world.token);
      for (const headers of [{}, wrongKind, { 'X-API-Key': 'unknown' }, bearer('unknown')]) {
        const answer = await call(route, path, headers, body);
        expect(answer).toEqual({
          status: 401,
          body: { success: false, error: 'Invalid or missing credentials' },
        });
      }
    },
  );

  it.each(workspaceRoutes)("$name answers 403 to another workspace's credential", async (route) => {
    const body = bodyFor(route, world);
    const answer = await call(route, pathOf(route, world), credentialFor(route, stranger), body);
    expect(answer.status).toBe(403);
    expect(answer.body).toEqual({ success: false, error: expect.any(String) });
    const unknown = pathOf(route, { ...world, workspaceId: '65b8c47f4e2cfc1df3a75111' });
    expect((await call(route, unknown, credentialFor(route, stranger), body)).status).toBe(403);
  });

  const recordRoutes = workspaceRoutes.filter(({ url }) => /:workspaceId\/.*:/.test(url));
  it.each(recordRoutes)("$name answers 404 for another workspace's record", async (route) => {
    const foreign = pathOf(route, { workspaceId: world.workspaceId, ids: stranger.ids });
    const answer = await call(route, foreign, credentialFor(route, world), bodyFor(route, world));
    expect(answer).toEqual({
      status: 404,
      body: { success: false, error: expect.stringMatching(/not found$/) },
    });
  });

  it.each(workspaceRoutes)('$name lets its own credential in', async (route) => {
    const unknownRecords = pathOf(route, { workspaceId: world.workspaceId, ids: {} });
    const { status } = await call(route, unknownRecords, credentialFor(route, world), {});
    expect([401, 403]).not.toContain(status);
    expect(status).toBeLessThan(500);
  });
});

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
