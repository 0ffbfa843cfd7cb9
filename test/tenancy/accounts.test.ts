import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  anonymous,
  bearer,
  buildAccount,
  buildColleague,
  buildEmail,
  buildRegistration,
} from '../helpers/accounts.ts';
import { startServer, useServer } from '../helpers/app.ts';

const server = useServer();
const request = () => anonymous(server);
const register = (overrides: Record<string, unknown> = {}) =>
  request().post('/api/register').send(buildRegistration(overrides));
const login = (email: string, password: string) => request().post('/api/login').send({ email, password });
const whoAmI = (headers: Record<string, string>) => request().get('/api/auth/user').set(headers);

afterEach(() => vi.restoreAllMocks());

const cookieOf = (headers: Record<string, unknown>): string => {
  const [cookie = ''] = (headers['set-cookie'] as string[] | undefined) ?? [];
  return cookie;
};

describe('POST /api/register', () => {
  it('opens an account with a workspace and signs in', async () => {
    const registration = buildRegistration();
    const answer = await request().post('/api/register').send(registration);
    expect(answer.body).toEqual({
      success: true,
      user: { id: expect.stringMatching(/^[0-9a-f]{24}$/), email: registration.email, name: 'Asha Admin' },
      workspace: { workspaceId: expect.stringMatching(/^[0-9a-f]{24}$/), workspaceName: 'Lakeside Homes' },
      token: expect.any(String),
      verification: { token: expect.any(String) },
    });
    expect(answer.status).toBe(201);
    expect(cookieOf(answer.headers)).toMatch(
      /^session=[\w.-]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    const me = await whoAmI(bearer(answer.body.token));
    expect(me.body.workspaces).toEqual([{ ...answer.body.workspace, role: 'admin' }]);
  });

  it('finds one account however the address is written', async () => {
    const email = buildEmail();
    const first = await register({ email: `  ${email.toUpperCase()} ` });
    expect(first.body.user.email).toBe(email);
    const second = await register({ email });
    expect(second.status).toBe(409);
    expect(second.body).toEqual({ success: false, error: 'This email has an account already' });
    expect((await login(email.toUpperCase(), 'correct horse battery')).status).toBe(200);
  });

  it('makes one account of parallel registrations', async () => {
    const email = buildEmail();
    const answers = await Promise.all(Array.from({ length: 8 }, () => register({ email })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
    const { body } = await login(email, 'correct horse battery');
    expect(body.workspaces).toHaveLength(1);
  });

  it.each([
    ['a short password', { password: '1234567' }, 'password'],
    ['a long password', { password: 'x'.repeat(201) }, 'password'],
    ['no password', { password: undefined }, 'password'],
    ['a password of another type', { password: { $gt: '' } }, 'password'],
    ['a wrong address', { email: 'nobody' }, 'email'],
    ['an address of another type', { email: ['a@example.com'] }, 'email'],
    ['a long address', { email: `${'x'.repeat(250)}@example.com` }, 'email'],
    ['no name', { name: ' ' }, 'name'],
    ['no workspace name', { workspaceName: '' }, 'workspaceName'],
  ])('refuses %s', async (_, overrides, field) => {
    const answer = await register(overrides);
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual([field]);
  });

  it.each([8, 200])('takes a password of %i characters', async (length) => {
    expect((await register({ password: 'p'.repeat(length) })).status).toBe(201);
  });

  it('stores the password as an argon2id hash only', async () => {
    const { body } = await register({ password: 'a secret passphrase' });
    const users = await server.ctx.db.global('users').find({ email: body.user.email }).toArray();
    expect(users).toHaveLength(1);
    expect(users[0]).toMatchObject({ passwordHash: expect.stringMatching(/^\$argon2id\$/) });
    expect(JSON.stringify(users)).not.toContain('a secret passphrase');
  });

  it.each([
    ['closed', 'Sign-up is closed'],
    ['invited', 'Sign-up is by invitation only'],
  ] as const)('opens nothing when sign-up is %s', async (signup, error) => {
    const closed = await startServer({ signup });
    try {
      const answer = await anonymous(closed).post('/api/register').send(buildRegistration());
      expect(answer.status).toBe(403);
      expect(answer.body).toEqual({ success: false, error });
    } finally {
      await closed.close();
    }
  });
});

describe('POST /api/login', () => {
  it('signs in', async () => {
    const account = await buildAccount(server);
    const answer = await login(account.email, account.password);
    expect(answer.body).toEqual({
      success: true,
      user: { id: account.userId, email: account.email, name: account.name },
      workspaces: [{ workspaceId: account.workspaceId, workspaceName: 'Lakeside Homes', role: 'admin' }],
      token: expect.any(String),
    });
    expect(answer.status).toBe(200);
    expect(cookieOf(answer.headers)).toMatch(/^session=.*HttpOnly/);
  });

  it('does not tell which of the two was wrong', async () => {
    const account = await buildAccount(server);
    const [wrongPassword, unknownEmail] = await Promise.all([
      login(account.email, 'not the password'),
      login(buildEmail(), account.password),
    ]);
    for (const { status, body } of [wrongPassword, unknownEmail]) {
      expect(status).toBe(401);
      expect(body).toEqual({ success: false, error: 'Invalid email or password' });
    }
    const names = (headers: object) => Object.keys(headers).sort();
    expect(names(wrongPassword.headers)).toEqual(names(unknownEmail.headers));
    expect(cookieOf(wrongPassword.headers)).toBe('');
  });

  it('takes as long for an unknown address as for a wrong password', async () => {
    const account = await buildAccount(server);
    const fastestMs = { known: Number.POSITIVE_INFINITY, unknown: Number.POSITIVE_INFINITY };
    const emails = { known: account.email, unknown: buildEmail() };
    for (let attempt = 0; attempt < 8; attempt++) {
      for (const who of ['known', 'unknown'] as const) {
        const startedAt = performance.now();
        await login(emails[who], `wrong ${attempt}`);
        fastestMs[who] = Math.min(fastestMs[who], performance.now() - startedAt);
      }
    }
    // A hash costs tens of milliseconds; leaving it out would show at once.
    expect(fastestMs.unknown).toBeGreaterThan(fastestMs.known / 3);
    expect(fastestMs.unknown).toBeLessThan(fastestMs.known * 3);
  });

  it.each([
    { email: 'nobody', password: 'x' },
    { email: { $ne: null }, password: { $ne: null } },
    { email: 'a@example.com' },
    { email: 'a@example.com', password: 'x'.repeat(10_000) },
    [],
  ])('refuses the body %j', async (body) => {
    expect((await request().post('/api/login').send(body)).status).toBe(422);
  });

  it('blocks an account after ten wrong passwords, whatever comes next', async () => {
    const account = await buildAccount(server);
    const other = await buildAccount(server);
    const guesses = await Promise.all(
      Array.from({ length: 10 }, (_, i) => login(account.email, `guess ${i}`)),
    );
    expect(guesses.map(({ status }) => status)).toEqual(Array(10).fill(401));
    const blocked = await login(account.email.toUpperCase(), account.password);
    expect(blocked.status).toBe(429);
    expect(blocked.body).toEqual({ success: false, error: 'Too many failed logins' });
    const retryAfter = Number(blocked.headers['retry-after']);
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(900);
    expect((await login(other.email, other.password)).status).toBe(200);

    const later = server.ctx.clock.now().getTime() + retryAfter * 1_000;
    vi.spyOn(server.ctx.clock, 'now').mockImplementation(() => new Date(later));
    expect((await login(account.email, account.password)).status).toBe(200);
  });

  it('blocks an address without an account in the same way', async () => {
    const email = buildEmail();
    for (let attempt = 0; attempt < 10; attempt++) expect((await login(email, 'guess')).status).toBe(401);
    expect((await login(email, 'guess')).status).toBe(429);
  });

  it('does not count right passwords', async () => {
    const account = await buildAccount(server);
    for (let attempt = 0; attempt < 12; attempt++) {
      expect((await login(account.email, account.password)).status).toBe(200);
    }
  });

  it('blocks an address of the network after a hundred wrong logins', async () => {
    const guarded = await startServer({ trustProxy: 1 });
    try {
      const from = (address: string, email: string) =>
        anonymous(guarded)
          .post('/api/login')
          .set('X-Forwarded-For', address)
          .send({ email, password: 'guess' });
      const guesses = await Promise.all(Array.from({ length: 100 }, () => from('203.0.113.7', buildEmail())));
      expect(new Set(guesses.map(({ status }) => status))).toEqual(new Set([401]));
      const blocked = await from('203.0.113.7', buildEmail());
      expect(blocked.status).toBe(429);
      expect(blocked.headers['retry-after']).toMatch(/^\d+$/);
      expect((await from('203.0.113.8', buildEmail())).status).toBe(401);
    } finally {
      await guarded.close();
    }
  });
});

describe('POST /api/logout', () => {
  it('ends the session on every server at once', async () => {
    const { token } = await buildAccount(server);
    const second = await startServer({}, { name: server.ctx.redisPrefix });
    try {
      const elsewhere = () => anonymous(second).get('/api/auth/user').set(bearer(token));
      expect((await elsewhere()).status).toBe(200);
      const answer = await request().post('/api/logout').set(bearer(token));
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ success: true, message: 'Signed out' });
      expect(cookieOf(answer.headers)).toMatch(/^session=; Max-Age=0; Path=\//);
      expect((await whoAmI(bearer(token))).status).toBe(401);
      await vi.waitFor(async () => expect((await elsewhere()).status).toBe(401), { timeout: 1_000 });
    } finally {
      await second.close();
    }
  });

  it('leaves other sessions alone', async () => {
    const account = await buildAccount(server);
    const { body } = await login(account.email, account.password);
    await request().post('/api/logout').set(bearer(body.token));
    expect((await whoAmI(bearer(account.token))).status).toBe(200);
  });

  it('requires a session', async () => {
    expect((await request().post('/api/logout')).status).toBe(401);
  });
});

describe('GET /api/auth/user', () => {
  it('shows the user and their workspaces', async () => {
    const admin = await buildAccount(server);
    const agent = await buildColleague(server, admin, 'agent');
    const answer = await whoAmI(bearer(agent.token));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      success: true,
      user: { id: agent.userId, email: agent.email, name: agent.name },
      workspaces: [{ workspaceId: admin.workspaceId, workspaceName: 'Lakeside Homes', role: 'agent' }],
    });
  });

  it('takes the cookie in place of the token', async () => {
    const { body, headers } = await register();
    const [cookie = ''] = cookieOf(headers).split(';');
    const answer = await whoAmI({ Cookie: cookie });
    expect(answer.status).toBe(200);
    expect(answer.body.user).toEqual(body.user);
  });

  it('refuses an expired session', async () => {
    const { token } = await buildAccount(server);
    const later = server.ctx.clock.now().getTime() + 7 * 24 * 3_600_000 + 1_000;
    vi.spyOn(server.ctx.clock, 'now').mockImplementation(() => new Date(later));
    expect((await whoAmI(bearer(token))).status).toBe(401);
  });

  it.each([
    ['no token', {}],
    ['garbage', bearer('garbage')],
    ['an unsigned token', bearer(`${btoa('{"alg":"none"}')}.${btoa('{"typ":"session"}')}.`)],
    ['another scheme', { Authorization: 'Basic YTpi' }],
    ['an empty cookie', { Cookie: 'session=' }],
  ])('refuses %s', async (_, headers) => {
    const answer = await whoAmI(headers as Record<string, string>);
    expect(answer.status).toBe(401);
    expect(answer.body).toEqual({ success: false, error: 'Invalid or missing credentials' });
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });
});
