import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ApiKey } from '../../src/features/platform/api-keys/model.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import {
  anonymous,
  buildAccount,
  buildColleague,
  buildPortalKey,
  withKey,
  withToken,
} from '../helpers/accounts.ts';
import { buildLead, startServer, useServer } from '../helpers/app.ts';

const server = useServer();
const keysPath = '/developer/api-keys';

afterEach(() => vi.restoreAllMocks());

const useKey = (workspaceId: string, apiKey: string) => withKey(server, workspaceId, apiKey).get('');
const tokensOf = async (key: { clientId: string; clientSecret: string }) => {
  const { clientId: client_id, clientSecret: client_secret } = key;
  const answer = await anonymous(server)
    .post('/api/v1/oauth/token')
    .send({ client_id, client_secret, grant_type: 'client_credentials' });
  return { status: answer.status, access: answer.body.access_token, refresh: answer.body.refresh_token };
};

describe('POST /developer/api-keys', () => {
  it('creates a key with the default scopes', async () => {
    const account = await buildAccount(server);
    const answer = await account.portal.post(keysPath).send({ name: 'Website' });
    expect(answer.body).toEqual({
      success: true,
      message: 'API key created successfully',
      data: {
        _id: expect.stringMatching(/^[0-9a-f]{24}$/),
        name: 'Website',
        kind: 'qvoo',
        clientId: expect.stringMatching(/^qvoo_client_[\w-]{16}$/),
        clientSecret: expect.stringMatching(/^qvoo_secret_[\w-]{43}$/),
        apiKey: expect.stringMatching(/^qvoo_live_[\w-]{43}$/),
        scopes: ['lead.read', 'lead.write', 'metadata.read'],
      },
    });
    expect(answer.status).toBe(201);
    const { apiKey } = answer.body.data;
    const api = withKey(server, account.workspaceId, apiKey);
    expect((await api.post('/leads').send(buildLead())).status).toBe(201);
    expect((await api.get('/team')).status).toBe(403);
  });

  it('takes scopes, limits, an expiry and addresses', async () => {
    const account = await buildAccount(server);
    const settings = {
      rateLimitPerMinute: 3,
      rateLimitPerHour: 50,
      expiresAt: '2099-01-01T00:00:00.000Z',
      allowedIps: ['127.0.0.0/8', '2001:db8::/32', '203.0.113.9'],
    };
    const answer = await account.portal
      .post(keysPath)
      .send({ name: 'Tight', scopes: ['metadata.read', 'metadata.read'], ...settings });
    expect(answer.status).toBe(201);
    expect(answer.body.data).toMatchObject({ scopes: ['metadata.read'], ...settings });
    const listed = await account.portal.get(keysPath);
    expect(listed.body.data[0]).toMatchObject(settings);
    const used = await useKey(account.workspaceId, answer.body.data.apiKey);
    expect(used.headers).toMatchObject({ 'x-ratelimit-limit': '3', 'x-ratelimit-remaining': '2' });
  });

  it('stores no secret', async () => {
    const account = await buildAccount(server);
    const key = await buildPortalKey(account);
    const stored = await server.ctx.db
      .tenant('api_keys')
      .findById(new ObjectId(account.workspaceId), new ObjectId(key.id));
    expect(stored).not.toBeNull();
    expect(JSON.stringify(stored)).not.toContain(key.apiKey.slice(10));
    expect(JSON.stringify(stored)).not.toContain(key.clientSecret.slice(12));
  });

  it.each([
    ['no name', { name: undefined }, 'name'],
    ['the removed admin scope', { scopes: ['admin'] }, 'scopes.0'],
    ['an unknown scope', { scopes: ['lead.read', 'lead.delete'] }, 'scopes.1'],
    ['scopes as text', { scopes: 'lead.read' }, 'scopes'],
    ['no scopes at all', { scopes: [] }, 'scopes'],
    ['a limit of none', { rateLimitPerMinute: 0 }, 'rateLimitPerMinute'],
    ['a broken limit', { rateLimitPerHour: 1.5 }, 'rateLimitPerHour'],
    ['a limit as text', { rateLimitPerHour: '5' }, 'rateLimitPerHour'],
    ['a wrong time', { expiresAt: 'tomorrow' }, 'expiresAt'],
    ['a past time', { expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    ['a host name', { allowedIps: ['example.com'] }, 'allowedIps.0'],
    ['half an address', { allowedIps: ['127.0.0.1', '10'] }, 'allowedIps.1'],
    ['an impossible range', { allowedIps: ['10.0.0.0/33'] }, 'allowedIps.0'],
    ['a range with two ends', { allowedIps: ['10.0.0.0/8/8'] }, 'allowedIps.0'],
  ])('refuses %s', async (_, overrides, field) => {
    const account = await buildAccount(server);
    const answer = await account.portal.post(keysPath).send({ name: 'Key', ...overrides });
    expect(answer.status).toBe(422);
    expect(answer.body.error).toBe('Validation failed');
    expect(Object.keys(answer.body.details)).toEqual([field]);
  });
});

describe('GET /developer/api-keys', () => {
  it('lists keys newest first, without secrets', async () => {
    const account = await buildAccount(server);
    const first = await buildPortalKey(account, { name: 'First' });
    const second = await buildPortalKey(account, { name: 'Second', scopes: ['lead.read'] });
    const answer = await account.portal.get(keysPath);
    expect(answer.status).toBe(200);
    const common = { kind: 'qvoo', status: 'active', createdAt: expect.stringMatching(/^\d{4}-.*Z$/) };
    expect(answer.body).toEqual({
      success: true,
      data: [
        { _id: second.id, name: 'Second', clientId: second.clientId, scopes: ['lead.read'], ...common },
        { _id: first.id, name: 'First', clientId: first.clientId, scopes: [...server.ctx.scopes], ...common },
      ],
    });
  });

  it('shows what has expired', async () => {
    const account = await buildAccount(server);
    const expiresAt = new Date(server.ctx.clock.now().getTime() + 60_000);
    const key = await buildPortalKey(account, { expiresAt: expiresAt.toISOString() });
    vi.spyOn(server.ctx.clock, 'now').mockImplementation(() => expiresAt);
    const answer = await account.portal.get(keysPath);
    expect(answer.body.data).toMatchObject([{ _id: key.id, status: 'expired' }]);
  });

  it("shows one workspace's keys only", async () => {
    const [account, other] = [await buildAccount(server), await buildAccount(server)];
    await buildPortalKey(other);
    expect((await account.portal.get(keysPath)).body.data).toEqual([]);
  });
});

describe('the limits of a key', () => {
  const maximum = { perMinute: 1_000_000, perHour: 1_000_000 };

  it('go no further than the server allows', async () => {
    const account = await buildAccount(server);
    for (const [field, most] of [
      ['rateLimitPerMinute', maximum.perMinute],
      ['rateLimitPerHour', maximum.perHour],
    ] as const) {
      const create = (value: number) =>
        account.portal.post(keysPath).send({ name: 'Greedy', [field]: value });
      expect((await create(most)).status).toBe(201);
      const refused = await create(most + 1);
      expect(refused.status).toBe(422);
      expect(refused.body.details).toEqual({ [field]: [`Must be at most ${most}`] });
    }
    const modest = await startServer({ rateLimit: { perMinute: 5, perHour: 50 } });
    try {
      const { portal } = await buildAccount(modest);
      const create = (rateLimitPerMinute: number) =>
        portal.post(keysPath).send({ name: 'Key', rateLimitPerMinute });
      expect((await create(6_001)).status).toBe(422);
      expect((await create(6_000)).status).toBe(201);
    } finally {
      await modest.close();
    }
  });

  it('are cut to that where they were stored before', async () => {
    const account = await buildAccount(server);
    const key = await buildPortalKey(account, { rateLimitPerMinute: 3 });
    const workspaceId = new ObjectId(account.workspaceId);
    const stored = { $set: { limits: { perMinute: 1_000_000_000, perHour: 1_000_000_000 } } };
    await server.ctx.db.tenant('api_keys').updateOne(workspaceId, { _id: new ObjectId(key.id) }, stored);
    const { headers } = await useKey(account.workspaceId, key.apiKey);
    expect(headers['x-ratelimit-limit']).toBe(String(maximum.perMinute));
  });
});

describe('many keys', () => {
  it('are all shown, page by page, and no more than a thousand are made', async () => {
    const account = await buildAccount(server);
    const newest = await buildPortalKey(account);
    const workspaceId = new ObjectId(account.workspaceId);
    const keys = server.ctx.db.tenant<ApiKey>('api_keys');
    const template = (await keys.findById(workspaceId, new ObjectId(newest.id))) as ApiKey;
    const older = Array.from({ length: 998 }, (_, index) => ({
      ...template,
      _id: ObjectId.createFromTime(1_700_000_000 + index),
      keyHash: `${template.keyHash}${index}`,
      clientId: `${template.clientId}${index}`,
    }));
    await keys.insertMany(workspaceId, older);
    const last = await account.portal.post(keysPath).send({ name: 'The last one' });
    expect(last.status).toBe(201);
    const refused = await account.portal.post(keysPath).send({ name: 'One too many' });
    expect(refused.status).toBe(409);
    expect(refused.body.error).toBe('The workspace has 1000 API keys; delete one first');

    const whole = await account.portal.get(keysPath);
    expect(whole.body.data).toHaveLength(1_000);
    expect(whole.body).not.toHaveProperty('nextCursor');
    const seen: string[] = [];
    let query = '?limit=300';
    for (let page = 0; page < 4; page++) {
      const { body } = await account.portal.get(`${keysPath}${query}`);
      seen.push(...body.data.map(({ _id }: { _id: string }) => _id));
      query = `?limit=300&cursor=${body.nextCursor}`;
    }
    expect(seen).toEqual(whole.body.data.map(({ _id }: { _id: string }) => _id));
    expect((await account.portal.get(`${keysPath}?cursor=nonsense`)).status).toBe(422);
    expect((await account.portal.get(`${keysPath}?limit=0`)).status).toBe(422);
  });
});

describe("another contract's key", () => {
  it('has no client secret, and gets no tokens though it was given one once', async () => {
    const account = await buildAccount(server);
    const made = await account.portal.post(keysPath).send({ name: 'Cratio', kind: 'cratio' });
    expect(made.status).toBe(201);
    expect(made.body.data).toMatchObject({ permissions: ['read', 'write', 'delete'], scopes: [] });
    expect(made.body.data).not.toHaveProperty('clientSecret');
    const { _id: id, clientId } = made.body.data;
    const native = await buildPortalKey(account);
    const tokens = await tokensOf(native);

    // As it was stored, and what it was given, when every key could have tokens.
    const workspaceId = new ObjectId(account.workspaceId);
    const keys = server.ctx.db.tenant<ApiKey>('api_keys');
    await keys.updateOne(workspaceId, { _id: new ObjectId(native.id) }, { $set: { kind: 'cratio' } });
    await server.ctx.cache.invalidate(`api-key-id:${native.id}`);
    expect((await tokensOf(native)).status).toBe(401);
    expect((await withToken(server, account.workspaceId, tokens.access).get('')).status).toBe(401);
    const refreshed = await anonymous(server)
      .post('/api/v1/oauth/refresh')
      .send({ refresh_token: tokens.refresh });
    expect(refreshed.status).toBe(401);

    const rotated = await account.portal.post(`${keysPath}/${id}/rotate`);
    expect(rotated.status).toBe(200);
    expect(rotated.body.data).not.toHaveProperty('clientSecret');
    expect((await tokensOf({ clientId, clientSecret: '' })).status).toBe(422);
    expect((await tokensOf({ clientId, clientSecret: 'anything' })).status).toBe(401);
  });
});

describe('POST /developer/api-keys/:id/rotate', () => {
  it('replaces key and secret, and keeps the rest', async () => {
    const account = await buildAccount(server);
    const key = await buildPortalKey(account);
    const answer = await account.portal.post(`${keysPath}/${key.id}/rotate`);
    expect(answer.body).toEqual({
      success: true,
      message: 'API key credentials rotated successfully',
      data: {
        _id: key.id,
        clientId: key.clientId,
        clientSecret: expect.stringMatching(/^qvoo_secret_/),
        apiKey: expect.stringMatching(/^qvoo_live_/),
      },
    });
    expect(answer.status).toBe(200);
    const { apiKey, clientSecret } = answer.body.data;
    expect(apiKey).not.toBe(key.apiKey);
    expect((await useKey(account.workspaceId, apiKey)).status).toBe(200);
    expect((await tokensOf({ clientId: key.clientId, clientSecret })).status).toBe(200);
  });

  it('lets one pair of parallel rotations live', async () => {
    const account = await buildAccount(server);
    const key = await buildPortalKey(account);
    const rotations = await Promise.all(
      Array.from({ length: 5 }, () => account.portal.post(`${keysPath}/${key.id}/rotate`)),
    );
    const issued = [key.apiKey, ...rotations.map(({ body }) => body.data.apiKey as string)];
    const uses = await Promise.all(issued.map((apiKey) => useKey(account.workspaceId, apiKey)));
    expect(uses.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401]);
  });

  it.each(['65b8c47f4e2cfc1df3a75111', 'nonsense', '%00'])('answers 404 for the id %s', async (id) => {
    const account = await buildAccount(server);
    const answer = await account.portal.post(`${keysPath}/${id}/rotate`);
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual({ success: false, error: 'API key not found' });
  });

  it("does not know another workspace's key", async () => {
    const [account, other] = [await buildAccount(server), await buildAccount(server)];
    const key = await buildPortalKey(other);
    expect((await account.portal.post(`${keysPath}/${key.id}/rotate`)).status).toBe(404);
    expect((await account.portal.delete(`${keysPath}/${key.id}`)).status).toBe(404);
    expect((await useKey(other.workspaceId, key.apiKey)).status).toBe(200);
  });
});

describe('DELETE /developer/api-keys/:id', () => {
  it('deletes the key', async () => {
    const account = await buildAccount(server);
    const key = await buildPortalKey(account);
    const answer = await account.portal.delete(`${keysPath}/${key.id}`);
    expect(answer.body).toEqual({ success: true, message: 'API key deleted successfully' });
    expect(answer.status).toBe(200);
    expect((await account.portal.get(keysPath)).body.data).toEqual([]);
    expect((await account.portal.delete(`${keysPath}/${key.id}`)).status).toBe(404);
  });
});

describe('the end of a key', () => {
  /** What every credential of a key is worth on a server. */
  async function worths(on: typeof server, workspaceId: string, apiKey: string, accessToken: string) {
    const byKey = await withKey(on, workspaceId, apiKey).get('');
    const byToken = await withToken(on, workspaceId, accessToken).get('');
    return [byKey.status, byToken.status];
  }

  it.each(['rotate', 'delete', 'revoke'])(
    'comes with %s for key, secret and every token at once, on every server',
    async (act) => {
      const account = await buildAccount(server);
      const key = await buildPortalKey(account);
      const tokens = await tokensOf(key);
      const second = await startServer({}, { name: server.ctx.redisPrefix });
      try {
        // Both servers have the credentials in memory now.
        const before = await Promise.all(
          [server, second].map((on) => worths(on, account.workspaceId, key.apiKey, tokens.access)),
        );
        expect(before.flat()).toEqual([200, 200, 200, 200]);

        const { clientId: client_id, clientSecret: client_secret } = key;
        if (act === 'rotate') await account.portal.post(`${keysPath}/${key.id}/rotate`).expect(200);
        else if (act === 'delete') await account.portal.delete(`${keysPath}/${key.id}`).expect(200);
        else
          await anonymous(server).post('/api/v1/oauth/revoke').send({ client_id, client_secret }).expect(200);

        expect(await worths(server, account.workspaceId, key.apiKey, tokens.access)).toEqual([401, 401]);
        const elsewhere = () => worths(second, account.workspaceId, key.apiKey, tokens.access);
        await vi.waitFor(async () => expect(await elsewhere()).toEqual([401, 401]), { timeout: 1_000 });
        for (const on of [server, second]) {
          const refreshed = await anonymous(on)
            .post('/api/v1/oauth/refresh')
            .send({ refresh_token: tokens.refresh });
          expect(refreshed.status).toBe(401);
          const exchanged = await anonymous(on)
            .post('/api/v1/oauth/token')
            .send({ client_id, client_secret, grant_type: 'client_credentials' });
          expect(exchanged.status).toBe(401);
        }
      } finally {
        await second.close();
      }
    },
  );

  it('comes with its expiry, for its tokens too', async () => {
    const account = await buildAccount(server);
    const expiresAt = new Date(server.ctx.clock.now().getTime() + 60_000);
    const key = await buildPortalKey(account, { expiresAt: expiresAt.toISOString() });
    const tokens = await tokensOf(key);
    expect(await worths(server, account.workspaceId, key.apiKey, tokens.access)).toEqual([200, 200]);
    vi.spyOn(server.ctx.clock, 'now').mockImplementation(() => expiresAt);
    expect(await worths(server, account.workspaceId, key.apiKey, tokens.access)).toEqual([401, 401]);
    expect((await tokensOf(key)).status).toBe(401);
  });

  it('can be undone by rotating a revoked key', async () => {
    const account = await buildAccount(server);
    const key = await buildPortalKey(account);
    const { clientId: client_id, clientSecret: client_secret } = key;
    await anonymous(server).post('/api/v1/oauth/revoke').send({ client_id, client_secret }).expect(200);
    expect((await account.portal.get(keysPath)).body.data).toMatchObject([{ status: 'revoked' }]);
    const rotated = await account.portal.post(`${keysPath}/${key.id}/rotate`);
    expect((await useKey(account.workspaceId, rotated.body.data.apiKey)).status).toBe(200);
    expect((await account.portal.get(keysPath)).body.data).toMatchObject([{ status: 'active' }]);
  });
});

describe('allowedIps', () => {
  it.each([
    [['127.0.0.1'], 200],
    [['10.0.0.0/8', '127.0.0.0/8'], 200],
    [['::ffff:127.0.0.1'], 200],
    [['10.0.0.0/8', '2001:db8::1'], 403],
  ])('%j answers a local caller with %i', async (allowedIps, status) => {
    const account = await buildAccount(server);
    const key = await buildPortalKey(account, { allowedIps });
    expect((await useKey(account.workspaceId, key.apiKey)).status).toBe(status);
    expect((await tokensOf(key)).status).toBe(status);
  });
});

describe('a stored key that still bears the admin scope', () => {
  it('is refused on use', async () => {
    const account = await buildAccount(server);
    const key = await buildPortalKey(account);
    await server.ctx.db
      .tenant('api_keys')
      .updateOne(new ObjectId(account.workspaceId), { _id: new ObjectId(key.id) }, {
        $push: { scopes: 'admin' },
      } as never);
    const answer = await useKey(account.workspaceId, key.apiKey);
    expect(answer.status).toBe(403);
    expect(answer.body.error).toContain('admin scope');
  });
});

describe('GET and PUT /developer/settings', () => {
  it('enforces OAuth: keys get 403, tokens go on working, on every server', async () => {
    const account = await buildAccount(server);
    const key = await buildPortalKey(account);
    const { access } = await tokensOf(key);
    const second = await startServer({}, { name: server.ctx.redisPrefix });
    try {
      const byKey = () => withKey(second, account.workspaceId, key.apiKey).get('');
      const byToken = () => withToken(second, account.workspaceId, access).get('');
      expect((await byKey()).status).toBe(200);
      const read = await account.portal.get('/developer/settings');
      expect(read.body).toEqual({ success: true, data: { oauthEnforced: false } });
      const written = await account.portal.put('/developer/settings').send({ oauthEnforced: true });
      expect(written.status).toBe(200);
      expect(written.body).toEqual({ success: true, data: { oauthEnforced: true } });
      await vi.waitFor(async () => expect((await byKey()).status).toBe(403), { timeout: 1_000 });
      expect((await byKey()).body.error).toContain('OAuth 2.0');
      expect((await byToken()).status).toBe(200);

      await account.portal.put('/developer/settings').send({ oauthEnforced: false }).expect(200);
      await vi.waitFor(async () => expect((await byKey()).status).toBe(200), { timeout: 1_000 });
    } finally {
      await second.close();
    }
  });

  it.each([{}, { oauthEnforced: 'yes' }, { oauthEnforced: null }])('refuses %j', async (body) => {
    const account = await buildAccount(server);
    expect((await account.portal.put('/developer/settings').send(body)).status).toBe(422);
  });
});

describe('the Developer Portal', () => {
  it('is for admins of the workspace', async () => {
    const admin = await buildAccount(server);
    const stranger = await buildAccount(server);
    for (const role of ['manager', 'agent', 'viewer'] as const) {
      const member = await buildColleague(server, admin, role);
      const answer = await member.portal.get(keysPath);
      expect(answer.status).toBe(403);
      expect(answer.body).toEqual({ success: false, error: 'This needs the role admin' });
    }
    const colleague = await buildColleague(server, admin, 'admin');
    expect((await colleague.portal.get(keysPath)).status).toBe(200);
    const foreign = await anonymous(server)
      .get(`/api/workspaces/${admin.workspaceId}${keysPath}`)
      .set({ Authorization: `Bearer ${stranger.token}` });
    expect(foreign.status).toBe(403);
  });

  it('is closed when the module is off', async () => {
    const account = await buildAccount(server);
    await account.portal
      .put('/settings')
      .send({ modules: ['leads'] })
      .expect(200);
    const answer = await account.portal.get(keysPath);
    expect(answer.status).toBe(403);
    expect(answer.body.error).toBe('This module is disabled for the workspace');
    await account.portal
      .put('/settings')
      .send({ modules: ['leads', 'developer'] })
      .expect(200);
    expect((await account.portal.get(keysPath)).status).toBe(200);
  });
});
