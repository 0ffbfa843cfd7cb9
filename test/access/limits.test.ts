import { afterEach, describe, expect, it, vi } from 'vitest';
import { anonymous, buildAccount, buildRegistration } from '../helpers/accounts.ts';
import {
  apiOf,
  buildApiKey,
  buildLead,
  buildTenant,
  startServer,
  useServer,
  workspacePath,
} from '../helpers/app.ts';
import { startWithoutRedis } from '../helpers/without-redis.ts';

const server = useServer();

afterEach(() => vi.restoreAllMocks());

/** The middle of a minute and hour, so that no window ends while the test runs; `at(seconds)` moves it on. */
function stopClock(on = server) {
  const start = Math.floor(Date.now() / 3_600_000) * 3_600_000 + 1_810_000;
  const clock = vi.spyOn(on.ctx.clock, 'now');
  const at = (seconds: number) => clock.mockImplementation(() => new Date(start + seconds * 1_000));
  at(0);
  return { at };
}

const limitsOf = ({ headers }: { headers: Record<string, string> }) => ({
  limit: headers['x-ratelimit-limit'],
  remaining: headers['x-ratelimit-remaining'],
  reset: headers['x-ratelimit-reset'],
});

describe('the limit by the minute', () => {
  it('counts down, refuses, and begins anew', async () => {
    const { at } = stopClock();
    const { api } = await buildTenant(server, { key: { rateLimitPerMinute: 3 } });
    expect(limitsOf(await api.get(''))).toEqual({ limit: '3', remaining: '2', reset: '50' });
    at(20);
    expect(limitsOf(await api.get(''))).toEqual({ limit: '3', remaining: '1', reset: '30' });
    expect(limitsOf(await api.get('/leads/nonsense'))).toMatchObject({ remaining: '0' });
    const refused = await api.get('');
    expect(refused.status).toBe(429);
    expect(refused.body).toEqual({ success: false, error: 'Rate limit exceeded' });
    expect(limitsOf(refused)).toEqual({ limit: '3', remaining: '0', reset: '30' });
    expect(refused.headers['retry-after']).toBe('30');
    at(50);
    const next = await api.get('');
    expect(next.status).toBe(200);
    expect(limitsOf(next)).toEqual({ limit: '3', remaining: '2', reset: '60' });
  });

  it('lets exactly as many parallel requests through, over two servers', async () => {
    stopClock();
    const { workspaceId, apiKey } = await buildTenant(server, { key: { rateLimitPerMinute: 20 } });
    const second = await startServer({}, { name: server.ctx.redisPrefix });
    stopClock(second);
    try {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          apiOf(index % 2 ? server : second, workspacePath(workspaceId), { 'X-API-Key': apiKey }).get(''),
        ),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([...Array(20).fill(200), ...Array(30).fill(429)]);
      const remaining = answers
        .filter(({ status }) => status === 200)
        .map((answer) => limitsOf(answer).remaining);
      expect(remaining.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    } finally {
      await second.close();
    }
  });

  it('is one for a key and its tokens, and another for each key', async () => {
    stopClock();
    const tenant = await buildTenant(server, { key: { rateLimitPerMinute: 2 } });
    const { body } = await anonymous(server).post('/api/v1/oauth/token').send({
      client_id: tenant.clientId,
      client_secret: tenant.clientSecret,
      grant_type: 'client_credentials',
    });
    const path = workspacePath(tenant.workspaceId);
    const byToken = apiOf(server, path, { Authorization: `Bearer ${body.access_token}` });
    expect((await tenant.api.get('')).status).toBe(200);
    expect((await byToken.get('')).status).toBe(200);
    expect((await byToken.get('')).status).toBe(429);
    expect((await tenant.api.get('')).status).toBe(429);
    const other = await buildApiKey(server, tenant.workspaceId, { rateLimitPerMinute: 2 });
    expect((await apiOf(server, path, { 'X-API-Key': other.apiKey }).get('')).status).toBe(200);
  });

  it('refuses before anything is written', async () => {
    stopClock();
    const { workspaceId, apiKey, api } = await buildTenant(server, { key: { rateLimitPerMinute: 1 } });
    await api.get('').expect(200);
    expect((await api.post('/leads').send(buildLead())).status).toBe(429);
    const { apiKey: reader } = await buildApiKey(server, workspaceId);
    expect(reader).not.toBe(apiKey);
    const leads = await apiOf(server, workspacePath(workspaceId), { 'X-API-Key': reader }).get('/leads');
    expect(leads.body.data).toEqual([]);
  });
});

