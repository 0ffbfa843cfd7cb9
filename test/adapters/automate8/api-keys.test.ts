import { describe, expect, it } from 'vitest';
import { automate8Examples } from '../../contract/automate8.ts';
import { bearer, buildColleague } from '../../helpers/accounts.ts';
import { buildApiKey, useServer } from '../../helpers/app.ts';
import { automate8, buildAutomate8, lacks, uuidPattern } from '../../helpers/automate8.ts';

const server = useServer({ isRateLimitSet: false });
const permissions = { contacts: ['read'], analytics: ['read', 'export'] };
const later = () => new Date(Date.now() + 86_400_000).toISOString();

describe('/api/api-keys', () => {
  it('generates, lists, changes, regenerates and deletes keys as documented', async () => {
    const { person, workspaceId, account } = await buildAutomate8(server);
    const made = await person.post('/api/api-keys', {
      name: 'Mobile App Integration',
      permissions,
      expires_at: later(),
      prefix: 'crm_live_',
    });
    expect(made.status).toBe(201);
    expect(lacks(automate8Examples['POST /api/api-keys'], made.body)).toEqual([]);
    const { id, key, key_full, key_prefix, created_by } = made.body.data;
    expect([key_full, key.startsWith(key_prefix), key_prefix.length]).toEqual([key, true, 15]);
    expect(created_by).toContain(account.userId.slice(0, 8));
    expect(made.body.data).toMatchObject({
      permissions,
      is_active: true,
      id: expect.stringMatching(uuidPattern),
    });

    const api = automate8(server, bearer(key));
    const reading = `/api/contacts/search?workspace_id=${workspaceId}&firstname=a`;
    expect((await api.get(reading)).status).toBe(200);
    expect((await api.post('/api/contacts', {})).status).toBe(403);

    const list = await person.get(`/api/api-keys?workspace_id=${workspaceId}`);
    expect(list.status).toBe(200);
    const [row] = list.body.data;
    expect(lacks(automate8Examples['GET /api/api-keys'], list.body)).toEqual([]);
    expect(row).toMatchObject({ id, key_full: null, key_prefix, permissions, is_active: true });
    expect(Date.parse(row.last_used_at)).toBeGreaterThan(Date.now() - 60_000);

    const changed = await person.put(`/api/api-keys/${id}`, {
      name: 'Updated Key Name',
      permissions: { contacts: ['write'] },
      is_active: false,
      expires_at: null,
    });
    expect(changed.status).toBe(200);
    expect(lacks(automate8Examples['PUT /api/api-keys/:id'], changed.body)).toEqual([]);
    expect(changed.body.data).toMatchObject({
      name: 'Updated Key Name',
      permissions: { contacts: ['write'] },
      is_active: false,
      expires_at: null,
    });
    expect((await api.post('/api/contacts', {})).status).toBe(401);
    await person.put(`/api/api-keys/${id}`, { is_active: true });
    expect((await api.post('/api/contacts', {})).status).toBe(400);
    expect((await api.get(reading)).status).toBe(403);

    const regenerated = await person.post(`/api/api-keys/${id}/regenerate`);
    expect(regenerated.status).toBe(200);
    expect(lacks(automate8Examples['POST /api/api-keys/:id/regenerate'], regenerated.body)).toEqual([]);
    expect(regenerated.body.data.key.startsWith(regenerated.body.data.key_prefix)).toBe(true);
    expect((await api.post('/api/contacts', {})).status).toBe(401);
    const renewed = automate8(server, bearer(regenerated.body.data.key));
    expect((await renewed.post('/api/contacts', {})).status).toBe(400);

    const deleted = await person.delete(`/api/api-keys/${id}`);
    expect(deleted.body).toEqual({
      success: true,
      message: "API key 'Updated Key Name' deleted successfully",
    });
    expect((await renewed.post('/api/contacts', {})).status).toBe(401);
    expect((await person.delete(`/api/api-keys/${id}`)).status).toBe(404);
  });

  it('lists native keys too, which are rotated where they were made', async () => {
    const { person, workspaceId } = await buildAutomate8(server);
    await buildApiKey(server, workspaceId, { name: 'Native', scopes: ['lead.read', 'lead.write'] });
    await buildApiKey(server, workspaceId, { name: 'Cratio', kind: 'cratio', permissions: ['read'] });
    const { data } = (await person.get(`/api/api-keys?workspace_id=${workspaceId}`)).body;
    const named = (name: string) => data.find((key: { name: string }) => key.name === name);
    expect(named('Native')).toMatchObject({
      key_prefix: 'qvoo_live_',
      permissions: { lead: ['read', 'write'] },
      last_used_at: null,
    });
    expect(named('Cratio')).toMatchObject({ key_prefix: 'le_live_', permissions: { cratio: ['read'] } });
    const refused = await person.post(`/api/api-keys/${named('Native').id}/regenerate`);
    expect([refused.status, refused.body.success]).toEqual([409, false]);
    expect((await person.put(`/api/api-keys/${named('Native').id}`, { permissions })).status).toBe(400);
    expect((await person.put(`/api/api-keys/${named('Native').id}`, { name: 'New' })).status).toBe(200);
    expect((await person.delete(`/api/api-keys/${named('Cratio').id}`)).status).toBe(200);
  });

  it('is for admins with a JWT: keys, and other roles, get 403', async () => {
    const { api, account, workspaceId } = await buildAutomate8(server);
    const path = `/api/api-keys?workspace_id=${workspaceId}`;
    expect((await api.get(path)).status).toBe(403);
    expect((await api.post('/api/api-keys', {})).status).toBe(403);
    const { token } = await buildColleague(server, account, 'manager');
    expect((await automate8(server, bearer(token)).get(path)).status).toBe(403);
  });

  it.each([
    [{}, 'Missing required fields: name, permissions'],
    [{ name: ' ', permissions: null }, 'Missing required fields: name, permissions'],
    [{ name: 'x', permissions: {} }, undefined],
    [{ name: 'x', permissions: { tags: ['fly'] } }, undefined],
    [{ name: 'x', permissions: ['tags'] }, undefined],
    [{ name: 'x', permissions, prefix: 'crm_test_' }, undefined],
    [{ name: 'x', permissions, expires_at: '2020-01-01T00:00:00Z' }, undefined],
    [{ name: 'x', permissions, expires_at: 'soon' }, undefined],
  ])('answers 400 to %j', async (body, error) => {
    const { person, workspaceId } = await buildAutomate8(server);
    const answer = await person.post('/api/api-keys', body);
    expect(answer.status).toBe(400);
    expect(answer.body.success).toBe(false);
    if (error) expect(answer.body).toEqual({ success: false, error });
    const list = await person.get(`/api/api-keys?workspace_id=${workspaceId}`);
    expect(list.body.data).toHaveLength(1);
  });

  it('demands the workspace of a list', async () => {
    const { person } = await buildAutomate8(server);
    const answer = await person.get('/api/api-keys');
    expect([answer.status, answer.body]).toEqual([
      400,
      { success: false, error: 'Missing required fields: workspace_id' },
    ]);
  });

  it('changes nothing of a revoked key but by regenerating it', async () => {
    const { person, keyId, workspaceId } = await buildAutomate8(server);
    const { apiKeys } = await import('../../../src/features/platform/api-keys/model.ts');
    const { ObjectId } = await import('../../../src/lib/ids.ts');
    const { toUuid } = await import('../../../src/lib/uuid.ts');
    const _id = new ObjectId(keyId);
    await apiKeys(server.ctx.db).updateOne(
      new ObjectId(workspaceId),
      { _id },
      { $set: { status: 'revoked' } },
    );
    const revive = await person.put(`/api/api-keys/${toUuid(_id)}`, { is_active: true });
    expect(revive.status).toBe(409);
    expect((await person.post(`/api/api-keys/${toUuid(_id)}/regenerate`)).status).toBe(200);
  });
});
