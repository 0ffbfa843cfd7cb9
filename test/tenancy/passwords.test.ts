import { afterEach, describe, expect, it, vi } from 'vitest';
import { anonymous, bearer, buildAccount, buildEmail, buildRegistration } from '../helpers/accounts.ts';
import { startServer, useServer } from '../helpers/app.ts';

const server = useServer();
const newPassword = 'another long password';

afterEach(() => vi.restoreAllMocks());

const post = (path: string, body: object) => anonymous(server).post(path).send(body);
const login = (email: string, password: string) => post('/api/login', { email, password });
const isSignedIn = async (token: string) =>
  (await anonymous(server).get('/api/auth/user').set(bearer(token))).status === 200;
const forget = async (email: string): Promise<string> =>
  (await post('/api/password/forgot', { email })).body.reset.token;
const later = (milliseconds: number) => {
  const at = server.ctx.clock.now().getTime() + milliseconds;
  vi.spyOn(server.ctx.clock, 'now').mockImplementation(() => new Date(at));
};

describe('POST /api/password/forgot', () => {
  it('answers the same for any address', async () => {
    const account = await buildAccount(server);
    const answers = [
      await post('/api/password/forgot', { email: account.email.toUpperCase() }),
      await post('/api/password/forgot', { email: buildEmail() }),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(body).toEqual({
        success: true,
        message: 'If the address has an account, a mail is on its way',
        reset: { token: expect.stringMatching(/^[\w-]{43}$/) },
      });
    }
    const token = answers[1]?.body.reset.token;
    expect((await post('/api/password/reset', { token, password: newPassword })).status).toBe(422);
  });

  it('refuses what is no address', async () => {
    expect((await post('/api/password/forgot', { email: 'nobody' })).status).toBe(422);
  });
});

describe('POST /api/password/reset', () => {
  it('sets the password and ends every session, on every server', async () => {
    const account = await buildAccount(server);
    const second = await startServer({}, { name: server.ctx.redisPrefix });
    try {
      const elsewhere = () => anonymous(second).get('/api/auth/user').set(bearer(account.token));
      expect((await elsewhere()).status).toBe(200);
      const token = await forget(account.email);
      const answer = await post('/api/password/reset', { token, password: newPassword });
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ success: true, message: 'Password set; sign in with it' });
      expect(await isSignedIn(account.token)).toBe(false);
      await vi.waitFor(async () => expect((await elsewhere()).status).toBe(401), { timeout: 1_000 });
    } finally {
      await second.close();
    }
    expect((await login(account.email, account.password)).status).toBe(401);
    expect((await login(account.email, newPassword)).status).toBe(200);
  });

  it('works once, of several at the same moment too', async () => {
    const account = await buildAccount(server);
    const token = await forget(account.email);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => post('/api/password/reset', { token, password: newPassword })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422, 422, 422, 422]);
  });

  it('takes the last of several requests only, and for an hour', async () => {
    const account = await buildAccount(server);
    const [first, second] = [await forget(account.email), await forget(account.email)];
    expect((await post('/api/password/reset', { token: first, password: newPassword })).status).toBe(422);
    later(3_600_001);
    const late = await post('/api/password/reset', { token: second, password: newPassword });
    expect(late.status).toBe(422);
    expect(late.body.details).toEqual({ token: ['Is unknown, used or expired'] });
  });

  it('refuses a short password and keeps the token', async () => {
    const account = await buildAccount(server);
    const token = await forget(account.email);
    expect((await post('/api/password/reset', { token, password: 'short' })).status).toBe(422);
    expect((await post('/api/password/reset', { token, password: newPassword })).status).toBe(200);
  });

  it('leaves no session behind of a login with the old password that is under way', async () => {
    const account = await buildAccount(server);
    const token = await forget(account.email);
    const [reset, ...logins] = await Promise.all([
      post('/api/password/reset', { token, password: newPassword }),
      ...Array.from({ length: 6 }, () => login(account.email, account.password)),
    ]);
    expect(reset.status).toBe(200);
    for (const { status, body } of logins)
      if (status === 200) expect(await isSignedIn(body.token)).toBe(false);
  });
});

