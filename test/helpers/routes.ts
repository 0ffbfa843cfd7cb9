import type { RouteOptions } from 'fastify';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Contract } from '../../src/access/contract.ts';
import type { Access } from '../../src/access/plugin.ts';
import { buildApp } from '../../src/app.ts';
import { people, portal } from '../../src/contracts.ts';
import { createSamples } from '../../src/demo.ts';
import { contextOfRoutes } from '../../src/generate-documents.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import type { Actor } from '../../src/tenancy/actor.ts';
import { createMember } from '../../src/tenancy/members/service.ts';
import { type Account, bearer, buildAccount, buildEmail, buildPortalKey } from './accounts.ts';
import { apiOf, buildPhone, getWorkspace, type TestServer, workspacePath } from './app.ts';
import { createRecord } from './factories.ts';
import { type ForeignWorld, foreignContracts } from './foreign.ts';

type Json = Record<string, unknown>;

export interface RouteUnderTest {
  /** "GET /api/v1/workspaces/:workspaceId/leads". */
  name: string;
  method: string;
  url: string;
  access: Access;
  /** Of pages beside the API there is none. */
  contract: Contract | undefined;
  config: NonNullable<RouteOptions['config']>;
  bodyLimit: number;
  schema: {
    operationId?: string;
    summary?: string;
    tags?: string[];
    params?: z.ZodType;
    querystring?: z.ZodType;
    body?: z.ZodType;
    response?: Record<string, z.ZodType>;
  };
}

/** Every documented route; HEAD, which follows from GET, and the pages of the document itself are left out. */
export async function listRoutes(): Promise<RouteUnderTest[]> {
  const app = await buildApp(contextOfRoutes());
  await app.ready();
  const routes = app.routeTable.flatMap(({ method, url, bodyLimit, config = {}, schema = {} }) => {
    if ((schema as { hide?: boolean }).hide) return [];
    return [method].flat().map((one) => ({
      name: `${one} ${url}`,
      method: one,
      url,
      access: config.access as Access,
      contract: config.contract,
      config,
      bodyLimit: bodyLimit ?? app.initialConfig.bodyLimit ?? 0,
      schema: schema as RouteUnderTest['schema'],
    }));
  });
  await app.close();
  return routes.filter(({ method }) => method !== 'HEAD');
}

/** Whether the route is for signed-in people, in either of the ways. */
export const isPortal = ({ access, contract }: RouteUnderTest): boolean =>
  access !== 'public' && (contract === portal || contract === people);
export const isOfWorkspace = ({ url, access }: RouteUnderTest): boolean =>
  url.includes('/:workspaceId') && access !== 'public';
/** Whether the native document has the route. The same operations for people are not in it a second time. */
export const isDocumented = ({ contract }: RouteUnderTest): boolean => contract?.security !== undefined;

/** Whether the route is one of a contract that came from elsewhere. */
export const isForeign = ({ contract }: RouteUnderTest): boolean =>
  foreignContracts.has(contract?.name ?? '');
/**
 * Whether the route has schemas that no other has. The same declarations are mounted for keys and for people, so for
 * guards that send thousands of bodies one entity's routes stand for the whole second mount.
 */
export const isDistinct = ({ contract, schema }: RouteUnderTest): boolean =>
  contract !== people || schema.tags?.includes('Tasks') === true;

type Ids = Record<string, string>;

/** A workspace with its admin, a key with every scope, and one record of every kind. */
export interface World extends Account {
  apiKey: string;
  /** Collection's name in the URL → id of a record in it. */
  ids: Ids;
  /** Name of a foreign contract → what opens its routes, and ids as it has them. */
  foreign: Record<string, ForeignWorld>;
}

export async function buildWorld(server: TestServer): Promise<World> {
  const account = await buildAccount(server);
  const { apiKey, id: keyId } = await buildPortalKey(account);
  const api = apiOf(server, workspacePath(account.workspaceId), { 'X-API-Key': apiKey });
  const workspace = await getWorkspace(server.ctx, new ObjectId(account.workspaceId));
  const actor: Actor = {
    kind: 'apiKey',
    id: keyId,
    workspaceId: workspace._id,
    scopes: new Set(server.ctx.scopes),
    limits: server.ctx.config.rateLimit,
  };
  const samples = await createSamples(server.ctx, { actor, workspace }, account.userId);
  const webhook = { name: 'Hook', url: 'http://127.0.0.1:5999/hook', events: ['lead.created'] };
  const ids: Record<string, string> = {
    ...Object.fromEntries(Object.entries(samples).map(([name, [id]]) => [name, String(id)])),
    webhooks: (await createRecord({ api }, '/webhooks', webhook))._id,
    users: account.userId,
    members: (
      await createMember(server.ctx, workspace._id, {
        name: 'Ina Invited',
        email: buildEmail(),
        role: 'agent',
      })
    ).userId.toHexString(),
    'api-keys': keyId,
  };
  const foreign: World['foreign'] = {};
  for (const [name, contract] of foreignContracts) {
    foreign[name] = await contract.buildWorld(server, account);
  }
  return { ...account, apiKey, ids, foreign };
}