describe('a request that is one too many', () => {
  /** A key whose requests are used up, and another workspace's. */
  async function buildSpent() {
    stopClock();
    const other = await buildTenant(server);
    const { workspaceId } = await buildTenant(server);
    const key = await buildApiKey(server, workspaceId, { scopes: ['lead.read'], rateLimitPerMinute: 1 });
    const headers = { 'X-API-Key': key.apiKey };
    const spend = () => apiOf(server, workspacePath(workspaceId), headers).get('').expect(200);
    return { spend, headers, own: workspacePath(workspaceId), others: workspacePath(other.workspaceId) };
  }

  it.each([
    ['lacks the scope', 'POST', 'own', '/leads', JSON.stringify(buildLead())],
    ['is for another workspace', 'GET', 'others', '/leads', undefined],
    ['is no JSON', 'POST', 'own', '/leads/check-duplicate', '{'],
    ['is too large', 'POST', 'own', '/leads/check-duplicate', JSON.stringify({ phone: 'x'.repeat(2 ** 21) })],
    ['is invalid', 'POST', 'own', '/leads/check-duplicate', '{}'],
    ['has an invalid query', 'GET', 'own', '/leads?limit=none', undefined],
    ['is for a record that there is not', 'GET', 'own', '/leads/nonsense', undefined],
  ] as const)('is refused as that when it %s as well', async (_what, method, workspace, path, body) => {
    const spent = await buildSpent();
    const send = () =>
      server.app.inject({
        method,
        url: `${spent[workspace]}${path}`,
        headers: { ...spent.headers, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body } : {}),
      });
    const first = await send();
    expect(first.statusCode).toBeGreaterThanOrEqual(400);
    expect(first.statusCode).not.toBe(429);
    expect(first.headers['x-ratelimit-remaining']).toBe('0');
    // The first one that is refused has begun to be worked on, the next one has not: nobody can tell.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const refused = await send();
      expect(refused.statusCode).toBe(429);
      expect(refused.json()).toEqual({ success: false, error: 'Rate limit exceeded' });
      expect(refused.headers['retry-after']).toBe('50');
      expect(refused.headers['x-ratelimit-remaining']).toBe('0');
    }
  });

  it('is refused in the words of a foreign contract too', async () => {
    stopClock();
    const { workspaceId } = await buildTenant(server);
    const options = { kind: 'cratio', permissions: ['read', 'write'], rateLimitPerMinute: 1 };
    const { apiKey } = await buildApiKey(server, workspaceId, options);
    const api = apiOf(server, '/api/v1', { Authorization: `Bearer ${apiKey}` });
    expect((await api.post('/leads').send({})).status).toBe(400);
    const refused = await api.post('/leads').send({});
    expect(refused.status).toBe(429);
    expect(refused.body.error.code).toBe('rate_limited');
  });

  it('writes nothing before it is counted', async () => {
    const { workspaceId, api } = await buildTenant(server);
    const held = holdCount();
    const slow = api.post('/leads').send(buildLead()).then();
    await held.reached;
    const quick = await buildApiKey(server, workspaceId);
    const second = apiOf(server, workspacePath(workspaceId), { 'X-API-Key': quick.apiKey });
    const created = await second.post('/leads').send(buildLead()).expect(201);
    const listed = await second.get('/leads').expect(200);
    expect(listed.body.data).toEqual([created.body.data]);
    held.release();
    expect((await slow).status).toBe(201);
  });

  it('shows nothing of what it read meanwhile', async () => {
    stopClock();
    const { workspaceId, api } = await buildTenant(server);
    const { body } = await api.post('/leads').send(buildLead()).expect(201);
    const limited = await buildApiKey(server, workspaceId, { rateLimitPerMinute: 1 });
    const reader = apiOf(server, workspacePath(workspaceId), { 'X-API-Key': limited.apiKey });
    const path = `/leads/${body.data._id}`;
    await reader.get(path).expect(200);
    const read = vi.spyOn(server.ctx.db.tenant('leads'), 'findById');
    const held = holdCount();
    const refused = reader.get(path).then();
    await held.reached;
    await vi.waitFor(() => expect(read).toHaveBeenCalled());
    await read.mock.results[0]?.value;
    held.release();
    const answer = await refused;
    expect(answer.status).toBe(429);
    expect(answer.headers).not.toHaveProperty('etag');
    expect(answer.body).toEqual({ success: false, error: 'Rate limit exceeded' });
    // From now on it is counted first.
    read.mockClear();
    expect((await reader.get(path)).status).toBe(429);
    expect(read).not.toHaveBeenCalled();
  });

  /** Holds the next count back until it is released. */
  function holdCount() {
    const { counters } = server.ctx;
    const [reached, released] = [signal(), signal()];
    const hit = counters.hit.bind(counters);
    vi.spyOn(counters, 'hit').mockImplementationOnce(async (windows) => {
      reached.give();
      await released.given;
      return hit(windows);
    });
    return { reached: reached.given, release: released.give };
  }

  function signal() {
    let give = () => {};
    const given = new Promise<void>((resolve) => {
      give = resolve;
    });
    return { given, give };
  }
});

