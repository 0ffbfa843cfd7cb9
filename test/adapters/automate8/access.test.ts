import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../../src/config.ts';
import { bearer, buildAccount, buildColleague } from '../../helpers/accounts.ts';
import { apiOf, buildApiKey, buildPhone, buildTenant, startServer, useServer } from '../../helpers/app.ts';
import { type Automate8Client, automate8, buildAutomate8 } from '../../helpers/automate8.ts';

const server = useServer({ isRateLimitSet: false });

/** Something to read, and something to create. */
const reading = (workspaceId: string) => `/api/contacts/search?workspace_id=${workspaceId}&firstname=a`;
const writing = '/api/contacts';
const person = (workspaceId: string, overrides: object = {}) => ({
  workspace_id: workspaceId,
  firstname: 'John',
  lastname: 'Smith',
  phone_number: buildPhone(),
  ...overrides,
});

afterEach(() => vi.restoreAllMocks());

/** The middle of a minute and hour, so that no window ends while the test runs. */
function stopClock(on = server) {
  const start = Math.floor(Date.now() / 3_600_000) * 3_600_000 + 1_810_000;
  vi.spyOn(on.ctx.clock, 'now').mockImplementation(() => new Date(start));
  return start;
}

describe('a key', () => {
  it('opens the contract as bearer and as X-API-Key, and nothing else', async () => {
    const { apiKey, workspaceId } = await buildAutomate8(server);
    expect(apiKey).toMatch(/^crm_live_[A-Za-z0-9]{32,}_[0-9a-z]+$/);
    for (const headers of [bearer(apiKey), { 'X-API-Key': apiKey }]) {
      expect((await automate8(server, headers).get(reading(workspaceId))).status).toBe(200);
    }
    const elsewhere = apiOf(server, `/api/v1/workspaces/${workspaceId}`, { 'X-API-Key': apiKey });
    expect((await elsewhere.get('/leads')).status).toBe(401);
    const { apiKey: native } = await buildApiKey(server, workspaceId);
    expect((await automate8(server, { 'X-API-Key': native }).get(reading(workspaceId))).status).toBe(401);
  });

  it('in Authorization goes before one in X-API-Key', async () => {
    const { apiKey, workspaceId } = await buildAutomate8(server);
    const both = automate8(server, { ...bearer('unknown'), 'X-API-Key': apiKey });
    expect((await both.get(reading(workspaceId))).status).toBe(401);
  });

  it('with a wrong checksum is refused without a look into the store', async () => {
    const { apiKey, workspaceId } = await buildAutomate8(server);
    const lookUp = vi.spyOn(server.ctx.cache, 'get');
    const last = apiKey.endsWith('0') ? '1' : '0';
    const wrong = bearer(`${apiKey.slice(0, -1)}${last}`);
    const answer = await automate8(server, wrong).get(reading(workspaceId));
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ success: false, code: 'UNAUTHORIZED' });
    expect(lookUp.mock.calls.map(([key]) => key)).toEqual([]);
  });

  it('is made in the Developer Portal with actions by resource, all of them when none are named', async () => {
    const account = await buildAccount(server);
    const make = (body: object) =>
      account.portal.post('/developer/api-keys').send({ name: 'A', kind: 'automate8', ...body });
    const permissions = { tags: ['write', 'read'], analytics: ['export'] };
    const some = await make({ permissions });
    expect(some.status).toBe(201);
    expect(some.body.data).toMatchObject({ kind: 'automate8', permissions, rateLimitPerMinute: 50 });
    expect(some.body.data).not.toHaveProperty('clientSecret');
    const all = await make({});
    expect(all.body.data.permissions).toEqual({
      ...Object.fromEntries(
        ['pipelines', 'opportunities', 'stages', 'contacts', 'messages', 'sequences', 'tags', 'calendar'].map(
          (resource) => [resource, ['read', 'write', 'delete']],
        ),
      ),
      analytics: ['read', 'export'],
      triggers: ['write'],
      workspace_members: ['read'],
      actions: ['execute'],
    });
    for (const wrong of [{ tags: ['own'] }, { leads: ['read'] }, { triggers: ['read'] }, {}]) {
      const answer = await make({ permissions: wrong });
      expect([answer.status, Object.keys(answer.body.details)]).toEqual([400, ['permissions']]);
    }
    expect((await make({ permissions: ['read'] })).status).toBe(422);
    expect((await make({ scopes: ['lead.read'] })).status).toBe(422);
    const { data } = (await account.portal.get('/developer/api-keys')).body;
    expect(data.map((key: { permissions: unknown }) => key.permissions)).toContainEqual(permissions);
  });

  it('that lacks a permission is told its name', async () => {
    const { api, workspaceId } = await buildAutomate8(server, {
      permissions: ['contacts:write', 'tags:read'],
    });
    const answer = await api.get(reading(workspaceId));
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ success: false, error: expect.stringContaining('contacts:read') });
  });

  it('ends with its time', async () => {
    const { api, workspaceId } = await buildAutomate8(server, { expiresAt: new Date(Date.now() + 60_000) });
    expect((await api.get(reading(workspaceId))).status).toBe(200);
    const now = Date.now();
    vi.spyOn(server.ctx.clock, 'now').mockImplementation(() => new Date(now + 61_000));
    expect((await api.get(reading(workspaceId))).status).toBe(401);
  });
});

