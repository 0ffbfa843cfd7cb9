import { describe, expect, it, vi } from 'vitest';
import { sha256 } from '../../src/lib/crypto.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { members } from '../../src/tenancy/members/model.ts';
import { teamMax } from '../../src/tenancy/members/service.ts';
import {
  type Account,
  anonymous,
  bearer,
  buildAccount,
  buildColleague,
  buildEmail,
  buildPortalKey,
  inviteTo,
  portalPath,
  withKey,
} from '../helpers/accounts.ts';
import { buildLead, buildTenant, startServer, useServer, workspacePath } from '../helpers/app.ts';

const server = useServer();

const buildMember = (overrides: Record<string, unknown> = {}) => ({
  name: 'Arjun Agent',
  email: buildEmail(),
  role: 'agent',
  ...overrides,
});

describe('POST /api/workspaces/:workspaceId/members', () => {
  it('invites a person to the team', async () => {
    const admin = await buildAccount(server);
    const member = buildMember({ phone: '+919812345678' });
    const answer = await admin.portal.post('/members').send(member);
    expect(answer.body).toEqual({
      success: true,
      data: {
        ...member,
        _id: expect.stringMatching(/^[0-9a-f]{24}$/),
        userId: answer.body.data._id,
        workspaceId: admin.workspaceId,
        createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
        status: 'invited',
        invitationExpiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
      },
      invitation: { token: expect.stringMatching(/^[\w-]{43}$/) },
    });
    expect(answer.status).toBe(201);
    const days = (Date.parse(answer.body.data.invitationExpiresAt) - Date.now()) / (24 * 3_600_000);
    expect(days).toBeCloseTo(7, 1);
  });

  it('keeps of the token its hash only', async () => {
    const admin = await buildAccount(server);
    const token = await inviteTo(admin, buildMember());
    const stored = await server.ctx.db
      .global('members')
      .find({ workspaceId: new ObjectId(admin.workspaceId) })
      .toArray();
    expect(JSON.stringify(stored)).not.toContain(token);
    expect(JSON.stringify(stored)).toContain(sha256(token));
  });

  it('makes someone to whom records can be assigned', async () => {
    const admin = await buildAccount(server);
    const { body } = await admin.portal.post('/members').send(buildMember());
    const { apiKey } = await buildPortalKey(admin);
    const api = withKey(server, admin.workspaceId, apiKey);
    const assigned = await api.post('/leads').send(buildLead({ assignedTo: body.data._id }));
    expect(assigned.status).toBe(201);
    expect(assigned.body.data.assignedTo).toBe(body.data.userId);
    const stranger = await buildAccount(server);
    const refused = await api.post('/leads').send(buildLead({ assignedTo: stranger.userId }));
    expect(refused.status).toBe(422);
    expect(refused.body.details).toHaveProperty('assignedTo');
  });

  it('lets the account that has the address in only by the invitation', async () => {
    const [admin, other] = [await buildAccount(server), await buildAccount(server)];
    const answer = await admin.portal
      .post('/members')
      .send(buildMember({ email: other.email.toUpperCase(), role: 'viewer' }));
    expect(answer.body.data).toMatchObject({ userId: other.userId, email: other.email });
    const { email, password } = other;
    const login = await anonymous(server).post('/api/login').send({ email, password });
    expect(login.body.workspaces).toMatchObject([{ workspaceId: other.workspaceId, role: 'admin' }]);
    const refused = await anonymous(server)
      .get(`${portalPath(admin.workspaceId)}/members`)
      .set(bearer(other.token));
    expect(refused.status).toBe(403);
  });

  it('adds an address once, however often and however written', async () => {
    const admin = await buildAccount(server);
    const email = buildEmail();
    const answers = await Promise.all(
      [email, email.toUpperCase(), ` ${email}`, email].map((written) =>
        admin.portal.post('/members').send(buildMember({ email: written })),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    const again = await admin.portal.post('/members').send(buildMember({ email }));
    expect(again.body).toEqual({ success: false, error: 'A member with this email exists already' });
    expect((await admin.portal.get('/members')).body.count).toBe(2);
  });

  it.each([
    ['no name', { name: undefined }, 'name'],
    ['a wrong address', { email: 'nowhere' }, 'email'],
    ['an unknown role', { role: 'owner' }, 'role'],
    ['no role', { role: undefined }, 'role'],
    ['a long phone number', { phone: '1'.repeat(33) }, 'phone'],
    ['a password', { password: 'a password that the admin knows' }, 'password'],
    ['no password at all, but said', { password: null }, 'password'],
    ['an operator', { name: { $gt: '' } }, 'name'],
  ])('refuses %s', async (_, overrides, field) => {
    const admin = await buildAccount(server);
    const answer = await admin.portal.post('/members').send(buildMember(overrides));
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual([field]);
  });

  it('is for admins', async () => {
    const admin = await buildAccount(server);
    const manager = await buildColleague(server, admin, 'manager');
    expect((await manager.portal.post('/members').send(buildMember())).status).toBe(403);
  });

  it('makes a team no larger than its lists can show', async () => {
    const admin = await buildAccount(server);
    const workspaceId = new ObjectId(admin.workspaceId);
    const crowd = Array.from({ length: teamMax - 3 }, (_, index) => ({
      _id: new ObjectId(),
      workspaceId,
      userId: new ObjectId(),
      name: 'Crowd',
      email: `${index}@example.com`,
      role: 'viewer' as const,
      createdAt: new Date(),
    }));
    await members(server.ctx.db).insertMany(workspaceId, crowd);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => admin.portal.post('/members').send(buildMember())),
    );
    const invited = answers.filter(({ status }) => status === 201);
    expect(invited.length).toBeLessThanOrEqual(2);
    const refused = answers.find(({ status }) => status !== 201);
    expect(refused?.status).toBe(409);
    expect(refused?.body.error).toBe('A team has at most 1000 members');
    const { apiKey } = await buildPortalKey(admin);
    const team = await withKey(server, admin.workspaceId, apiKey).get('/team');
    expect(team.body.count).toBe(teamMax - 2 + invited.length);
  });
});

