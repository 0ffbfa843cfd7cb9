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
