import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  anonymous,
  buildAccount,
  buildPortalKey,
  type PortalKey,
  withKey,
  withToken,
} from '../helpers/accounts.ts';
import { buildTenant, startServer, type Tenant, useServer } from '../helpers/app.ts';

const server = useServer();
const request = () => anonymous(server);
const grant_type = 'client_credentials';

afterEach(() => vi.restoreAllMocks());

type Client = Pick<Tenant | PortalKey, 'clientId' | 'clientSecret'>;

const bodyOf = ({ clientId, clientSecret }: Client) => ({
  client_id: clientId,
  client_secret: clientSecret,
  grant_type,
});
const basic = (id: string, secret: string) => ({
  Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});
const exchange = (client: Client) => request().post('/api/v1/oauth/token').send(bodyOf(client));
const refresh = (refresh_token: string) => request().post('/api/v1/oauth/refresh').send({ refresh_token });
const use = (workspaceId: string, token: string) => withToken(server, workspaceId, token).get('');

describe('POST /api/v1/oauth/token', () => {
  it('exchanges client credentials for tokens with the scopes of the key', async () => {
    const tenant = await buildTenant(server, { scopes: ['lead.read', 'metadata.read'] });
    const answer = await exchange(tenant);
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3_600,
      scope: 'lead.read metadata.read',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    const api = withToken(server, tenant.workspaceId, answer.body.access_token);
    expect((await api.get('/leads')).status).toBe(200);
    expect((await api.post('/leads').send({})).status).toBe(403);
  });

  it('takes a form', async () => {
    const tenant = await buildTenant(server);
    const answer = await request().post('/api/v1/oauth/token').type('form').send(bodyOf(tenant));
    expect(answer.status).toBe(200);
    expect((await use(tenant.workspaceId, answer.body.access_token)).status).toBe(200);
  });

  it.each(['json', 'form'])('takes HTTP Basic with a body of type %s', async (type) => {
    const tenant = await buildTenant(server);
    const answer = await request()
      .post('/api/v1/oauth/token')
      .set(basic(tenant.clientId, tenant.clientSecret))
      .type(type)
      .send({ grant_type });
    expect(answer.status).toBe(200);
    expect(answer.body.token_type).toBe('Bearer');
  });

  it('decodes what HTTP Basic carries', async () => {
    const tenant = await buildTenant(server);
    const encode = (text: string) => text.replaceAll('_', '%5F');
    const answer = await request()
      .post('/api/v1/oauth/token')
      .set(basic(encode(tenant.clientId), encode(tenant.clientSecret)))
      .send({ grant_type });
    expect(answer.status).toBe(200);
  });

  it('takes a form nowhere else', async () => {
    const { api } = await buildTenant(server);
    expect((await api.post('/leads').type('form').send({ name: 'x' })).status).toBe(415);
    expect((await request().post('/api/login').type('form').send({ email: 'x' })).status).toBe(415);
  });

  it.each([
    ['an unknown client', { client_id: 'qvoo_client_unknown' }],
    ['a wrong secret', { client_secret: 'qvoo_secret_wrong' }],
    ['an API key as the secret', { client_secret: 'qvoo_live_something' }],
  ])('refuses %s in the same words', async (_, overrides) => {
    const tenant = await buildTenant(server);
    const answer = await request()
      .post('/api/v1/oauth/token')
      .send({ ...bodyOf(tenant), ...overrides });
    expect(answer.status).toBe(401);
    expect(answer.body).toEqual({ success: false, error: 'Invalid client credentials' });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers).not.toHaveProperty('www-authenticate');
  });

  it.each([
    ['wrong credentials', basic('someone', 'something')],
    ['no colon', { Authorization: `Basic ${Buffer.from('someone').toString('base64')}` }],
    ['bad percent-encoding', basic('some%one', 'some%zz')],
    ['nothing', { Authorization: 'Basic ' }],
    ['bytes that are no text', { Authorization: 'Basic /////w==' }],
  ])('challenges HTTP Basic with %s', async (_, headers) => {
    const answer = await request().post('/api/v1/oauth/token').set(headers).send({ grant_type });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Basic realm="oauth"');
    expect(answer.body).toEqual({ success: false, error: 'Invalid client credentials' });
  });

  it.each([
    ['no client', { client_id: undefined }, 'client_id'],
    ['no secret', { client_secret: undefined }, 'client_secret'],
    ['no grant type', { grant_type: undefined }, 'grant_type'],
    ['another grant type', { grant_type: 'password' }, 'grant_type'],
    ['an operator', { client_id: { $ne: '' } }, 'client_id'],
    ['a list', { client_secret: ['a', 'b'] }, 'client_secret'],
    ['a very long secret', { client_secret: 'x'.repeat(10_000) }, 'client_secret'],
  ])('refuses %s', async (_, overrides, field) => {
    const tenant = await buildTenant(server);
    const body = { ...bodyOf(tenant), ...overrides };
    const answer = await request().post('/api/v1/oauth/token').send(body);
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual([field]);
  });

  it.each([
    ['no body', undefined],
    ['a list', []],
    ['a text', '"text"'],
    ['null', 'null'],
  ])('refuses %s', async (_, body) => {
    const answer = await request().post('/api/v1/oauth/token').type('json').send(body);
    expect(answer.status).toBe(422);
    const withBasic = await request()
      .post('/api/v1/oauth/token')
      .set(basic('someone', 'something'))
      .type('json')
      .send(body);
    expect(withBasic.status).toBe(422);
  });

  it('refuses repeated fields of a form', async () => {
    const answer = await request()
      .post('/api/v1/oauth/token')
      .type('form')
      .send('client_id=a&client_id=b&client_secret=c&grant_type=client_credentials&__proto__=x');
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual(['client_id']);
  });
});

