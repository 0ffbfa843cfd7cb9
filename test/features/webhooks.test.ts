import { describe, expect, it } from 'vitest';
import { subscriptions } from '../../src/features/platform/webhooks/model.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { eventTypes } from '../../src/records/entity/names.ts';
import { apiOf, buildApiKey, buildTenant, useServer, workspacePath } from '../helpers/app.ts';
import { buildHook } from '../helpers/webhooks.ts';

const server = useServer();
/** Keeps receivers out of private networks, as in production. */
const strict = useServer({
  webhooks: { isPrivateNetworkAllowed: false, retryDelaysMs: [1_000], timeoutMs: 1_000 },
});

const url = 'https://hooks.example.com/crm';
const input = (overrides: object = {}) => ({
  name: 'CRM sync',
  url,
  events: ['lead.created', 'task.completed'],
  ...overrides,
});
const unknownId = '0123456789abcdef01234567';
const stored = (id: string) => subscriptions(server.ctx.db).acrossTenants.findOne({ _id: new ObjectId(id) });

describe('POST /webhooks', () => {
  it('subscribes, and shows the secret this once', async () => {
    const { api, workspaceId } = await buildTenant(server);
    const answer = await api.post('/webhooks').send(input());
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      success: true,
      data: {
        _id: expect.stringMatching(/^[0-9a-f]{24}$/),
        workspaceId,
        ...input(),
        isActive: true,
        secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      },
    });
    const { secret, ...rest } = answer.body.data;
    const read = await api.get(`/webhooks/${rest._id}`);
    expect(read.body).toEqual({ success: true, data: rest });
    const kept = JSON.stringify(await stored(rest._id));
    expect(kept).not.toContain(secret.slice('whsec_'.length));
  });

  it('takes every documented event, each once, and ignores unknown fields', async () => {
    const { api } = await buildTenant(server);
    const events = [...eventTypes(), ...eventTypes()];
    const answer = await api.post('/webhooks').send(input({ events, secret: 'mine', isActive: false }));
    expect(answer.body.data).toMatchObject({ events: eventTypes(), isActive: true });
    expect(answer.body.data.secret).not.toBe('mine');
  });

  it.each([
    ['no name', { name: undefined }, 'name'],
    ['an empty name', { name: ' ' }, 'name'],
    ['no url', { url: undefined }, 'url'],
    ['a url that is none', { url: 'hooks.example.com' }, 'url'],
    ['another protocol', { url: 'ftp://hooks.example.com/' }, 'url'],
    ['a script', { url: 'javascript:alert(1)' }, 'url'],
    ['a port that is not for the web', { url: 'http://hooks.example.com:6379/' }, 'url'],
    ['a long url', { url: `${url}/${'x'.repeat(2_048)}` }, 'url'],
    ['no events', { events: undefined }, 'events'],
    ['an empty list', { events: [] }, 'events'],
    ['an unknown event', { events: ['lead.created', 'lead.exploded'] }, 'events.1'],
    ['a wildcard', { events: ['*'] }, 'events.0'],
    ['an operator', { events: { $ne: null } }, 'events'],
  ])('refuses %s', async (_, overrides, field) => {
    const { api } = await buildTenant(server);
    const answer = await api.post('/webhooks').send(input(overrides));
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ success: false, details: { [field]: [expect.any(String)] } });
    expect((await api.get('/webhooks')).body.data).toEqual([]);
  });

  it.each([
    'http://127.0.0.1/hook',
    'http://localhost:8080/hook',
    'http://2130706433/hook',
    'http://10.0.0.7/hook',
    'http://169.254.169.254/latest/meta-data',
    'http://[::1]/hook',
    'http://[::ffff:192.168.0.1]/hook',
    'http://metadata.google.internal/',
  ])('refuses the private address %s', async (target) => {
    const { api } = await buildTenant(strict);
    const answer = await api.post('/webhooks').send(input({ url: target }));
    expect(answer.status).toBe(422);
    expect(answer.body.details).toEqual({
      url: [expect.stringMatching(/not an address of the public internet$/)],
    });
  });

  it('takes a public address, and a name that does not exist yet', async () => {
    const { api } = await buildTenant(strict);
    for (const target of ['https://93.184.216.34/hook', 'https://not-yet.invalid/hook']) {
      expect((await api.post('/webhooks').send(input({ url: target }))).status).toBe(201);
    }
  });

  it('answers a retry with the same key as the first, secret included, whatever happened since', async () => {
    const { api } = await buildTenant(server);
    const create = (body: object) => api.post('/webhooks').set('Idempotency-Key', 'key-1').send(body);
    const first = await create(input());
    const { _id } = first.body.data;
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
    await api.post(`/webhooks/${_id}/rotate-secret`);
    await api.put(`/webhooks/${_id}`).send({ name: 'Renamed' });
    const second = await create(input());
    expect(second.status).toBe(201);
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(second.body).toEqual(first.body);
    expect((await create(input({ name: 'Other' }))).status).toBe(422);
    expect((await api.get('/webhooks')).body.data).toHaveLength(1);
  });

  it('makes one subscription of fifty parallel requests with one key', async () => {
    const { api } = await buildTenant(server);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => api.post('/webhooks').set('Idempotency-Key', 'key-2').send(input())),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.data.secret)).size).toBe(1);
    expect((await api.get('/webhooks')).body.data).toHaveLength(1);
  });

  it('ends at 100 active ones', async () => {
    const tenant = await buildTenant(server);
    const { api, workspaceId } = tenant;
    const hook = await buildHook(tenant, url);
    const [one] = [await stored(hook._id)];
    if (!one) throw new Error('The subscription was not stored');
    const copies = Array.from({ length: 99 }, () => ({ ...one, _id: new ObjectId() }));
    await subscriptions(server.ctx.db).insertMany(new ObjectId(workspaceId), copies);
    const answer = await api.post('/webhooks').send(input());
    expect(answer.status).toBe(409);
    expect(answer.body.error).toMatch(/at most 100 active webhooks/);
    await api.post(`${hook.path}/disable`);
    expect((await api.post('/webhooks').send(input())).status).toBe(201);
    expect((await api.post(`${hook.path}/enable`)).status).toBe(409);
  });
});