describe('GET /api/workspaces/:workspaceId/members', () => {
  it('lists the team in the order of joining, to every member', async () => {
    const admin = await buildAccount(server);
    const viewer = await buildColleague(server, admin, 'viewer');
    const answer = await viewer.portal.get('/members');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      success: true,
      count: 2,
      data: [
        { _id: admin.userId, role: 'admin', email: admin.email, status: 'active' },
        { _id: viewer.userId, role: 'viewer', email: viewer.email, status: 'active' },
      ],
      nextCursor: null,
    });
  });

  it('has pages', async () => {
    const admin = await buildAccount(server);
    for (let invited = 0; invited < 4; invited++) await inviteTo(admin, buildMember());
    const all = (await admin.portal.get('/members')).body.data;
    expect(all).toHaveLength(5);
    const first = (await admin.portal.get('/members?limit=3')).body;
    const second = (await admin.portal.get(`/members?limit=3&cursor=${first.nextCursor}`)).body;
    expect([...first.data, ...second.data]).toEqual(all);
    expect(second).toMatchObject({ count: 2, nextCursor: null });
    for (const query of ['limit=0', 'limit=101', 'cursor=nonsense']) {
      expect((await admin.portal.get(`/members?${query}`)).status).toBe(422);
    }
  });
});

describe('PUT /api/workspaces/:workspaceId/members/:memberId', () => {
  it('changes what is given and leaves the rest', async () => {
    const admin = await buildAccount(server);
    const agent = await buildColleague(server, admin, 'agent');
    const path = `/members/${agent.userId}`;
    const renamed = await admin.portal.put(path).send({ name: 'Renamed', phone: '+919812345678' });
    expect(renamed.status).toBe(200);
    expect(renamed.body.data).toMatchObject({
      _id: agent.userId,
      name: 'Renamed',
      phone: '+919812345678',
      role: 'agent',
      email: agent.email,
    });
    expect((await admin.portal.put(path).send({})).body.data).toEqual(renamed.body.data);
  });

  it('gives and takes the rights of a role at once', async () => {
    const admin = await buildAccount(server);
    const other = await buildColleague(server, admin, 'agent');
    const change = () => other.portal.put('/settings').send({ currency: 'USD' });
    expect((await change()).status).toBe(403);
    await admin.portal.put(`/members/${other.userId}`).send({ role: 'admin' }).expect(200);
    expect((await change()).status).toBe(200);
    await other.portal.put(`/members/${admin.userId}`).send({ role: 'viewer' }).expect(200);
    expect((await admin.portal.put('/settings').send({ currency: 'EUR' })).status).toBe(403);
  });

  it.each([
    ['an unknown role', { role: 'owner' }, 'role'],
    ['no name', { name: '' }, 'name'],
    ['an operator', { phone: { $gt: '' } }, 'phone'],
  ])('refuses %s', async (_, body, field) => {
    const admin = await buildAccount(server);
    const answer = await admin.portal.put(`/members/${admin.userId}`).send(body);
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual([field]);
  });
});