describe('the limit by the hour', () => {
  it('is told when it is the tighter one', async () => {
    const { at } = stopClock();
    const { api } = await buildTenant(server, { key: { rateLimitPerMinute: 10, rateLimitPerHour: 2 } });
    expect(limitsOf(await api.get(''))).toEqual({ limit: '2', remaining: '1', reset: '1790' });
    at(60);
    await api.get('').expect(200);
    at(120);
    const refused = await api.get('');
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBe('1670');
    at(1_790);
    expect((await api.get('')).status).toBe(200);
  });
});

describe('the configured limits', () => {
  it('hold for keys without their own, and by address for people and public routes', async () => {
    const strict = await startServer({ rateLimit: { perMinute: 4, perHour: 100 } });
    stopClock(strict);
    try {
      const { api } = await buildTenant(strict);
      expect(limitsOf(await api.get(''))).toMatchObject({ limit: '4', remaining: '3' });
      const account = await buildAccount(strict);
      expect(limitsOf(await account.portal.get('/settings'))).toMatchObject({ limit: '4', remaining: '2' });
      await anonymous(strict).post('/api/v1/oauth/refresh').send({ refresh_token: 'x' }).expect(401);
      await anonymous(strict).post('/api/login').send({}).expect(422);
      const refused = await anonymous(strict).post('/api/register').send(buildRegistration());
      expect(refused.status).toBe(429);
      expect(refused.headers['retry-after']).toMatch(/^\d+$/);
      expect((await account.portal.get('/settings')).status).toBe(429);
      expect((await api.get('')).status).toBe(200);
    } finally {
      await strict.close();
    }
  });
});

describe('without Redis', () => {
  it('requests are served and counted by the process, and the log says so once', async () => {
    const alone = await startWithoutRedis();
    try {
      stopClock(alone.server);
      const { api } = await buildTenant(alone.server, { key: { rateLimitPerMinute: 3 } });
      const answers = [];
      for (let attempt = 0; attempt < 5; attempt++) answers.push(await api.post('/leads').send(buildLead()));
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 429, 429]);
      expect(answers.map((answer) => limitsOf(answer).remaining)).toEqual(['2', '1', '0', '0', '0']);
      const said = (text: string) => alone.logged.filter(({ msg }) => String(msg).includes(text));
      expect(said('counted per process')).toHaveLength(1);
      expect(said('redis is unreachable')).toHaveLength(1);
      expect(alone.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);

      await alone.startRedis();
      const { api: another } = await buildTenant(alone.server);
      await vi.waitFor(
        async () => {
          await another.get('');
          expect(said('shared between processes again')).toHaveLength(1);
        },
        { timeout: 10_000, interval: 50 },
      );
      expect(said('redis is back')).toHaveLength(1);
    } finally {
      await alone.close();
    }
  });

  it('a server that loses it goes on, and credentials still die at once', async () => {
    const losing = await startWithoutRedis();
    try {
      await losing.startRedis();
      const account = await buildAccount(losing.server);
      const { body } = await account.portal.post('/developer/api-keys').send({ name: 'Key' });
      const api = apiOf(losing.server, workspacePath(account.workspaceId), { 'X-API-Key': body.data.apiKey });
      await vi.waitFor(() => expect(losing.server.ctx.redis.status).toBe('ready'), { timeout: 10_000 });
      expect((await api.get('')).status).toBe(200);
      await losing.stopRedis();
      const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await api.get('')).status));
      expect(new Set(statuses)).toEqual(new Set([200]));
      await account.portal.delete(`/developer/api-keys/${body.data._id}`).expect(200);
      expect((await api.get('')).status).toBe(401);
    } finally {
      await losing.close();
    }
  });
});