describe('POST /api/email/verify', () => {
  it('takes the token of the registration, once', async () => {
    const { body } = await post('/api/register', buildRegistration());
    const { token } = body.verification;
    expect((await post('/api/email/verify', { token })).body).toEqual({
      success: true,
      message: 'Address verified',
    });
    expect((await post('/api/email/verify', { token })).status).toBe(422);
    const user = await server.ctx.db.global('users').findOne({ email: body.user.email });
    expect(user).toMatchObject({ emailVerifiedAt: expect.any(Date) });
    expect(user).not.toHaveProperty('verification');
  });

  it.each([[{}], [{ token: '' }], [{ token: 'x'.repeat(43) }], [{ token: { $gt: '' } }]])(
    'refuses %j',
    async (body) => {
      expect((await post('/api/email/verify', body)).status).toBe(422);
    },
  );
});

describe('POST /api/email/verification', () => {
  const ask = (email: string) => post('/api/email/verification', { email });

  it('sends the mail once more, which makes the one before worthless', async () => {
    const { body } = await post('/api/register', buildRegistration());
    const again = await ask(body.user.email.toUpperCase());
    expect(again.status).toBe(200);
    expect((await post('/api/email/verify', body.verification)).status).toBe(422);
    expect((await post('/api/email/verify', again.body.verification)).status).toBe(200);
  });

  it('answers the same for an address that is verified, and for one that nobody has', async () => {
    const { body } = await post('/api/register', buildRegistration());
    const { email } = body.user;
    await post('/api/email/verify', body.verification);
    for (const { status, body: answer } of [await ask(email), await ask(buildEmail())]) {
      expect(status).toBe(200);
      expect(answer).toEqual({
        success: true,
        message: 'If the address waits to be verified, a mail is on its way',
        verification: { token: expect.stringMatching(/^[\w-]{43}$/) },
      });
      expect((await post('/api/email/verify', answer.verification)).status).toBe(422);
    }
    const user = await server.ctx.db.global('users').findOne({ email });
    expect(user).not.toHaveProperty('verification');
  });

  it.each([[{}], [{ email: 'nobody' }], [{ email: { $gt: '' } }]])('refuses %j', async (body) => {
    expect((await post('/api/email/verification', body)).status).toBe(422);
  });
});

describe('PUT /api/account/password', () => {
  const change = (token: string, currentPassword: string, chosen = newPassword) =>
    anonymous(server)
      .put('/api/account/password')
      .set(bearer(token))
      .send({ currentPassword, newPassword: chosen });

  it('ends the other sessions and keeps this one', async () => {
    const account = await buildAccount(server);
    const { body: other } = await login(account.email, account.password);
    expect((await change(account.token, account.password)).body).toEqual({
      success: true,
      message: 'Password changed',
    });
    expect(await isSignedIn(account.token)).toBe(true);
    expect(await isSignedIn(other.token)).toBe(false);
    expect((await login(account.email, newPassword)).status).toBe(200);
  });

  it('asks for the current password, and for a session', async () => {
    const account = await buildAccount(server);
    const wrong = await change(account.token, 'not the password');
    expect(wrong.status).toBe(422);
    expect(wrong.body.details).toEqual({ currentPassword: ['Is wrong'] });
    expect((await change(account.token, account.password, 'short')).status).toBe(422);
    expect((await change('garbage', account.password)).status).toBe(401);
    expect(await isSignedIn(account.token)).toBe(true);
  });

  it('counts wrong passwords as a login does', async () => {
    const account = await buildAccount(server);
    for (let guess = 0; guess < 10; guess++)
      expect((await change(account.token, `guess ${guess}`)).status).toBe(422);
    expect((await change(account.token, account.password)).status).toBe(429);
  });
});

