import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { randomToken } from '../../src/lib/crypto.ts';
import { anonymous, bearer, buildAccount, portalPath } from '../helpers/accounts.ts';
import {
  buildApiKey,
  buildTenant,
  type ConfigOverrides,
  startServer,
  type Tenant,
  type TestServer,
  workspacePath,
} from '../helpers/app.ts';
import { configureProvider } from '../helpers/messages.ts';
import { recordCommands, withMonitoring } from '../helpers/queries.ts';
import { signedForm, twilioAccount } from '../helpers/twilio.ts';

const publicUrl = 'http://crm.example.com';
const strict: ConfigOverrides = { rateLimit: { perMinute: 5, perHour: 1_000 }, publicUrl };
const running: TestServer[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const server of running.splice(0)) await server.close();
});

/** A server with a limit of five a minute, in the middle of one that doesn't end unless `at` says so. */
async function start(options: Parameters<typeof startServer>[1] = {}) {
  const server = await startServer(strict, options);
  running.push(server);
  const begin = Math.floor(Date.now() / 3_600_000) * 3_600_000 + 1_810_000;
  const clock = vi.spyOn(server.ctx.clock, 'now');
  const at = (seconds: number) => clock.mockImplementation(() => new Date(begin + seconds * 1_000));
  at(0);
  return { server, at };
}

const wrongKey = () => `qvoo_live_${randomToken()}`;
const get = (server: TestServer, path: string, headers: Record<string, string>) =>
  anonymous(server).get(path).set(headers);

/** Statuses of as many attempts, one after the other. */
async function attempts(count: number, attempt: () => PromiseLike<{ status: number }>): Promise<number[]> {
  const statuses = [];
  for (let made = 0; made < count; made++) statuses.push((await attempt()).status);
  return statuses;
}

/** What the limit of five makes of attempts that are all wrong. */
const limited = (wrong: number) => [...Array(5).fill(wrong), ...Array(3).fill(429)];

const useKey = (server: TestServer, { workspaceId, apiKey }: Pick<Tenant, 'workspaceId' | 'apiKey'>) =>
  get(server, workspacePath(workspaceId), { 'X-API-Key': apiKey });

describe('wrong credentials from one address', () => {
  it('are answered with 429 after the limit, and looked up no more', async () => {
    const name = `refusals_${randomBytes(6).toString('hex')}`;
    const { server, at } = await start({ name, mongoUrl: withMonitoring(inject('mongoUrl')) });
    const { workspaceId } = await buildTenant(server);
    const commands = recordCommands(server);
    const guess = () => useKey(server, { workspaceId, apiKey: wrongKey() });
    const statuses = await attempts(60, guess);
    expect(statuses).toEqual([...Array(5).fill(401), ...Array(55).fill(429)]);
    // The sixth shows that the limit is reached.
    expect(commands.sent().filter(({ find }) => find === 'api_keys')).toHaveLength(6);
    const refused = await guess();
    expect(refused.body).toEqual({ success: false, error: 'Rate limit exceeded' });
    expect(refused.headers['retry-after']).toBe('50');
    at(50);
    expect((await guess()).status).toBe(401);
  });

  it('are counted one by one when they come at once', async () => {
    const { server } = await start();
    const { workspaceId } = await buildTenant(server);
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => useKey(server, { workspaceId, apiKey: wrongKey() })),
    );
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(55);
  });

  it('are not looked up when they cannot be right', async () => {
    const name = `refusals_${randomBytes(6).toString('hex')}`;
    const { server } = await start({ name, mongoUrl: withMonitoring(inject('mongoUrl')) });
    const { workspaceId, apiKey } = await buildTenant(server);
    const commands = recordCommands(server);
    for (const wrong of ['guess', apiKey.slice(0, -1), `le_live_${randomToken()}`]) {
      expect((await useKey(server, { workspaceId, apiKey: wrong })).status).toBe(401);
    }
    expect(commands.sent().filter(({ find }) => find === 'api_keys')).toEqual([]);
  });

  it.each([
    ['access tokens', (id: string) => [workspacePath(id), bearer('wrong')] as const],
    ['session tokens', (id: string) => [`${portalPath(id)}/settings`, bearer('wrong')] as const],
    ['cookies', (id: string) => [`${portalPath(id)}/leads`, { Cookie: 'session=wrong' }] as const],
    ["another contract's keys", () => ['/api/v1/leads', bearer(`le_live_${randomToken()}`)] as const],
  ])('are counted alike: %s', async (_, requestOf) => {
    const { server } = await start();
    const { workspaceId } = await buildTenant(server);
    const [path, headers] = requestOf(workspaceId);
    expect(await attempts(8, () => get(server, path, headers))).toEqual(limited(401));
  });

  it('are counted per network where an address is one of many', async () => {
    const server = await startServer({ ...strict, trustProxy: 1 });
    running.push(server);
    const { workspaceId } = await buildTenant(server);
    const from = (address: string) =>
      useKey(server, { workspaceId, apiKey: wrongKey() }).set('X-Forwarded-For', address);
    let host = 0;
    expect(await attempts(8, () => from(`2001:db8::${++host}`))).toEqual(limited(401));
    expect((await from('2001:db8:0:1::1')).status).toBe(401);
  });
});