describe('an access token', () => {
  it('works for its own workspace only', async () => {
    const [tenant, other] = [await buildTenant(server), await buildTenant(server)];
    const { body } = await exchange(tenant);
    expect((await use(tenant.workspaceId, body.access_token)).status).toBe(200);
    expect((await use(other.workspaceId, body.access_token)).status).toBe(403);
  });

  it('lasts an hour', async () => {
    const tenant = await buildTenant(server);
    const { body } = await exchange(tenant);
    const now = server.ctx.clock.now().getTime();
    const clock = vi.spyOn(server.ctx.clock, 'now');
    clock.mockImplementation(() => new Date(now + 3_590_000));
    expect((await use(tenant.workspaceId, body.access_token)).status).toBe(200);
    clock.mockImplementation(() => new Date(now + 3_601_000));
    expect((await use(tenant.workspaceId, body.access_token)).status).toBe(401);
    expect((await refresh(body.refresh_token)).status).toBe(200);
  });

  it('is not a refresh token, an API key or a session, and the other way round', async () => {
    const account = await buildAccount(server);
    const key = await buildPortalKey(account);
    const { body } = await exchange(key);
    expect((await refresh(body.access_token)).status).toBe(401);
    expect((await use(account.workspaceId, body.refresh_token)).status).toBe(401);
    expect((await use(account.workspaceId, account.token)).status).toBe(401);
    expect((await use(account.workspaceId, key.apiKey)).status).toBe(401);
    expect((await withKey(server, account.workspaceId, body.access_token).get('')).status).toBe(401);
    const portal = `/api/workspaces/${account.workspaceId}/developer/api-keys`;
    const asSession = await request()
      .get(portal)
      .set({ Authorization: `Bearer ${body.access_token}` });
    expect(asSession.status).toBe(401);
  });

  it('is refused when it was tampered with', async () => {
    const tenant = await buildTenant(server);
    const { body } = await exchange(tenant);
    const [header, payload = '', signature] = (body.access_token as string).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    const forged = Buffer.from(JSON.stringify({ ...claims, exp: 9_999_999_999 })).toString('base64url');
    const unsigned = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    for (const token of [
      `${header}.${forged}.${signature}`,
      `${unsigned}.${payload}.`,
      `${header}.${payload}.`,
    ]) {
      expect((await use(tenant.workspaceId, token)).status).toBe(401);
    }
  });
});

