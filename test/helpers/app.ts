import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import supertest from 'supertest';
import { afterAll, beforeAll, inject } from 'vitest';
import { declaredBy } from '../../src/access/declared.ts';
import { buildApp } from '../../src/app.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import type { Context } from '../../src/context.ts';
import { keyKinds } from '../../src/contracts.ts';
import { createContext } from '../../src/create-context.ts';
import type { Feature } from '../../src/feature.ts';
import { type ApiKeyInput, createApiKey } from '../../src/features/platform/api-keys/service.ts';
import { features } from '../../src/features.ts';
import { createLogger, type Logger } from '../../src/infra/logger.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import type { Scope } from '../../src/tenancy/actor.ts';
import { createMember } from '../../src/tenancy/members/service.ts';
import {
  createWorkspace,
  getWorkspace,
  updateWorkspace,
  type WorkspaceSettings,
} from '../../src/tenancy/workspaces/service.ts';

/** Every scope that the server's features declare. */
export const { scopes } = declaredBy(features);

export interface TestServer {
  app: FastifyInstance;
  ctx: Context;
  close(): Promise<void>;
}

export type ConfigOverrides = { [K in keyof Config]?: Config[K] };

export interface ServerOptions {
  /** Database and Redis prefix: the `redisPrefix` of a server whose data this one shares. */
  name?: string;
  /** Another way to the database of the test run. */
  mongoUrl?: string;
  redisUrl?: string;
  log?: Logger;
  /** As before a cluster whose collections are divided by workspace. */
  isDivided?: boolean;
  /** By default all that the server has. */
  features?: readonly Feature[];
}

/** A server of its own: a fresh database and Redis prefix on the shared engine. */
export async function startServer(
  overrides: ConfigOverrides = {},
  options: ServerOptions = {},
): Promise<TestServer> {
  const name = options.name ?? `test_${randomBytes(6).toString('hex')}`;
  const config: Config = {
    ...loadConfig({
      NODE_ENV: 'test',
      JWT_SECRET: 'test-jwt-secret-of-at-least-32-characters',
      ENCRYPTION_KEY: 'test-encryption-key-of-32-characters!!',
      RATE_LIMIT_PER_MINUTE: '1000000',
      RATE_LIMIT_PER_HOUR: '1000000',
      LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
      WEBHOOK_ALLOW_PRIVATE_NETWORK: 'true',
    }),
    ...overrides,
  };
  const { ctx, close } = await createContext({
    keyKinds,
    features: options.features ?? features,
    config,
    log: options.log ?? createLogger(config.logLevel),
    mongoUrl: options.mongoUrl ?? inject('mongoUrl'),
    redisUrl: options.redisUrl ?? inject('redisUrl'),
    databaseName: name,
    redisPrefix: name,
    ...(options.isDivided ? { isDivided: true } : {}),
  });
  const app = await buildApp(ctx);
  await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    app,
    ctx,
    async close() {
      await app.close();
      await close();
    },
  };
}

/** A server for the tests of one file. */
export function useServer(overrides: ConfigOverrides = {}): TestServer {
  const server = {} as TestServer;
  beforeAll(async () => {
    Object.assign(server, await startServer(overrides));
  });
  afterAll(() => server.close());
  return server;
}

export interface Tenant {
  workspaceId: string;
  apiKey: string;
  clientId: string;
  clientSecret: string;
  keyId: string;
  /** User id of a team member. */
  memberId: string;
  /** Requests with the key; paths are below the workspace: `api.get('/leads')`. */
  api: Api;
}

export type Api = Record<'get' | 'post' | 'put' | 'patch' | 'delete', (path: string) => supertest.Test>;

/** Requests to the server with the given headers, below `prefix`. */
export function apiOf(server: TestServer, prefix: string, headers: Record<string, string>): Api {
  const make = (method: keyof Api) => (path: string) =>
    supertest(server.app.server)[method](`${prefix}${path}`).set(headers);
  return {
    get: make('get'),
    post: make('post'),
    put: make('put'),
    patch: make('patch'),
    delete: make('delete'),
  };
}

export const workspacePath = (workspaceId: string): string => `/api/v1/workspaces/${workspaceId}`;

/** A workspace with a member and an API key that has every scope. */
export async function buildTenant(
  server: TestServer,
  options: { scopes?: Scope[]; key?: Partial<ApiKeyInput>; settings?: Partial<WorkspaceSettings> } = {},
): Promise<Tenant> {
  const { ctx } = server;
  const workspace = await createWorkspace(ctx, 'Test workspace');
  if (options.settings) await updateWorkspace(ctx, workspace._id, options.settings);
  const member = await createMember(ctx, workspace._id, {
    name: 'Meera Member',
    email: `meera.${workspace._id.toHexString()}@example.com`,
    role: 'agent',
  });
  const key = await buildApiKey(server, workspace._id.toHexString(), {
    scopes: options.scopes,
    ...options.key,
  });
  return {
    workspaceId: workspace._id.toHexString(),
    memberId: member.userId.toHexString(),
    ...key,
    api: apiOf(server, workspacePath(workspace._id.toHexString()), { 'X-API-Key': key.apiKey }),
  };
}

/** A further key of a workspace. */
export async function buildApiKey(server: TestServer, workspaceId: string, input: Partial<ApiKeyInput> = {}) {
  const { apiKey, secrets } = await createApiKey(server.ctx, new ObjectId(workspaceId), 'test', {
    name: 'Test key',
    ...input,
    scopes: input.scopes ?? [...server.ctx.scopes],
  });
  return { clientSecret: '', ...secrets, clientId: apiKey.clientId, keyId: apiKey._id.toHexString() };
}

export { getWorkspace };

let phoneNumbers = 0;

/** A mobile number that no other call returns. */
export const buildPhone = (): string => `+9198${String(10_000_000 + phoneNumbers++)}`;

export const buildLead = (overrides: Record<string, unknown> = {}) => ({
  name: 'Rahul Sharma',
  mobileNumber: buildPhone(),
  ...overrides,
});