describe('a JWT', () => {
  it('opens the contract by role: viewers only look', async () => {
    const admin = await buildAccount(server);
    const { workspaceId } = admin;
    for (const [role, status] of [
      ['viewer', 403],
      ['agent', 201],
      ['manager', 201],
    ] as const) {
      const { token } = await buildColleague(server, admin, role);
      const api = automate8(server, bearer(token));
      expect((await api.get(reading(workspaceId))).status).toBe(200);
      expect((await api.post(writing, person(workspaceId))).status).toBe(status);
    }
  });

  it('is no key, and no cookie', async () => {
    const { token, workspaceId } = await buildAccount(server);
    const places: Record<string, string>[] = [{ 'X-API-Key': token }, { Cookie: `session=${token}` }];
    for (const headers of places) {
      expect((await automate8(server, headers).get(reading(workspaceId))).status).toBe(401);
    }
  });

  it('names its workspace in any of the ways, and is in its first one otherwise', async () => {
    const one = await buildAutomate8(server);
    const other = await buildAccount(server);
    const guest = await buildColleague(server, other, 'manager');
    // Their second workspace.
    const invitation = await one.account.portal
      .post('/members')
      .send({ name: 'G', email: guest.email, role: 'manager' });
    await apiOf(server, '', {}).post('/api/invitations/accept').send({
      token: invitation.body.invitation.token,
      password: guest.password,
    });
    const make = async (name: string, body: object, headers: Record<string, string> = {}, query = '') => {
      const api = automate8(server, { ...bearer(guest.token), ...headers });
      return (await api.post(`/api/tags${query}`, { name, ...body })).body.data.workspace_id;
    };
    const [first, second] = [other.workspaceId, one.workspaceId];
    expect(await make('a', {})).toBe(first);
    expect(await make('b', { workspace_id: second })).toBe(second);
    expect(await make('c', { workspaceId: second })).toBe(second);
    expect(await make('d', {}, { 'X-Workspace-ID': second })).toBe(second);
    expect(await make('e', {}, {}, `?workspace_id=${second}`)).toBe(second);
    expect(await make('f', { workspace_id: second }, { 'X-Workspace-ID': first })).toBe(second);
    const stranger = await buildAccount(server);
    for (const named of [
      () =>
        automate8(server, bearer(guest.token)).post('/api/tags', {
          name: 'x',
          workspace_id: stranger.workspaceId,
        }),
      () => automate8(server, bearer(guest.token)).get(`/api/tags?workspace_id=${stranger.workspaceId}`),
      () =>
        automate8(server, { ...bearer(guest.token), 'X-Workspace-ID': stranger.workspaceId }).get(
          '/api/tags',
        ),
      () => automate8(server, { ...bearer(one.apiKey), 'X-Workspace-ID': first }).get('/api/tags'),
      () => one.api.post('/api/tags', { name: 'x', workspace_id: first }),
      () => one.api.post('/api/tags', { name: 'x', workspaceId: 15_213 }),
      () => one.api.get('/api/tags?workspace_id=15213'),
    ]) {
      expect((await named()).status).toBe(403);
    }
  });
});

describe('refusals', () => {
  it('come in the order 401, 429, 403, 400, 404', async () => {
    const { api } = await buildAutomate8(server, {
      permissions: ['tags:read', 'tags:write'],
      rateLimitPerMinute: 4,
    });
    stopClock();
    const unknown = automate8(server, bearer('crm_live_unknown'));
    expect((await unknown.post('/api/tags', { workspace_id: 'x' })).status).toBe(401);
    // Lacks the permission, and the id is unknown.
    expect((await api.delete('/api/tags/unknown')).status).toBe(403);
    // Another's workspace, and the name is missing.
    expect((await api.post('/api/tags', { workspace_id: 'x' })).status).toBe(403);
    // The colour is none, and the id is unknown.
    expect((await api.put('/api/tags/unknown', { color: 'black' })).status).toBe(400);
    expect((await api.put('/api/tags/unknown', { color: 'red' })).status).toBe(404);
    expect((await api.delete('/api/tags/unknown')).status).toBe(429);
  });
});