describe('DELETE /api/workspaces/:workspaceId/members/:memberId', () => {
  it('shuts a person out at once, on every server', async () => {
    const admin = await buildAccount(server);
    const agent = await buildColleague(server, admin, 'agent');
    const second = await startServer({}, { name: server.ctx.redisPrefix });
    try {
      const settings = () =>
        anonymous(second)
          .get(`${portalPath(admin.workspaceId)}/settings`)
          .set(bearer(agent.token));
      expect((await settings()).status).toBe(200);
      const answer = await admin.portal.delete(`/members/${agent.userId}`);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ success: true, message: 'Member removed' });
      expect((await agent.portal.get('/settings')).status).toBe(403);
      await vi.waitFor(async () => expect((await settings()).status).toBe(403), { timeout: 1_000 });
    } finally {
      await second.close();
    }
    const me = await anonymous(server).get('/api/auth/user').set(bearer(agent.token));
    expect(me.body.workspaces).toEqual([]);
    expect((await admin.portal.get('/members')).body.count).toBe(1);
    const { apiKey } = await buildPortalKey(admin);
    const assigned = await withKey(server, admin.workspaceId, apiKey)
      .post('/leads')
      .send(buildLead({ assignedTo: agent.userId }));
    expect(assigned.status).toBe(422);
  });

  it('leaves the account and its own workspace', async () => {
    const [admin, other] = [await buildAccount(server), await buildAccount(server)];
    const token = await inviteTo(admin, buildMember({ email: other.email }));
    await anonymous(server)
      .post('/api/invitations/accept')
      .set(bearer(other.token))
      .send({ token })
      .expect(200);
    await admin.portal.delete(`/members/${other.userId}`).expect(200);
    expect((await other.portal.get('/settings')).status).toBe(200);
  });

  it('lets them come back by a new invitation', async () => {
    const admin = await buildAccount(server);
    const agent = await buildColleague(server, admin, 'agent');
    await admin.portal.delete(`/members/${agent.userId}`).expect(200);
    const token = await inviteTo(admin, buildMember({ email: agent.email }));
    const { password } = agent;
    await anonymous(server).post('/api/invitations/accept').send({ token, password }).expect(200);
    expect((await agent.portal.get('/settings')).status).toBe(200);
  });
});

describe('the last admin', () => {
  const last = { success: false, error: 'A workspace needs an admin, and this is the last one' };

  it('is neither removed nor demoted', async () => {
    const admin = await buildAccount(server);
    await buildColleague(server, admin, 'manager');
    // An admin who has not come yet is none.
    await inviteTo(admin, buildMember({ role: 'admin' }));
    const path = `/members/${admin.userId}`;
    for (const answer of [
      await admin.portal.delete(path),
      await admin.portal.put(path).send({ role: 'manager' }),
    ]) {
      expect(answer.status).toBe(409);
      expect(answer.body).toEqual(last);
    }
    expect((await admin.portal.put(path).send({ role: 'admin', name: 'Still here' })).status).toBe(200);
  });

  it('may go once there is another', async () => {
    const admin = await buildAccount(server);
    const other = await buildColleague(server, admin, 'admin');
    expect((await admin.portal.delete(`/members/${admin.userId}`)).status).toBe(200);
    const answer = await other.portal.delete(`/members/${other.userId}`);
    expect(answer.status).toBe(409);
  });

  it.each([
    ['remove', (one: Account, other: Account) => one.portal.delete(`/members/${other.userId}`)],
    [
      'demote',
      (one: Account, other: Account) => one.portal.put(`/members/${other.userId}`).send({ role: 'agent' }),
    ],
  ])('is left when two %s each other at once', async (_, act) => {
    for (let round = 0; round < 5; round++) {
      const first = await buildAccount(server);
      const second = await buildColleague(server, first, 'admin');
      const answers = await Promise.all([act(first, second), act(second, first)]);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      const remaining = answers[0]?.status === 200 ? first : second;
      const team = (await remaining.portal.get('/members')).body.data as { role: string }[];
      expect(team.filter(({ role }) => role === 'admin')).toHaveLength(1);
    }
  });

  it('is not forgotten by promotions and demotions that overtake each other', async () => {
    const admin = await buildAccount(server);
    const other = await buildColleague(server, admin, 'agent');
    const set = (role: string) => admin.portal.put(`/members/${other.userId}`).send({ role });
    const roles = ['admin', 'agent', 'admin', 'viewer', 'admin', 'agent'];
    const answers = await Promise.all(roles.map(set));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await set('agent').expect(200);
    expect((await admin.portal.delete(`/members/${admin.userId}`)).status).toBe(409);
  });
});

