import { beforeAll, describe, expect, it } from 'vitest';
import { apiOf, buildApiKey, startServer, useServer } from '../helpers/app.ts';
import { loadContract, type Operation } from '../helpers/contract.ts';
import { type Attempt, buildWorld, missingComponents, scenarios, send, type World } from './native.ts';

const contract = loadContract('openapi/contracts/native.json', missingComponents);
const server = useServer();

let world: World;
/** A second workspace with records of its own. */
let stranger: World;
/** A key of the first workspace that has used up its minute. */
let spentKey: string;

beforeAll(async () => {
  world = await buildWorld(server);
  stranger = await buildWorld(server);
  const { apiKey } = await buildApiKey(server, world.tenant.workspaceId, { rateLimitPerMinute: 1 });
  spentKey = apiKey;
  await apiOf(server, `/api/v1/workspaces/${world.tenant.workspaceId}`, { 'X-API-Key': spentKey }).get('');
});

const isPortal = ({ path }: Operation) => path.startsWith('/api/workspaces/');
const isPublic = ({ path }: Operation) => path.startsWith('/api/v1/oauth') || path === '/api/v1/health';
const documents = (operation: Operation, status: number) => operation.responses.has(status);
const hasRequired = ({ bodySchema }: Operation) =>
  bodySchema !== undefined && Array.isArray(contract.resolve(bodySchema).required);
const idParam = ({ path }: Operation) => /\{(?!workspaceId)(\w+)\}/.exec(path)?.[1];
const isCreateWithConflict = (operation: Operation) => documents(operation, 409);

const credentialFor = (operation: Operation): Record<string, string> => {
  if (isPublic(operation)) return {};
  return isPortal(operation)
    ? { Authorization: `Bearer ${world.session}` }
    : { 'X-API-Key': world.tenant.apiKey };
};

async function attemptOf(operation: Operation): Promise<Attempt> {
  const scenario = scenarios[operation.key];
  if (!scenario) throw new Error(`No scenario for ${operation.key}`);
  return scenario(world);
}

async function expectAnswer(
  operation: Operation,
  status: number,
  attempt: Attempt,
  headers: Record<string, string>,
) {
  const answer = await send(world, operation.method, operation.path, attempt, headers);
  expect({ status: answer.status, body: answer.body as unknown }).toMatchObject({ status });
  expect(contract.faults(operation, answer.status, answer.body)).toEqual([]);
  expect(answer.headers).toHaveProperty('x-trace-id');
  expect(answer.headers).toHaveProperty('x-api-version');
  return answer;
}

const cases = (wanted: (operation: Operation) => boolean) =>
  contract.operations.filter(wanted).map((operation) => [operation.key, operation] as const);

it('has a scenario for each of the 77 operations', () => {
  expect(contract.operations).toHaveLength(77);
  expect(Object.keys(scenarios).sort()).toEqual(contract.operations.map(({ key }) => key).sort());
});

describe('success', () => {
  it.each(cases(() => true))('%s', async (_key, operation) => {
    const [status = 0] = [...operation.responses.keys()].filter((code) => code < 300);
    await expectAnswer(operation, status, await attemptOf(operation), credentialFor(operation));
  });
});

describe('304 for a known ETag', () => {
  it.each(cases((operation) => documents(operation, 304)))('%s', async (_key, operation) => {
    const attempt = await attemptOf(operation);
    const first = await expectAnswer(operation, 200, attempt, credentialFor(operation));
    const known = { ...credentialFor(operation), 'If-None-Match': String(first.headers.etag) };
    await expectAnswer(operation, 304, attempt, known);
  });
});

describe('401 without a credential', () => {
  it.each(cases((operation) => !isPublic(operation)))('%s', async (_key, operation) => {
    await expectAnswer(operation, 401, await attemptOf(operation), {});
  });
});

describe('403 with the credential of another workspace', () => {
  it.each(cases((operation) => !isPublic(operation) && documents(operation, 403)))(
    '%s',
    async (_key, operation) => {
      const headers: Record<string, string> = isPortal(operation)
        ? { Authorization: `Bearer ${stranger.session}` }
        : { 'X-API-Key': stranger.tenant.apiKey };
      await expectAnswer(operation, 403, await attemptOf(operation), headers);
    },
  );
});