describe('GET /webhooks', () => {
  it('lists the subscriptions, newest first, without secrets', async () => {
    const tenant = await buildTenant(server);
    const first = await buildHook(tenant, `${url}/1`, ['lead.created']);
    const second = await buildHook(tenant, `${url}/2`, ['lead.updated']);
    await tenant.api.post(`${first.path}/disable`);
    const answer = await tenant.api.get('/webhooks');
    expect(answer.status).toBe(200);
    const item = { name: 'Test webhook', createdAt: expect.any(String) };
    expect(answer.body).toEqual({
      success: true,
      data: [
        { ...item, _id: second._id, url: `${url}/2`, events: ['lead.updated'], isActive: true },
        { ...item, _id: first._id, url: `${url}/1`, events: ['lead.created'], isActive: false },
      ],
    });
  });
});

describe('GET /webhooks/{id}', () => {
  it('answers 304 to the present ETag', async () => {
    const tenant = await buildTenant(server);
    const { path } = await buildHook(tenant, url);
    const first = await tenant.api.get(path);
    expect(first.headers.etag).toBe(`W/"${first.body.data.updatedAt}-${first.body.data._id}"`);
    const again = await tenant.api.get(path).set('If-None-Match', first.headers.etag ?? '');
    expect(again.status).toBe(304);
  });
});

describe('PUT and PATCH /webhooks/{id}', () => {
  it.each(['put', 'patch'] as const)('%s changes what is given and leaves the rest', async (method) => {
    const tenant = await buildTenant(server);
    const { path } = await buildHook(tenant, url, ['lead.created']);
    const before = (await tenant.api.get(path)).body.data;
    const answer = await tenant.api[method](path).send({ events: ['task.created'] });
    expect(answer.status).toBe(200);
    expect(answer.body.data).toEqual({
      ...before,
      events: ['task.created'],
      updatedAt: expect.not.stringContaining(before.updatedAt),
    });
    const renamed = await tenant.api[method](path).send({ name: 'Renamed', url: `${url}/2` });
    expect(renamed.body.data).toMatchObject({ name: 'Renamed', url: `${url}/2`, events: ['task.created'] });
    expect((await tenant.api.get(path)).body).toEqual(renamed.body);
  });

  it.each([
    ['an unknown event', { events: ['nothing.happened'] }],
    ['no event', { events: [] }],
    ['a bad url', { url: 'mailto:me@example.com' }],
    ['null', { name: null }],
  ])('refuse %s', async (_, change) => {
    const tenant = await buildTenant(server);
    const { path } = await buildHook(tenant, url);
    expect((await tenant.api.put(path).send(change)).status).toBe(422);
    expect((await tenant.api.patch(path).send(change)).status).toBe(422);
  });

  it('refuses a private address', async () => {
    const tenant = await buildTenant(strict);
    const { path } = await buildHook(tenant, url);
    expect((await tenant.api.put(path).send({ url: 'http://192.168.1.1/' })).status).toBe(422);
  });

  it('lets one of two writers with the same ETag win', async () => {
    const tenant = await buildTenant(server);
    const { path } = await buildHook(tenant, url);
    const { etag = '' } = (await tenant.api.get(path)).headers;
    const answers = await Promise.all(
      ['a', 'b'].map((name) => tenant.api.put(path).set('If-Match', etag).send({ name })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
  });
});

describe('POST /webhooks/{id}/enable and /disable', () => {
  it('are idempotent', async () => {
    const tenant = await buildTenant(server);
    const { path } = await buildHook(tenant, url);
    const isActive = async () => (await tenant.api.get(path)).body.data.isActive;
    for (const _ of [1, 2]) {
      const answer = await tenant.api.post(`${path}/disable`);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ success: true, message: 'Webhook disabled successfully' });
      expect(await isActive()).toBe(false);
    }
    for (const _ of [1, 2]) {
      const answer = await tenant.api.post(`${path}/enable`);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ success: true, message: 'Webhook enabled successfully' });
      expect(await isActive()).toBe(true);
    }
  });
});

