import { describe, expect, it } from 'vitest';
import {
  anonymous,
  buildAccount,
  buildColleague,
  buildEmail,
  buildPortalKey,
  withKey,
} from '../helpers/accounts.ts';
import { buildLead, buildTenant, useServer, workspacePath } from '../helpers/app.ts';

const server = useServer();

const buildMember = (overrides: Record<string, unknown> = {}) => ({
  name: 'Arjun Agent',
  email: buildEmail(),
  role: 'agent',
  ...overrides,
});

describe('POST /api/workspaces/:workspaceId/members', () => {
  it('adds a person to the team', async () => {
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
      },
    });
    expect(answer.status).toBe(201);
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

  it('takes the account that has the address', async () => {
    const [admin, other] = [await buildAccount(server), await buildAccount(server)];
    const answer = await admin.portal
      .post('/members')
      .send(buildMember({ email: other.email.toUpperCase(), role: 'viewer' }));
    expect(answer.body.data).toMatchObject({ userId: other.userId, email: other.email });
    const login = await anonymous(server)
      .post('/api/login')
      .send({ email: other.email, password: other.password });
    expect(login.body.workspaces).toMatchObject([
      { workspaceId: other.workspaceId, role: 'admin' },
      { workspaceId: admin.workspaceId, role: 'viewer' },
    ]);
  });

  it('opens an account with the given password', async () => {
    const admin = await buildAccount(server);
    const agent = await buildColleague(server, admin, 'agent');
    expect((await agent.portal.get('/members')).body.count).toBe(2);
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
    ['a short password', { password: 'short' }, 'password'],
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
        { _id: admin.userId, role: 'admin', email: admin.email },
        { _id: viewer.userId, role: 'viewer', email: viewer.email },
      ],
    });
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
