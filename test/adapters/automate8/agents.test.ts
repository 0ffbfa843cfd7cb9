import { describe, expect, it } from 'vitest';
import { automate8Examples } from '../../contract/automate8.ts';
import { buildColleague } from '../../helpers/accounts.ts';
import { apiOf, buildApiKey, buildLead, useServer, workspacePath } from '../../helpers/app.ts';
import { buildAutomate8, lacks, uuidPattern } from '../../helpers/automate8.ts';

const server = useServer();

async function buildTeam() {
  const client = await buildAutomate8(server);
  const { account, workspaceId } = client;
  const agent = await buildColleague(server, account, 'agent');
  await account.portal
    .post('/members')
    .send({ name: 'Vera Viewer', email: `vera.${workspaceId}@example.com`, role: 'viewer' });
  const native = apiOf(server, workspacePath(workspaceId), {
    'X-API-Key': (await buildApiKey(server, workspaceId)).apiKey,
  });
  const assignedTo = agent.userId;
  await native.post('/leads').send(buildLead({ assignedTo }));
  await native.post('/deals').send({ title: 'Open', assignedTo });
  const won = (await native.post('/deals').send({ title: 'Won', assignedTo })).body.data;
  await native.patch(`/deals/${won._id}`).send({ status: 'won' });
  await native.post('/tasks').send({ title: 'Call', assignedTo });
  const task = (await native.post('/tasks').send({ title: 'Done', assignedTo })).body.data;
  await native.post(`/tasks/${task._id}/complete`);
  return { ...client, agent };
}

describe('/api/agents', () => {
  it('shows the team, with what each has in hand', async () => {
    const { api, agent, account } = await buildTeam();
    const list = async (query = '') => {
      const answer = await api.get(`/api/agents${query}`);
      expect({ query, status: answer.status }).toEqual({ query, status: 200 });
      return answer.body;
    };
    const all = await list();
    expect(lacks(automate8Examples['GET /api/agents'], all)).toEqual([]);
    expect(all.data).toMatchObject([
      { email: account.email, role: 'admin', status: 'active', active_assignments: 0, avatar: null },
      { email: agent.email, role: 'agent', status: 'active', active_assignments: 3 },
      { name: 'Vera Viewer', role: 'viewer', status: 'pending', active_assignments: 0, last_active: null },
    ]);
    expect(all.data[1]).toMatchObject({
      id: expect.stringMatching(uuidPattern),
      last_active: expect.any(String),
    });
    for (const [query, count] of [
      ['?role=agent', 1],
      ['?role=manager', 0],
      ['?status=pending', 1],
      ['?status=active', 2],
      ['?status=inactive', 0],
      ['?search=VERA', 1],
      [`?search=${agent.email}`, 1],
    ] as const) {
      expect({ query, count: (await list(query)).data.length }).toEqual({ query, count });
    }
    const bare = await list('?include_assignments=false');
    expect(bare.data[0]).not.toHaveProperty('active_assignments');
    for (const query of ['?role=owner', '?status=away', '?include_assignments=maybe']) {
      expect((await api.get(`/api/agents${query}`)).status).toBe(400);
    }
  });

  it('shows one of them, and nobody else', async () => {
    const { api, agent } = await buildTeam();
    const { data } = (await api.get('/api/agents')).body;
    const one = await api.get(`/api/agents/${data[1].id}`);
    expect(one.body.data).toEqual(data[1]);
    const stranger = await buildAutomate8(server);
    const [theirs] = (await stranger.api.get('/api/agents')).body.data;
    for (const id of [theirs.id, agent.userId, 'unknown']) {
      expect((await api.get(`/api/agents/${id}`)).status).toBe(404);
    }
  });

  it('counts them by role and by what they have in hand, most first', async () => {
    const { api, agent } = await buildTeam();
    const answer = await api.get('/api/agents/stats');
    expect(lacks(automate8Examples['GET /api/agents/stats'], answer.body)).toEqual([]);
    expect(answer.body.data).toMatchObject({
      total_agents: 3,
      active_agents: 2,
      by_role: { admin: 1, manager: 0, agent: 1, viewer: 1 },
      assignment_distribution: [
        { agent_name: agent.name, assignment_count: 3 },
        { assignment_count: 0 },
        { assignment_count: 0 },
      ],
    });
  });
});
