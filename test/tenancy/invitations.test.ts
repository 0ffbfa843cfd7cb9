import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type Account,
  anonymous,
  bearer,
  buildAccount,
  buildEmail,
  buildPortalKey,
  buildRegistration,
  inviteTo,
  portalPath,
  withKey,
} from '../helpers/accounts.ts';
import { buildLead, startServer, useServer } from '../helpers/app.ts';

const server = useServer();
const password = 'a password of my own';

afterEach(() => vi.restoreAllMocks());

const buildInvitation = (email = buildEmail(), role = 'agent') => ({ name: 'Ina Invited', email, role });
const accept = (body: object, headers: Record<string, string> = {}) =>
  anonymous(server).post('/api/invitations/accept').set(headers).send(body);
const mayEnter = async ({ workspaceId }: Account, token: string) =>
  (
    await anonymous(server)
      .get(`${portalPath(workspaceId)}/settings`)
      .set(bearer(token))
  ).status === 200;
const later = (milliseconds: number) => {
  const at = server.ctx.clock.now().getTime() + milliseconds;
  vi.spyOn(server.ctx.clock, 'now').mockImplementation(() => new Date(at));
};
const dayMs = 24 * 3_600_000;

describe('POST /api/invitations/accept', () => {
  it('opens an account for a new address, with the password that its owner chooses', async () => {
    const admin = await buildAccount(server);
    const email = buildEmail();
    const token = await inviteTo(admin, buildInvitation(email));
    const answer = await accept({ token, name: 'Ina Herself', password });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      success: true,
      user: { id: expect.stringMatching(/^[0-9a-f]{24}$/), email, name: 'Ina Herself' },
      workspace: { workspaceId: admin.workspaceId, workspaceName: 'Lakeside Homes', role: 'agent' },
      token: expect.any(String),
    });
    expect(String(answer.headers['set-cookie'])).toMatch(/^session=.*HttpOnly/);
    expect(await mayEnter(admin, answer.body.token)).toBe(true);
    const login = await anonymous(server).post('/api/login').send({ email, password });
    expect(login.body.workspaces).toEqual([answer.body.workspace]);
    const team = (await admin.portal.get('/members')).body.data;
    expect(team[1]).toMatchObject({ userId: answer.body.user.id, name: 'Ina Herself', status: 'active' });
    expect(team[1]).not.toHaveProperty('invitationExpiresAt');
  });

  it('keeps what was assigned before', async () => {
    const admin = await buildAccount(server);
    const email = buildEmail();
    const { body } = await admin.portal.post('/members').send(buildInvitation(email));
    const { apiKey } = await buildPortalKey(admin);
    const api = withKey(server, admin.workspaceId, apiKey);
    const lead = (await api.post('/leads').send(buildLead({ assignedTo: body.data._id }))).body.data;
    // They got an account by themselves meanwhile, so that it has another id.
    const own = (await anonymous(server).post('/api/register').send(buildRegistration({ email }))).body;
    await accept({ token: body.invitation.token }, bearer(own.token)).expect(200);
    expect((await api.get(`/users/${lead.assignedTo}`)).body.data).toMatchObject({ email });
    expect(
      (await api.put(`/leads/${lead._id}`).send(buildLead({ assignedTo: lead.assignedTo }))).status,
    ).toBe(200);
    expect((await api.get(`/leads?assignedTo=${body.data._id}`)).body.data).toHaveLength(1);
    expect(await mayEnter(admin, own.token)).toBe(true);
  });

  it.each(['session', 'cookie', 'password'] as const)(
    'takes the %s of an existing account',
    async (proof) => {
      const [admin, other] = [await buildAccount(server), await buildAccount(server)];
      const token = await inviteTo(admin, buildInvitation(other.email, 'manager'));
      const proofs = {
        session: () => accept({ token }, bearer(other.token)),
        cookie: () => accept({ token }, { Cookie: `session=${other.token}` }),
        password: () => accept({ token, password: other.password }),
      };
      const answer = await proofs[proof]();
      expect(answer.status).toBe(200);
      expect(answer.body.user).toEqual({ id: other.userId, email: other.email, name: other.name });
      expect(await mayEnter(admin, answer.body.token)).toBe(true);
      expect(await mayEnter(admin, other.token)).toBe(true);
    },
  );

  it('asks an existing account for its own proof', async () => {
    const [admin, other, third] = [
      await buildAccount(server),
      await buildAccount(server),
      await buildAccount(server),
    ];
    const token = await inviteTo(admin, buildInvitation(other.email));
    for (const answer of [
      await accept({ token }),
      await accept({ token }, bearer(third.token)),
      await accept({ token, password: 'a password of my own' }),
      await accept({ token, password: third.password.replace('correct', 'wrong') }, bearer(third.token)),
    ]) {
      expect(answer.status).toBe(401);
    }
    expect(await mayEnter(admin, third.token)).toBe(false);
    expect((await accept({ token }, bearer(other.token))).status).toBe(200);
  });

  it('refuses a foreign site that uses the cookie', async () => {
    const [admin, other] = [await buildAccount(server), await buildAccount(server)];
    const token = await inviteTo(admin, buildInvitation(other.email));
    const foreign = { Cookie: `session=${other.token}`, Origin: 'https://evil.example' };
    expect((await accept({ token }, foreign)).status).toBe(403);
  });

  it.each([
    ['no token', { password }, 'token'],
    ['a token of another type', { token: { $gt: '' }, password }, 'token'],
    ['an unknown token', { token: 'x'.repeat(43), password }, 'token'],
  ])('refuses %s', async (_, body, field) => {
    const answer = await accept(body);
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual([field]);
  });

  it.each([
    ['no password', undefined],
    ['a short password', 'short'],
  ])('refuses a new account with %s', async (_, chosen) => {
    const admin = await buildAccount(server);
    const token = await inviteTo(admin, buildInvitation());
    const answer = await accept({ token, password: chosen });
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual(['password']);
    expect((await accept({ token, password })).status).toBe(200);
  });

  it('works once', async () => {
    const admin = await buildAccount(server);
    const token = await inviteTo(admin, buildInvitation());
    expect((await accept({ token, password })).status).toBe(200);
    const again = await accept({ token, password });
    expect(again.status).toBe(422);
    expect(again.body.details).toEqual({ token: ['Is unknown, used or expired'] });
  });

  it('lets one of several in who use it at the same moment', async () => {
    const [admin, known] = [await buildAccount(server), await buildAccount(server)];
    for (const email of [buildEmail(), known.email]) {
      const token = await inviteTo(admin, buildInvitation(email));
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => accept({ token, password: known.password })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(5).fill(422)]);
    }
    expect((await admin.portal.get('/members')).body.count).toBe(3);
  });

  it('expires after seven days', async () => {
    const admin = await buildAccount(server);
    const [early, late] = [
      await inviteTo(admin, buildInvitation()),
      await inviteTo(admin, buildInvitation()),
    ];
    later(7 * dayMs - 60_000);
    expect((await accept({ token: early, password })).status).toBe(200);
    later(61_000);
    expect((await accept({ token: late, password })).status).toBe(422);
  });

  it('is of no use once the invitation was withdrawn', async () => {
    const admin = await buildAccount(server);
    const { body } = await admin.portal.post('/members').send(buildInvitation());
    await admin.portal.delete(`/members/${body.data._id}`).expect(200);
    expect((await accept({ token: body.invitation.token, password })).status).toBe(422);
    expect((await admin.portal.get('/members')).body.count).toBe(1);
  });

  it('either joins or is withdrawn when both happen at once', async () => {
    const admin = await buildAccount(server);
    for (let round = 0; round < 5; round++) {
      const { body } = await admin.portal.post('/members').send(buildInvitation());
      const [joined, withdrawn] = await Promise.all([
        accept({ token: body.invitation.token, password }),
        admin.portal.delete(`/members/${body.data._id}`),
      ]);
      expect(withdrawn.status).toBe(200);
      expect([200, 422]).toContain(joined.status);
      // Whoever joined first was removed after it.
      if (joined.status === 200) expect(await mayEnter(admin, joined.body.token)).toBe(false);
    }
    expect((await admin.portal.get('/members')).body.count).toBe(1);
  });

  it('joins a person with two invitations twice, once each', async () => {
    const [first, second] = [await buildAccount(server), await buildAccount(server)];
    const email = buildEmail();
    const tokens = [
      await inviteTo(first, buildInvitation(email)),
      await inviteTo(second, buildInvitation(email)),
    ];
    const answers = await Promise.all(tokens.map((token) => accept({ token, password })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const { body } = await anonymous(server).post('/api/login').send({ email, password });
    expect(body.workspaces).toHaveLength(2);
  });

  it('makes an admin who counts', async () => {
    const admin = await buildAccount(server);
    const token = await inviteTo(admin, buildInvitation(buildEmail(), 'admin'));
    const { body } = await accept({ token, password });
    expect((await admin.portal.delete(`/members/${admin.userId}`)).status).toBe(200);
    expect(await mayEnter(admin, body.token)).toBe(true);
  });
});

