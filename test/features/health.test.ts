import { describe, expect, it, vi } from 'vitest';
import { anonymous, buildAccount } from '../helpers/accounts.ts';
import { buildTenant, startServer, useServer } from '../helpers/app.ts';
import { startWithoutRedis } from '../helpers/without-redis.ts';

const server = useServer();
const get = (path: string, on = server) => anonymous(on).get(path);

describe('GET /api/v1/health', () => {
  it('says that the API answers', async () => {
    const answer = await get('/api/v1/health');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      status: 'healthy',
      version: '1.1.0',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
  });

  it('is never limited', async () => {
    const strict = await startServer({ rateLimit: { perMinute: 1, perHour: 1 } });
    try {
      for (const path of ['/api/v1/health', '/ready', '/metrics']) {
        for (let attempt = 0; attempt < 3; attempt++) {
          const answer = await get(path, strict);
          expect(answer.status).toBe(200);
          expect(answer.headers).not.toHaveProperty('x-ratelimit-limit');
        }
      }
    } finally {
      await strict.close();
    }
  });
});

describe('GET /ready', () => {
  it('names each dependency', async () => {
    const answer = await get('/ready');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      success: true,
      status: 'ready',
      dependencies: { mongodb: { status: 'up' }, redis: { status: 'up' } },
    });
  });

  it('is degraded without Redis, because requests are still served', async () => {
    const degraded = await startWithoutRedis();
    try {
      const answer = await get('/ready', degraded.server);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({
        success: true,
        status: 'degraded',
        dependencies: { mongodb: { status: 'up' }, redis: { status: 'down' } },
      });
    } finally {
      await degraded.close();
    }
  });

  it('is 503 without MongoDB, and tells no internals', async () => {
    const broken = await startServer();
    try {
      await broken.ctx.db.close();
      const answer = await get('/ready', broken);
      expect(answer.status).toBe(503);
      expect(answer.body).toEqual({
        success: false,
        error: 'Not ready',
        dependencies: { mongodb: { status: 'down' }, redis: { status: 'up' } },
      });
      const refused = await anonymous(broken)
        .post('/api/login')
        .send({ email: 'a@example.com', password: 'x' });
      expect(refused.status).toBe(503);
      expect(refused.body).toEqual({ success: false, error: 'The service is temporarily unavailable' });
      expect(refused.headers['retry-after']).toBe('2');
    } finally {
      await broken.close();
    }
  });
});

describe('GET /metrics', () => {
  it('measures requests by route and status, and queue depths', async () => {
    const { api } = await buildTenant(server);
    await api.get('/leads').expect(200);
    await api.get('/leads/65b8c47f4e2cfc1df3a75111').expect(404);
    const answer = await get('/metrics');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    const route = '/api/v1/workspaces/:workspaceId/leads';
    expect(answer.text).toContain(
      `http_request_duration_seconds_count{method="GET",route="${route}",status="200"} 1`,
    );
    expect(answer.text).toContain(`route="${route}/:leadId",status="404"`);
    expect(answer.text).toMatch(/^queue_depth\{queue="webhooks"\} 0$/m);
    expect(answer.text).toContain('process_cpu_user_seconds_total');
  });

  it('names no workspace, credential or person', async () => {
    const account = await buildAccount(server);
    await account.portal.get('/settings').expect(200);
    const { text } = await get('/metrics');
    expect(text).not.toContain(account.workspaceId);
    expect(text).not.toContain(account.email);
  });

  it('answers without queue depths while Redis is away', async () => {
    const degraded = await startWithoutRedis();
    try {
      const startedAt = Date.now();
      const answer = await get('/metrics', degraded.server);
      expect(answer.status).toBe(200);
      expect(answer.text).toContain('http_request_duration_seconds');
      expect(answer.text).not.toMatch(/^queue_depth\{/m);
      expect(Date.now() - startedAt).toBeLessThan(3_000);
      await degraded.startRedis();
      await vi.waitFor(
        async () => expect((await get('/metrics', degraded.server)).text).toMatch(/^queue_depth\{/m),
        { timeout: 10_000, interval: 100 },
      );
    } finally {
      await degraded.close();
    }
  });

  it('is for the bearer of the token, and in production for nobody without one', async () => {
    const metricsToken = 'a-token-for-the-measurements';
    const [guarded, production] = [
      await startServer({ metricsToken }),
      await startServer({ isProduction: true }),
    ];
    try {
      const ask = (token: string) => get('/metrics', guarded).set('Authorization', `Bearer ${token}`);
      expect((await get('/metrics', guarded)).status).toBe(401);
      expect((await ask('a-token-for-something-else')).status).toBe(401);
      const answer = await ask(metricsToken);
      expect(answer.status).toBe(200);
      expect(answer.text).toContain('# TYPE');
      const missing = await get('/metrics', production);
      expect(missing.status).toBe(404);
      expect(missing.body).toEqual({ success: false, error: 'No such route' });
    } finally {
      await Promise.all([guarded.close(), production.close()]);
    }
  });
});