describe('POST /api/v1/oauth/refresh', () => {
  it('exchanges a refresh token for a new pair', async () => {
    const tenant = await buildTenant(server);
    const first = await exchange(tenant);
    const answer = await refresh(first.body.refresh_token);
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      expires_in: 3_600,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body.refresh_token).not.toBe(first.body.refresh_token);
    expect((await use(tenant.workspaceId, answer.body.access_token)).status).toBe(200);
    expect((await refresh(answer.body.refresh_token)).status).toBe(200);
  });

  it('takes a form', async () => {
    const { body } = await exchange(await buildTenant(server));
    const { refresh_token } = body;
    const answer = await request().post('/api/v1/oauth/refresh').type('form').send({ refresh_token });
    expect(answer.status).toBe(200);
  });

  it('revokes the whole family when a spent token is used, on every server', async () => {
    const tenant = await buildTenant(server);
    const first = (await exchange(tenant)).body;
    const second = (await refresh(first.refresh_token)).body;
    const unrelated = (await exchange(tenant)).body;
    const otherServer = await startServer({}, { name: server.ctx.redisPrefix });
    try {
      const elsewhere = () => withToken(otherServer, tenant.workspaceId, second.access_token).get('');
      expect((await elsewhere()).status).toBe(200);
      const reuse = await refresh(first.refresh_token);
      expect(reuse.status).toBe(401);
      expect(reuse.body).toEqual({ success: false, error: 'Invalid or expired refresh token' });
      expect((await refresh(second.refresh_token)).status).toBe(401);
      expect((await use(tenant.workspaceId, first.access_token)).status).toBe(401);
      expect((await use(tenant.workspaceId, second.access_token)).status).toBe(401);
      await vi.waitFor(async () => expect((await elsewhere()).status).toBe(401), { timeout: 1_000 });
      expect((await use(tenant.workspaceId, unrelated.access_token)).status).toBe(200);
    } finally {
      await otherServer.close();
    }
  });

  it('lets one of many parallel uses succeed, over two servers', async () => {
    const otherServer = await startServer({}, { name: server.ctx.redisPrefix });
    try {
      for (let round = 0; round < 5; round++) {
        const { body } = await exchange(await buildTenant(server));
        const { refresh_token } = body;
        const answers = await Promise.all(
          Array.from({ length: 6 }, (_, index) =>
            anonymous(index % 2 ? server : otherServer)
              .post('/api/v1/oauth/refresh')
              .send({ refresh_token }),
          ),
        );
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401]);
      }
    } finally {
      await otherServer.close();
    }
  });

  it('refuses a token that was not used for a month', async () => {
    const { body } = await exchange(await buildTenant(server));
    const later = server.ctx.clock.now().getTime() + 30 * 24 * 3_600_000 + 1_000;
    vi.spyOn(server.ctx.clock, 'now').mockImplementation(() => new Date(later));
    expect((await refresh(body.refresh_token)).status).toBe(401);
  });

  it.each([
    ['garbage', 'garbage', 401],
    ['nothing', undefined, 422],
    ['an empty text', '', 422],
    ['an operator', { $gt: '' }, 422],
    ['a very long text', 'x'.repeat(10_000), 422],
  ])('answers %s', async (_, refresh_token, status) => {
    const answer = await request().post('/api/v1/oauth/refresh').send({ refresh_token });
    expect(answer.status).toBe(status);
  });
});

describe('POST /api/v1/oauth/revoke', () => {
  it('ends the key, its secret and its tokens', async () => {
    const tenant = await buildTenant(server);
    const tokens = (await exchange(tenant)).body;
    const { clientId: client_id, clientSecret: client_secret } = tenant;
    const answer = await request().post('/api/v1/oauth/revoke').send({ client_id, client_secret });
    expect(answer.body).toEqual({ success: true, message: 'Credentials revoked successfully' });
    expect(answer.status).toBe(200);
    expect((await tenant.api.get('')).status).toBe(401);
    expect((await use(tenant.workspaceId, tokens.access_token)).status).toBe(401);
    expect((await refresh(tokens.refresh_token)).status).toBe(401);
    expect((await exchange(tenant)).status).toBe(401);
    const again = await request().post('/api/v1/oauth/revoke').send({ client_id, client_secret });
    expect(again.status).toBe(401);
  });

  it('takes HTTP Basic without a body', async () => {
    const tenant = await buildTenant(server);
    const answer = await request()
      .post('/api/v1/oauth/revoke')
      .set(basic(tenant.clientId, tenant.clientSecret));
    expect(answer.status).toBe(200);
    expect((await tenant.api.get('')).status).toBe(401);
  });

  it('leaves everything alone when the secret is wrong', async () => {
    const tenant = await buildTenant(server);
    const answer = await request()
      .post('/api/v1/oauth/revoke')
      .send({ client_id: tenant.clientId, client_secret: 'wrong' });
    expect(answer.status).toBe(401);
    expect((await tenant.api.get('')).status).toBe(200);
  });

  it.each([{}, { client_id: 'x' }, { client_secret: 'x' }])('refuses %j', async (body) => {
    expect((await request().post('/api/v1/oauth/revoke').send(body)).status).toBe(422);
  });
});
