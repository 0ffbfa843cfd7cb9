import { describe, expect, it } from 'vitest';
import {
  anonymous,
  bearer,
  buildAccount,
  buildColleague,
  buildPortalKey,
  inviteTo,
  portalPath,
} from '../helpers/accounts.ts';
import { buildApiKey, buildTenant, startServer, useServer, workspacePath } from '../helpers/app.ts';

const server = useServer();

const get = (path: string, headers: Record<string, string>) => anonymous(server).get(path).set(headers);

describe('the public API', () => {
  it('takes the key in any case of its header name, and only whole', async () => {
    const { workspaceId, apiKey } = await buildTenant(server);
    const path = workspacePath(workspaceId);
    expect((await get(path, { 'x-api-key': apiKey })).status).toBe(200);
    for (const wrong of [
      apiKey.slice(0, -1),
      `${apiKey}x`,
      apiKey.toUpperCase(),
      '',
      'undefined',
      `${apiKey}, ${apiKey}`,
    ]) {
      const answer = await get(path, { 'X-API-Key': wrong });
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({ success: false, error: 'Invalid or missing credentials' });
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
  });

  it('takes no key from the query or the body', async () => {
    const { workspaceId, apiKey } = await buildTenant(server);
    const path = workspacePath(workspaceId);
    expect((await get(`${path}?api_key=${apiKey}&X-API-Key=${apiKey}`, {})).status).toBe(401);
  });

  it('takes the workspace id in any case', async () => {
    const { workspaceId, apiKey } = await buildTenant(server);
    const answer = await get(workspacePath(workspaceId.toUpperCase()), { 'X-API-Key': apiKey });
    expect(answer.status).toBe(200);
    expect(answer.body.data.workspaceId).toBe(workspaceId);
  });

  it('lets a wrong token count for more than a right key', async () => {
    const { workspaceId, apiKey } = await buildTenant(server);
    const path = workspacePath(workspaceId);
    expect((await get(path, { 'X-API-Key': apiKey, ...bearer('wrong') })).status).toBe(401);
    expect((await get(path, { 'X-API-Key': apiKey, Authorization: 'Basic eDp5' })).status).toBe(200);
  });

  it('names the scope that is missing', async () => {
    const { workspaceId } = await buildTenant(server);
    const { apiKey } = await buildApiKey(server, workspaceId, { scopes: ['lead.read'] });
    const path = workspacePath(workspaceId);
    expect((await get(`${path}/leads`, { 'X-API-Key': apiKey })).status).toBe(200);
    const refused = await anonymous(server).post(`${path}/leads`).set('X-API-Key', apiKey).send({});
    expect(refused.status).toBe(403);
    expect(refused.body).toEqual({ success: false, error: 'This operation needs the scope lead.write' });
  });

  it('tells a module that is off', async () => {
    const { api } = await buildTenant(server, { settings: { modules: ['contacts'] } });
    expect((await api.get('/contacts')).status).toBe(200);
    const refused = await api.get('/leads');
    expect(refused.status).toBe(403);
    expect(refused.body).toEqual({ success: false, error: 'This module is disabled for the workspace' });
  });
});

describe('allowed addresses', () => {
  it('are compared with the address that a trusted proxy names', async () => {
    const trusting = await startServer({ trustProxy: 1 });
    try {
      const { workspaceId, apiKey } = await buildTenant(trusting, {
        key: { allowedIps: ['203.0.113.0/24'] },
      });
      const from = (address: string) =>
        anonymous(trusting)
          .get(workspacePath(workspaceId))
          .set({ 'X-API-Key': apiKey, 'X-Forwarded-For': address });
      expect((await from('203.0.113.7')).status).toBe(200);
      expect((await from('203.0.114.7')).status).toBe(403);
      expect((await from('nonsense')).status).toBe(403);
    } finally {
      await trusting.close();
    }
  });

  it('are not taken from a header otherwise', async () => {
    const { workspaceId, apiKey } = await buildTenant(server, { key: { allowedIps: ['203.0.113.0/24'] } });
    const headers = { 'X-API-Key': apiKey, 'X-Forwarded-For': '203.0.113.7' };
    const answer = await get(workspacePath(workspaceId), headers);
    expect(answer.status).toBe(403);
    expect(answer.body).toEqual({ success: false, error: 'This address may not use the credential' });
  });
});

describe('the Developer Portal', () => {
  it('takes the token, or the cookie of the browser', async () => {
    const account = await buildAccount(server);
    const path = `${portalPath(account.workspaceId)}/settings`;
    expect((await get(path, bearer(account.token))).status).toBe(200);
    expect((await get(path, { Cookie: `session=${account.token}` })).status).toBe(200);
    expect((await get(path, { Cookie: `session=${account.token}`, ...bearer('wrong') })).status).toBe(401);
  });

  it('takes no key and no access token', async () => {
    const account = await buildAccount(server);
    const key = await buildPortalKey(account);
    const { body } = await anonymous(server)
      .post('/api/v1/oauth/token')
      .send({ client_id: key.clientId, client_secret: key.clientSecret, grant_type: 'client_credentials' });
    const path = `${portalPath(account.workspaceId)}/settings`;
    for (const headers of [{ 'X-API-Key': key.apiKey }, bearer(body.access_token), bearer(key.apiKey)]) {
      expect((await get(path, headers)).status).toBe(401);
    }
  });

  it('keeps workspaces apart', async () => {
    const [account, other] = [await buildAccount(server), await buildAccount(server)];
    for (const id of [other.workspaceId, '65b8c47f4e2cfc1df3a75111', 'nonsense', '%00']) {
      const answer = await get(`${portalPath(id)}/settings`, bearer(account.token));
      expect(answer.status).toBe(403);
      expect(answer.body).toEqual({ success: false, error: 'You are not a member of this workspace' });
    }
  });

  it('gives a person in two workspaces the role of each', async () => {
    const [account, other] = [await buildAccount(server), await buildAccount(server)];
    const token = await inviteTo(other, { name: account.name, email: account.email, role: 'agent' });
    await anonymous(server)
      .post('/api/invitations/accept')
      .set(bearer(account.token))
      .send({ token })
      .expect(200);
    const change = (workspaceId: string) =>
      anonymous(server)
        .put(`${portalPath(workspaceId)}/settings`)
        .set(bearer(account.token))
        .send({ currency: 'USD' });
    expect((await change(account.workspaceId)).status).toBe(200);
    expect((await change(other.workspaceId)).status).toBe(403);
    const colleague = await buildColleague(server, account, 'viewer');
    expect((await colleague.portal.get('/settings')).status).toBe(200);
  });
});