describe('POST /api/workspaces/:workspaceId/members/:memberId/invitation', () => {
  it('invites again, and the earlier invitation is void', async () => {
    const admin = await buildAccount(server);
    const { body } = await admin.portal.post('/members').send(buildMember());
    const again = await admin.portal.post(`/members/${body.data._id}/invitation`);
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({
      success: true,
      data: { _id: body.data._id, status: 'invited' },
      invitation: { token: expect.any(String) },
    });
    const accept = (token: string) =>
      anonymous(server).post('/api/invitations/accept').send({ token, password: 'a new password' });
    expect((await accept(body.invitation.token)).status).toBe(422);
    expect((await accept(again.body.invitation.token)).status).toBe(200);
    const late = await admin.portal.post(`/members/${body.data._id}/invitation`);
    expect(late.status).toBe(409);
    expect(late.body).toEqual({ success: false, error: 'The member has joined already' });
  });
});

describe('what changes the team', () => {
  const requests = (account: Account, id: string) => [
    account.portal.put(`/members/${id}`).send({ name: 'Another' }),
    account.portal.delete(`/members/${id}`),
    account.portal.post(`/members/${id}/invitation`),
  ];

  it('is for admins', async () => {
    const admin = await buildAccount(server);
    const manager = await buildColleague(server, admin, 'manager');
    for (const request of requests(manager, admin.userId)) expect((await request).status).toBe(403);
  });

  it("does not find an unknown member, or another workspace's", async () => {
    const [admin, other] = [await buildAccount(server), await buildAccount(server)];
    for (const id of [other.userId, '65b8c47f4e2cfc1df3a75111', 'nonsense']) {
      for (const request of requests(admin, id)) {
        const answer = await request;
        expect(answer.status).toBe(404);
        expect(answer.body).toEqual({ success: false, error: 'Member not found' });
      }
    }
  });
});

describe.each(['/team', '/users'])('GET %s', (path) => {
  it('lists the team', async () => {
    const { api, workspaceId, memberId } = await buildTenant(server);
    const answer = await api.get(path);
    expect(answer.body).toEqual({
      success: true,
      count: 1,
      data: [
        {
          _id: memberId,
          userId: memberId,
          name: 'Meera Member',
          email: expect.any(String),
          role: 'agent',
          workspaceId,
          createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
        },
      ],
    });
    expect(answer.status).toBe(200);
  });

  it('needs a credential with team.read for the workspace, and the module', async () => {
    const { workspaceId, api } = await buildTenant(server, { scopes: ['lead.read', 'metadata.read'] });
    expect((await anonymous(server).get(`${workspacePath(workspaceId)}${path}`)).status).toBe(401);
    const lacking = await api.get(path);
    expect(lacking.status).toBe(403);
    expect(lacking.body).toEqual({ success: false, error: 'This operation needs the scope team.read' });
    const other = await buildTenant(server);
    expect((await withKey(server, workspaceId, other.apiKey).get(path)).status).toBe(403);
    const without = await buildTenant(server, { settings: { modules: ['leads'] } });
    const off = await without.api.get(path);
    expect(off.status).toBe(403);
    expect(off.body.error).toBe('This module is disabled for the workspace');
  });
});

describe('GET /users/{userId}', () => {
  it('shows a user', async () => {
    const { api, memberId } = await buildTenant(server);
    const answer = await api.get(`/users/${memberId}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ success: true, data: (await api.get('/users')).body.data[0] });
  });

  it("answers 404 for an unknown or malformed id, and for another workspace's user", async () => {
    const { api } = await buildTenant(server);
    const other = await buildTenant(server);
    for (const id of [other.memberId, '65b8c47f4e2cfc1df3a75111', 'nonsense', 'x'.repeat(10_000)]) {
      const answer = await api.get(`/users/${id}`);
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual({ success: false, error: 'User not found' });
    }
  });

  it('needs team.read', async () => {
    const { api, memberId } = await buildTenant(server, { scopes: ['lead.read'] });
    expect((await api.get(`/users/${memberId}`)).status).toBe(403);
  });
});