describe('POST /webhooks/{id}/rotate-secret', () => {
  it('shows a new secret this once', async () => {
    const tenant = await buildTenant(server);
    const hook = await buildHook(tenant, url);
    const answer = await tenant.api.post(`${hook.path}/rotate-secret`);
    expect(answer.status).toBe(200);
    expect(answer.body.data).toMatchObject({ _id: hook._id, secret: expect.stringMatching(/^whsec_/) });
    expect(answer.body.data.secret).not.toBe(hook.secret);
    expect((await tenant.api.get(hook.path)).body.data).not.toHaveProperty('secret');
  });
});

describe('what needs an active subscription', () => {
  it.each(['test', 'replay'])('%s answers 409 for a disabled one', async (action) => {
    const tenant = await buildTenant(server);
    const { path } = await buildHook(tenant, url);
    await tenant.api.post(`${path}/disable`);
    const answer = await tenant.api.post(`${path}/${action}`).send({ since: '2026-01-01T00:00:00Z' });
    expect(answer.status).toBe(409);
    expect(answer.body.error).toBe('The webhook is disabled; enable it first');
  });
});

describe('POST /webhooks/{id}/replay', () => {
  it('refuses a second one while the first is under way', async () => {
    const tenant = await buildTenant(server);
    const { path } = await buildHook(tenant, url);
    const start = () => tenant.api.post(`${path}/replay`).send({ since: '2026-01-01T00:00:00Z' });
    expect((await start()).status).toBe(202);
    const second = await start();
    expect(second.status).toBe(409);
    expect(second.body.error).toBe('A replay of this webhook is under way');
  });

  it.each([
    ['no window', {}],
    ['a time that is none', { since: 'yesterday' }],
    ['an end before the beginning', { since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }],
    ['an unknown event', { since: '2026-01-01T00:00:00Z', events: ['x'] }],
    ['no event', { since: '2026-01-01T00:00:00Z', events: [] }],
  ])('refuses %s', async (_, body) => {
    const tenant = await buildTenant(server);
    const { path } = await buildHook(tenant, url);
    expect((await tenant.api.post(`${path}/replay`).send(body)).status).toBe(422);
  });
});

describe('every operation', () => {
  const replay = { since: '2026-01-01T00:00:00Z' };
  const operations = [
    ['get', '', undefined],
    ['post', '', input()],
    ['get', '/{id}', undefined],
    ['put', '/{id}', { name: 'x' }],
    ['patch', '/{id}', { name: 'x' }],
    ['post', '/{id}/enable', undefined],
    ['post', '/{id}/disable', undefined],
    ['post', '/{id}/test', undefined],
    ['post', '/{id}/rotate-secret', undefined],
    ['get', '/{id}/deliveries', undefined],
    ['post', '/{id}/replay', replay],
    ['post', `/{id}/deliveries/${unknownId}/retry`, undefined],
  ] as const;

  it.each(operations)(
    '%s /webhooks%s needs a credential with the scope, of this workspace',
    async (...operation) => {
      const [method, path, body] = operation;
      const tenant = await buildTenant(server);
      const hook = await buildHook(tenant, url);
      const target = `/webhooks${path.replace('{id}', hook._id)}`;
      const prefix = workspacePath(tenant.workspaceId);
      const statusFor = async (headers: Record<string, string>) => {
        const request = apiOf(server, prefix, headers)[method](target);
        return (await (body ? request.send(body) : request)).status;
      };
      expect(await statusFor({})).toBe(401);
      expect(await statusFor({ 'X-API-Key': 'qvoo_live_unknown' })).toBe(401);
      const { apiKey } = await buildApiKey(server, tenant.workspaceId, {
        scopes: ['lead.read', 'lead.write'],
      });
      expect(await statusFor({ 'X-API-Key': apiKey })).toBe(403);
      const stranger = await buildTenant(server);
      expect(await statusFor({ 'X-API-Key': stranger.apiKey })).toBe(403);
    },
  );

  const withId = operations.filter(([, path]) => path.startsWith('/{id}'));
  it.each(withId)(
    '%s /webhooks%s answers 404 for an id that is not one of this workspace',
    async (...operation) => {
      const [method, path, body] = operation;
      const tenant = await buildTenant(server);
      const theirs = await buildHook(await buildTenant(server), url);
      for (const id of [theirs._id, unknownId, 'x', '{}']) {
        const request = tenant.api[method](`/webhooks${path.replace('{id}', encodeURIComponent(id))}`);
        const answer = await (body ? request.send(body) : request);
        expect(answer.status).toBe(404);
        expect(answer.body).toEqual({ success: false, error: 'Webhook not found' });
      }
    },
  );

  it('is off with the module', async () => {
    const { api } = await buildTenant(server, { settings: { modules: ['leads'] } });
    expect((await api.get('/webhooks')).status).toBe(403);
  });

  it('DELETE is not allowed', async () => {
    const tenant = await buildTenant(server);
    const { path } = await buildHook(tenant, url);
    expect((await tenant.api.delete(path)).status).toBe(405);
  });
});
