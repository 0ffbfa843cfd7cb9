import { describe, expect, it, vi } from 'vitest';
import { apiOf, buildLead, buildTenant, startServer, useServer, workspacePath } from '../helpers/app.ts';

const server = useServer();
const withIdempotencyKey = 'Idempotency-Key';

describe('Idempotency-Key', () => {
  it('makes one record of 50 parallel requests on two servers', async () => {
    const { workspaceId, apiKey, api } = await buildTenant(server);
    const second = await startServer({}, { name: server.ctx.redisPrefix });
    try {
      const body = buildLead();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          apiOf(index % 2 ? server : second, workspacePath(workspaceId), { 'X-API-Key': apiKey })
            .post('/leads')
            .set(withIdempotencyKey, 'one')
            .send(body),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      const replayed = answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true');
      expect(replayed).toHaveLength(49);
      expect((await api.get('/leads')).body.data).toHaveLength(1);
    } finally {
      await second.close();
    }
  });

  it('answers a retry as it answered first, though the record has changed and Redis lost everything', async () => {
    const { api } = await buildTenant(server);
    const body = buildLead();
    const send = () => api.post('/leads').set(withIdempotencyKey, 'two').send(body);
    const first = await send();
    await api.patch(`/leads/${first.body.data._id}`).send({ status: 'won' }).expect(200);
    await api.post(`/leads/${first.body.data._id}/archive`).expect(200);
    const keys = await server.ctx.redis.keys(`${server.ctx.redisPrefix}*`);
    if (keys.length > 0) await server.ctx.redis.del(...keys);
    const retry = await send();
    expect(retry.status).toBe(201);
    expect(retry.text).toBe(first.text);
    expect(retry.headers['idempotency-replayed']).toBe('true');
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
  });

  it('refuses another body under the same key', async () => {
    const { api } = await buildTenant(server);
    const body = buildLead();
    await api.post('/leads').set(withIdempotencyKey, 'three').send(body).expect(201);
    const answer = await api
      .post('/leads')
      .set(withIdempotencyKey, 'three')
      .send({ ...body, name: 'Another' });
    expect(answer.status).toBe(422);
    expect(answer.body).toEqual({
      success: false,
      error: 'Idempotency-Key was already used with another request body',
      details: { 'Idempotency-Key': ['Already used with another request body'] },
    });
  });

  it('is of its workspace and its route', async () => {
    const [tenant, other] = [await buildTenant(server), await buildTenant(server)];
    const body = buildLead();
    const send = (api: typeof tenant.api, path: string) =>
      api.post(path).set(withIdempotencyKey, 'four').send(body);
    const first = await send(tenant.api, '/leads');
    const elsewhere = await send(other.api, '/leads');
    expect(elsewhere.status).toBe(201);
    expect(elsewhere.headers).not.toHaveProperty('idempotency-replayed');
    expect(elsewhere.body.data._id).not.toBe(first.body.data._id);
    expect((await send(tenant.api, '/contacts')).headers).not.toHaveProperty('idempotency-replayed');
  });

  it('is free again after 24 hours', async () => {
    const { api } = await buildTenant(server);
    const first = await api.post('/leads').set(withIdempotencyKey, 'five').send(buildLead());
    const later = server.ctx.clock.now().getTime() + 24 * 3_600_000 + 1_000;
    vi.spyOn(server.ctx.clock, 'now').mockImplementation(() => new Date(later));
    try {
      const second = await api.post('/leads').set(withIdempotencyKey, 'five').send(buildLead());
      expect(second.status).toBe(201);
      expect(second.body.data._id).not.toBe(first.body.data._id);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it.each([
    ['x'.repeat(128), 201],
    ['x'.repeat(129), 422],
    ['x'.repeat(10_000), 422],
  ])('may have 128 characters', async (key, status) => {
    const { api } = await buildTenant(server);
    const answer = await api.post('/leads').set(withIdempotencyKey, key).send(buildLead());
    expect(answer.status).toBe(status);
    if (status === 422) expect(Object.keys(answer.body.details)).toEqual([withIdempotencyKey]);
  });

  it('is as if absent when empty, and after a request that failed', async () => {
    const { api } = await buildTenant(server);
    const empty = () => api.post('/leads').set(withIdempotencyKey, '').send(buildLead());
    const [first, second] = [await empty(), await empty()];
    expect(first.body.data._id).not.toBe(second.body.data._id);
    await api.post('/leads').set(withIdempotencyKey, 'six').send({ name: 'No number' }).expect(422);
    const retried = await api.post('/leads').set(withIdempotencyKey, 'six').send(buildLead());
    expect(retried.status).toBe(201);
  });
});