describe('/api/account/sessions', () => {
  const sessions = (token: string) => anonymous(server).get('/api/account/sessions').set(bearer(token));
  const end = (token: string, id: string) =>
    anonymous(server).delete(`/api/account/sessions/${id}`).set(bearer(token));

  it('lists where the account is signed in, and signs out there', async () => {
    const account = await buildAccount(server);
    const { body: other } = await anonymous(server)
      .post('/api/login')
      .set('User-Agent', 'A phone')
      .send({ email: account.email, password: account.password });
    const { body } = await sessions(account.token);
    expect(body).toMatchObject({
      success: true,
      data: [{ isCurrent: false, userAgent: 'A phone', address: expect.any(String) }, { isCurrent: true }],
    });
    const ended = await end(account.token, body.data[0]._id);
    expect(ended.body).toEqual({ success: true, message: 'Session ended' });
    expect(await isSignedIn(other.token)).toBe(false);
    expect((await sessions(account.token)).body.data).toHaveLength(1);
    expect((await end(account.token, body.data[0]._id)).status).toBe(404);
  });

  it("does not find another account's", async () => {
    const [account, other] = [await buildAccount(server), await buildAccount(server)];
    const [{ _id }] = (await sessions(other.token)).body.data;
    for (const id of [_id, '65b8c47f4e2cfc1df3a75111', 'nonsense']) {
      expect((await end(account.token, id)).status).toBe(404);
    }
    expect(await isSignedIn(other.token)).toBe(true);
    expect((await anonymous(server).get('/api/account/sessions')).status).toBe(401);
    expect((await anonymous(server).delete(`/api/account/sessions/${_id}`)).status).toBe(401);
  });
});

describe('a stranger who guesses', () => {
  const trusting = { trustProxy: 1 };
  const from = (place: string, email: string, password: string, cookie = '') =>
    anonymous(guarded)
      .post('/api/login')
      .set({ 'X-Forwarded-For': place, Cookie: cookie })
      .send({ email, password });
  let guarded: Awaited<ReturnType<typeof startServer>>;

  it('locks the owner out neither elsewhere nor on a device that they know', async () => {
    guarded = await startServer(trusting);
    try {
      const owner = await buildAccount(guarded);
      const first = await from('203.0.113.1', owner.email, owner.password);
      const device = String(first.headers['set-cookie']).match(/device=[^;]+/)?.[0] ?? '';
      const guess = (place: string) => from(place, owner.email, 'guess');
      const guesses = await Promise.all(Array.from({ length: 11 }, () => guess('203.0.113.1')));
      expect(guesses.map(({ status }) => status).sort()).toEqual([...Array(10).fill(401), 429]);
      expect((await from('203.0.113.1', owner.email, owner.password)).status).toBe(429);
      expect((await from('203.0.113.2', owner.email, owner.password)).status).toBe(200);
      expect((await from('203.0.113.1', owner.email, owner.password, device)).status).toBe(200);
      // Of another account it says nothing, and a made-up one is none.
      const other = await buildAccount(guarded);
      for (const cookie of [device, 'device=garbage']) {
        await Promise.all(Array.from({ length: 5 }, () => from('203.0.113.3', other.email, 'guess', cookie)));
      }
      expect((await from('203.0.113.3', other.email, other.password, device)).status).toBe(429);
      // A device that is known is counted too.
      await Promise.all(Array.from({ length: 10 }, () => from('203.0.113.4', owner.email, 'guess', device)));
      expect((await from('203.0.113.4', owner.email, owner.password, device)).status).toBe(429);
    } finally {
      await guarded.close();
    }
  });

  it('is stopped when many places guess together', async () => {
    guarded = await startServer(trusting);
    try {
      const owner = await buildAccount(guarded);
      const places = Array.from({ length: 100 }, (_, index) => `203.0.113.${index}`);
      await Promise.all(places.map((place) => from(place, owner.email, 'guess')));
      expect((await from('198.51.100.1', owner.email, owner.password)).status).toBe(429);
    } finally {
      await guarded.close();
    }
  });

  it('opens twenty accounts an hour from one place', async () => {
    guarded = await startServer(trusting);
    try {
      const register = (place: string) =>
        anonymous(guarded).post('/api/register').set('X-Forwarded-For', place).send(buildRegistration());
      const answers = await Promise.all(Array.from({ length: 22 }, () => register('2001:db8::1')));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(20);
      const refused = await register('2001:db8::ffff');
      expect(refused.status).toBe(429);
      expect(refused.headers['retry-after']).toMatch(/^\d+$/);
      expect((await register('2001:db8:0:1::1')).status).toBe(201);
    } finally {
      await guarded.close();
    }
  });
});