describe('whoever shares an address with a guesser', () => {
  it('goes on working, also on a server that has nothing of them in its memory', async () => {
    const { server } = await start();
    const tenant = await buildTenant(server);
    const account = await buildAccount(server);
    const settings = (on: TestServer) =>
      get(on, `${portalPath(account.workspaceId)}/leads`, bearer(account.token));
    expect((await useKey(server, tenant)).status).toBe(200);
    expect((await settings(server)).status).toBe(200);
    const { server: second } = await start({ name: server.ctx.redisPrefix });
    for (const on of [server, second]) {
      const guesses = await attempts(8, () => useKey(on, { ...tenant, apiKey: wrongKey() }));
      expect(guesses.at(-1)).toBe(429);
      expect((await useKey(on, tenant)).status).toBe(200);
      expect((await settings(on)).status).toBe(200);
    }
  });

  it('has to wait with a credential that nobody has seen yet', async () => {
    const { server, at } = await start();
    const { workspaceId } = await buildTenant(server);
    const { apiKey } = await buildApiKey(server, workspaceId);
    await attempts(8, () => useKey(server, { workspaceId, apiKey: wrongKey() }));
    expect((await useKey(server, { workspaceId, apiKey })).status).toBe(429);
    at(50);
    expect((await useKey(server, { workspaceId, apiKey })).status).toBe(200);
  });

  it('is not let through with a key that was right once and is dead', async () => {
    const { server } = await start();
    const account = await buildAccount(server);
    const mine = await account.portal.post('/developer/api-keys').send({ name: 'Mine' });
    const key = { workspaceId: account.workspaceId, apiKey: mine.body.data.apiKey };
    const lead = () => get(server, `${workspacePath(key.workspaceId)}/leads`, { 'X-API-Key': key.apiKey });
    expect((await lead()).status).toBe(200);
    await account.portal.delete(`/developer/api-keys/${mine.body.data._id}`).expect(200);
    expect((await attempts(8, lead)).slice(0, 5)).toEqual(Array(5).fill(401));
    expect((await lead()).status).toBe(429);
  });
});

describe('wrong client secrets and refresh tokens', () => {
  it('are counted with the keys', async () => {
    // The routes themselves take more requests from an address than are wrong here.
    const server = await startServer({ rateLimit: { perMinute: 12, perHour: 1_000 } });
    running.push(server);
    const { workspaceId, clientId } = await buildTenant(server);
    const exchange = () =>
      anonymous(server)
        .post('/api/v1/oauth/token')
        .send({ client_id: clientId, client_secret: 'wrong', grant_type: 'client_credentials' });
    const refresh = () => anonymous(server).post('/api/v1/oauth/refresh').send({ refresh_token: 'wrong' });
    expect(await attempts(6, exchange)).toEqual(Array(6).fill(401));
    expect(await attempts(6, refresh)).toEqual(Array(6).fill(401));
    expect((await useKey(server, { workspaceId, apiKey: wrongKey() })).status).toBe(429);
  });
});

describe('callbacks of providers that are not signed', () => {
  const callback = (server: TestServer, workspaceId: string, authToken?: string) => {
    const url = `/api/providers/twilio/${workspaceId}/status`;
    const { text, headers } = signedForm(`${publicUrl}${url}`, { MessageStatus: 'sent' }, authToken);
    return anonymous(server).post(url).set(headers).send(text);
  };
  const withSms = async (server: TestServer) => {
    const tenant = await buildTenant(server);
    await configureProvider(server, tenant, 'sms', twilioAccount);
    return tenant;
  };

  it('are limited for the workspace that they name, and for no other', async () => {
    const { server } = await start();
    const [careless, other] = [await withSms(server), await withSms(server)];
    const wrong = await attempts(8, () => callback(server, careless.workspaceId, 'another token'));
    expect(wrong).toEqual(limited(403));
    expect((await callback(server, careless.workspaceId)).status).toBe(429);
    expect((await callback(server, other.workspaceId)).status).toBe(200);
  });

  it('are limited for the address where they name no workspace with an account', async () => {
    const { server } = await start();
    const [known, unknown] = [await withSms(server), await withSms(server)];
    expect((await callback(server, known.workspaceId)).status).toBe(200);
    const ids = Array.from({ length: 8 }, () => randomBytes(12).toString('hex'));
    expect(await attempts(8, () => callback(server, ids.pop() ?? ''))).toEqual(limited(403));
    expect((await callback(server, unknown.workspaceId)).status).toBe(429);
    expect((await callback(server, known.workspaceId)).status).toBe(200);
  });

  it("are limited in Meta's handshake too", async () => {
    const { server } = await start();
    const handshake = () =>
      anonymous(server).get(`/api/providers/whatsapp/${randomBytes(12).toString('hex')}?hub.mode=subscribe`);
    expect(await attempts(8, handshake)).toEqual(limited(403));
  });
});