describe('rate limits', () => {
  it('are 50 a minute for a key, told with the Unix time of their end', async () => {
    const { api, workspaceId } = await buildAutomate8(server);
    const start = stopClock();
    const answer = await api.get(reading(workspaceId));
    expect(answer.headers).toMatchObject({ 'x-ratelimit-limit': '50', 'x-ratelimit-remaining': '49' });
    const reset = Number(answer.headers['x-ratelimit-reset']);
    expect(reset).toBe(Math.ceil(start / 1_000) + 50);
    const answers = await Promise.all(Array.from({ length: 60 }, () => api.get(reading(workspaceId))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(49);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers['retry-after']).toBe('50');
    expect(refused?.body).toMatchObject({ success: false, error: 'Rate limit exceeded' });
  });

  it('are what a key was made with, 100 for a person, and 100 for an address at tags', async () => {
    const limitOf = async ({ workspaceId, ...client }: Automate8Client, way: 'api' | 'person') =>
      (await client[way].get(reading(workspaceId))).headers['x-ratelimit-limit'];
    const own = await buildAutomate8(server, { rateLimitPerMinute: 7 });
    expect([await limitOf(own, 'api'), await limitOf(own, 'person')]).toEqual(['7', '100']);
    const wide = await buildAutomate8(server, { rateLimitPerMinute: 1_000 });
    expect(await limitOf(wide, 'api')).toBe('1000');
    expect((await wide.api.get('/api/tags')).headers['x-ratelimit-limit']).toBe('100');
  });

  it('are the operator’s where one is set, save for a key’s own', async () => {
    const set = await startServer({
      isRateLimitSet: true,
      rateLimit: { perMinute: 30, perHour: 10_000 },
    });
    try {
      const limitOf = async (client: Awaited<ReturnType<typeof buildAutomate8>>, way: 'api' | 'person') =>
        (await client[way].get(reading(client.workspaceId))).headers['x-ratelimit-limit'];
      const client = await buildAutomate8(set);
      expect([await limitOf(client, 'api'), await limitOf(client, 'person')]).toEqual(['30', '30']);
      expect(await limitOf(await buildAutomate8(set, { rateLimitPerMinute: 5 }), 'api')).toBe('5');
    } finally {
      await set.close();
    }
  });
});

describe('browsers', () => {
  it('may ask from anywhere, without cookies', async () => {
    const { api, workspaceId } = await buildAutomate8(server);
    const answer = await api.get(reading(workspaceId)).set('Origin', 'https://anywhere.example');
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
    const preflight = await server.app.inject({
      method: 'OPTIONS',
      url: '/automate8/api/contacts',
      headers: {
        Origin: 'https://anywhere.example',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
      },
    });
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe('*');
    expect(preflight.headers['access-control-allow-headers']).toMatch(/authorization/i);
    expect(preflight.headers['access-control-allow-methods']).toContain('POST');
    const refused = await automate8(server, {})
      .get(reading(workspaceId))
      .set('Origin', 'https://anywhere.example');
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, '*']);
    const tenant = await buildTenant(server);
    const native = await tenant.api.get('/leads').set('Origin', 'https://anywhere.example');
    expect(native.headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('a host name of its own', () => {
  const hosts = (text: string) => loadConfig({ NODE_ENV: 'test', CONTRACT_HOSTS: text }).contractHosts;

  it('serves a contract at its root, and at its base all the same', async () => {
    const contractHosts = hosts('crm.example.com=automate8, Leads.example.com=cratio,api.example.com=native');
    const other = await startServer({ contractHosts });
    try {
      const { apiKey, workspaceId } = await buildAutomate8(other);
      const cratio = (await buildApiKey(other, workspaceId, { kind: 'cratio' })).apiKey;
      const ask = async (host: string, url: string, key: string) =>
        (await other.app.inject({ url, headers: { host, ...bearer(key) } })).statusCode;
      const path = reading(workspaceId);
      expect(await ask('crm.example.com', path, apiKey)).toBe(200);
      expect(await ask('CRM.example.com:8443', path, apiKey)).toBe(200);
      expect(await ask('crm.example.com', `/automate8${path}`, apiKey)).toBe(200);
      expect(await ask('crm.example.com', '/api/v1/leads', cratio)).toBe(404);
      expect(await ask('leads.example.com', '/api/v1/leads', cratio)).toBe(200);
      expect(await ask('api.example.com', `/automate8${path}`, apiKey)).toBe(200);
      expect(await ask('localhost', path, apiKey)).toBe(404);
      expect(await ask('localhost', '/cratio/api/v1/leads', cratio)).toBe(200);
      expect(await ask('localhost', '/api/v1/leads', cratio)).toBe(200);
    } finally {
      await other.close();
    }
  });

  it('has to name a contract that there is', async () => {
    for (const text of ['crm.example.com', '=automate8', 'a=automate8,a=cratio', 'a b=cratio']) {
      expect(() => hosts(text), text).toThrow(/^CONTRACT_HOSTS: /);
    }
    await expect(startServer({ contractHosts: hosts('crm.example.com=hubspot') })).rejects.toThrow(
      /^CONTRACT_HOSTS: hubspot is none of the contracts \(native, cratio, automate8\)$/,
    );
  });
});