describe("somebody else's address", () => {
  it('leads nobody in who registered it before it was invited', async () => {
    const email = buildEmail();
    const squatter = (await anonymous(server).post('/api/register').send(buildRegistration({ email }))).body;
    const admin = await buildAccount(server);
    const token = await inviteTo(admin, buildInvitation(email, 'admin'));
    expect(await mayEnter(admin, squatter.token)).toBe(false);
    // The owner has the mail, and takes the account back with it.
    const { body } = await anonymous(server).post('/api/password/forgot').send({ email });
    await anonymous(server)
      .post('/api/password/reset')
      .send({ token: body.reset.token, password })
      .expect(200);
    expect((await accept({ token, password })).status).toBe(200);
    expect(await mayEnter(admin, squatter.token)).toBe(false);
    const guess = await anonymous(server)
      .post('/api/login')
      .send({ email, password: buildRegistration().password });
    expect(guess.status).toBe(401);
  });

  it('leads nobody in who registers it after it was invited', async () => {
    const admin = await buildAccount(server);
    const email = buildEmail();
    await inviteTo(admin, buildInvitation(email, 'admin'));
    const { body } = await anonymous(server).post('/api/register').send(buildRegistration({ email }));
    expect(await mayEnter(admin, body.token)).toBe(false);
    const me = await anonymous(server).get('/api/auth/user').set(bearer(body.token));
    expect(me.body.workspaces).toHaveLength(1);
  });
});

describe('with sign-up by invitation only', () => {
  it.each([
    ['invited', 200],
    ['closed', 403],
  ] as const)('%s: a new address is answered %i', async (signup, status) => {
    const admin = await buildAccount(server);
    const token = await inviteTo(admin, buildInvitation());
    const closed = await startServer({ signup }, { name: server.ctx.redisPrefix });
    try {
      const answer = await anonymous(closed).post('/api/invitations/accept').send({ token, password });
      expect(answer.status).toBe(status);
    } finally {
      await closed.close();
    }
  });
});