/** The headers of the credential that the route takes. */
export function credentialFor(
  route: RouteUnderTest,
  { apiKey, token, foreign }: World,
): Record<string, string> {
  if (route.access === 'public') return {};
  const own = foreign[route.contract?.name ?? ''];
  if (own?.personHeaders && !route.access.includes(':')) return own.personHeaders;
  return own?.headers ?? (isPortal(route) ? bearer(token) : { 'X-API-Key': apiKey });
}

/** Ids of the world's records as the route's contract has them. */
export const idsFor = ({ contract }: RouteUnderTest, { ids, foreign }: World): Ids =>
  foreign[contract?.name ?? '']?.ids ?? ids;

/** How the route's contract tells what went wrong; with any code when none is given. */
export function errorShape({ contract }: RouteUnderTest, code?: string): unknown {
  const foreign = foreignContracts.get(contract?.name ?? '');
  if (foreign) return foreign.errorShape(code);
  const message = code === 'not_found' ? /not found$/ : /^[A-Z].{3,}/;
  return { success: false, error: expect.stringMatching(message) };
}

/** The route's path in the world: with ids of its records, or with those that are given. */
export function pathOf(route: RouteUnderTest, world: World, ids = idsFor(route, world)): string {
  const segments = route.url.split('/');
  return segments
    .map((segment, index) => {
      if (!segment.startsWith(':')) return segment;
      if (segment === ':workspaceId') return world.workspaceId;
      return ids[segments[index - 1] ?? ''] ?? '65b8c47f4e2cfc1df3a75111';
    })
    .join('/');
}

/** A body that the route's schema takes, made from the schema; undefined for a route without one. */
export function bodyFor(route: RouteUnderTest, world: World): Json | undefined {
  const { schema } = route;
  if (!schema.body) return undefined;
  const json = z.toJSONSchema(schema.body, { io: 'input', unrepresentable: 'any' }) as Json;
  const defs = (json.$defs ?? {}) as Record<string, Json>;
  const body = exampleOf('body', json, defs) as Json;
  const foreign = foreignContracts.get(route.contract?.name ?? '');
  if (foreign) return foreign.completeBody(body, idsFor(route, world));
  if ('leadId' in body) body.leadId = world.ids.leads;
  if ('assignedTo' in body) body.assignedTo = world.userId;
  return body;
}

/** Values for fields that a handler looks at more closely than their schema can say. */
const knownValues: Record<string, () => unknown> = {
  mobileNumber: buildPhone,
  phone: buildPhone,
  to: buildPhone,
  url: () => 'http://127.0.0.1:5999/hook',
  events: () => ['lead.created'],
  email: () => 'someone@example.com',
  client_id: () => 'unknown',
};

function exampleOf(name: string, node: Json, defs: Record<string, Json>): unknown {
  if (Object.hasOwn(knownValues, name)) return knownValues[name]?.();
  if (typeof node.$ref === 'string')
    return exampleOf(name, defs[node.$ref.split('/').at(-1) ?? ''] ?? {}, defs);
  const [first] = (node.anyOf ?? node.oneOf ?? node.allOf ?? []) as Json[];
  if (node.type === 'object' || node.properties) {
    const properties = (node.properties ?? {}) as Record<string, Json>;
    const required = [node.required ?? [], first?.required ?? []].flat() as string[];
    return Object.fromEntries(required.map((key) => [key, exampleOf(key, properties[key] ?? {}, defs)]));
  }
  if (first) return exampleOf(name, first, defs);
  if (Array.isArray(node.enum)) return node.enum[0];
  if (node.const !== undefined) return node.const;
  if (node.type === 'array') {
    const length = Number(node.minItems ?? 0);
    return Array.from({ length }, () => exampleOf('', (node.items ?? {}) as Json, defs));
  }
  if (node.type === 'integer' || node.type === 'number') return Number(node.minimum ?? 1);
  // Nothing that a setting would switch on for the tests that follow.
  if (node.type === 'boolean') return false;
  if (node.format === 'date-time') return '2026-01-01T00:00:00.000Z';
  return 'a'.repeat(Math.max(8, Number(node.minLength ?? 0)));
}