describe('404 for an unknown and for a malformed id', () => {
  it.each(cases((operation) => idParam(operation) !== undefined))('%s', async (_key, operation) => {
    const attempt = await attemptOf(operation);
    for (const id of ['65b8c47f4e2cfc1df3a75111', 'not-an-id']) {
      const params = { ...attempt.params, [idParam(operation) ?? '']: id };
      await expectAnswer(operation, 404, { ...attempt, params }, credentialFor(operation));
    }
  });
});

describe("404 for another workspace's record, which stays as it is", () => {
  it.each(cases((operation) => idParam(operation) !== undefined))('%s', async (key, operation) => {
    const theirs = await scenarios[key]?.(stranger);
    const attempt = { ...(await attemptOf(operation)), params: theirs?.params ?? {} };
    const readTheirs = () => stranger.tenant.api.get(`/leads/${stranger.ids.lead}`);
    const before = await readTheirs();
    await expectAnswer(operation, 404, attempt, credentialFor(operation));
    expect((await readTheirs()).body).toEqual(before.body);
  });
});

describe('422 or 400 for an empty object', () => {
  it.each(cases((operation) => hasRequired(operation)))('%s', async (_key, operation) => {
    const attempt = await attemptOf(operation);
    const status = documents(operation, 422) ? 422 : 400;
    await expectAnswer(operation, status, { ...attempt, body: {} }, credentialFor(operation));
  });
});

describe('422 for a limit that is out of range', () => {
  const isLimited = (operation: Operation) =>
    operation.parameters.some(({ name }) => name === 'limit') && documents(operation, 422);
  it.each(cases(isLimited))('%s', async (_key, operation) => {
    for (const limit of ['0', '101', '-1', '1e9', 'ten']) {
      await expectAnswer(
        operation,
        422,
        { ...(await attemptOf(operation)), query: `?limit=${limit}` },
        credentialFor(operation),
      );
    }
  });
});

describe('400 for malformed JSON', () => {
  const takesJson = (operation: Operation) => operation.bodySchema !== undefined && documents(operation, 400);
  it.each(cases(takesJson))('%s', async (_key, operation) => {
    const headers = { ...credentialFor(operation), 'Content-Type': 'application/json' };
    await expectAnswer(operation, 400, { ...(await attemptOf(operation)), body: '{"name":' }, headers);
  });
});

describe('409 for a duplicate', () => {
  it.each(cases(isCreateWithConflict))('%s', async (_key, operation) => {
    const attempt = await attemptOf(operation);
    await expectAnswer(operation, 201, attempt, credentialFor(operation));
    await expectAnswer(operation, 409, attempt, credentialFor(operation));
  });
});

describe('429 when the limit is used up', () => {
  const isKeyLimited = (operation: Operation) =>
    !isPublic(operation) && !isPortal(operation) && documents(operation, 429);
  it.each(cases(isKeyLimited))('%s', async (_key, operation) => {
    const attempt = await attemptOf(operation);
    // When a new minute has begun, this uses it up.
    await send(world, operation.method, operation.path, attempt, { 'X-API-Key': spentKey });
    const answer = await expectAnswer(operation, 429, attempt, { 'X-API-Key': spentKey });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it.each(cases((operation) => isPublic(operation) && documents(operation, 429)))(
    '%s',
    async (_key, operation) => {
      const limited = await startServer({ rateLimit: { perMinute: 1, perHour: 100 } });
      try {
        const attempt: Attempt = {
          body: { client_id: 'a', client_secret: 'b', grant_type: 'c', refresh_token: 'd' },
        };
        const here = { ...world, server: limited };
        await send(here, operation.method, operation.path, attempt, {});
        const answer = await send(here, operation.method, operation.path, attempt, {});
        expect(answer.status).toBe(429);
        expect(contract.faults(operation, answer.status, answer.body)).toEqual([]);
      } finally {
        await limited.close();
      }
    },
  );
});

describe('401 for wrong client credentials', () => {
  it.each(cases((operation) => isPublic(operation) && documents(operation, 401)))(
    '%s',
    async (_key, operation) => {
      const body = {
        client_id: 'a',
        client_secret: 'b',
        grant_type: 'client_credentials',
        refresh_token: 'd',
      };
      await expectAnswer(operation, 401, { body }, {});
    },
  );
});
