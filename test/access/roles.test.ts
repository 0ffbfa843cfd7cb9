import { describe, expect, it } from 'vitest';
import { declaredBy, scopeGroupsOf } from '../../src/access/declared.ts';
import { features } from '../../src/features.ts';
import { entity } from '../../src/records/entity/entity.ts';
import { text } from '../../src/records/entity/kinds.ts';
import { type Role, roles } from '../../src/tenancy/actor.ts';
import {
  type Account,
  anonymous,
  bearer,
  buildAccount,
  buildColleague,
  buildPortalKey,
  portalPath,
} from '../helpers/accounts.ts';
import { apiOf, buildLead, startServer, useServer, workspacePath } from '../helpers/app.ts';

const server = useServer();

const { scopes, grantsOfRole } = declaredBy(features);

describe('the table of roles', () => {
  it('gives each role what decisions say, and all that those below it have', () => {
    const added = (role: Role, below?: Role) =>
      [...grantsOfRole[role]].filter((grant) => !below || !grantsOfRole[below].has(grant)).sort();
    expect(added('viewer')).toEqual([
      'activity.read',
      'company.read',
      'contact.read',
      'customer.read',
      'deal.read',
      'lead.read',
      'message.read',
      'metadata.read',
      'property.read',
      'tag.read',
      'task.read',
      'team.read',
    ]);
    expect(added('agent', 'viewer')).toEqual([
      'activity.write',
      'company.write',
      'contact.write',
      'customer.write',
      'deal.write',
      'lead.write',
      'message.send',
      'property.write',
      'tag.write',
      'task.write',
    ]);
    expect(added('manager', 'agent')).toEqual([
      'record.assign',
      'record.bulk',
      'record.merge',
      'structure.change',
    ]);
    expect(added('admin', 'manager')).toEqual([
      'key.manage',
      'member.manage',
      'provider.manage',
      'setting.manage',
      'webhook.manage',
    ]);
    for (const [role, below] of [
      ['agent', 'viewer'],
      ['manager', 'agent'],
      ['admin', 'manager'],
    ] as const) {
      expect([...grantsOfRole[role]]).toEqual(expect.arrayContaining([...grantsOfRole[below]]));
    }
    expect([...grantsOfRole.admin]).toEqual(expect.arrayContaining([...scopes]));
  });
});

describe('what a feature declares', () => {
  const boat = entity({ name: 'boat', path: '/boats', fields: { name: text() } });
  const harbour = entity({
    name: 'harbour',
    path: '/harbours',
    scopes: boat.scopes,
    module: boat.module,
    fields: { name: text() },
  });
  const declared = declaredBy([...features, { entities: [boat, harbour], modules: ['charts'] }]);

  it('adds the scopes of its entities, which roles have by their verbs', () => {
    expect(declared.scopes.filter((scope) => !scopes.includes(scope))).toEqual(['boat.read', 'boat.write']);
    const having = (scope: 'boat.read' | 'boat.write') =>
      roles.filter((role) => declared.grantsOfRole[role].has(scope));
    expect(having('boat.read')).toEqual(['admin', 'manager', 'agent', 'viewer']);
    expect(having('boat.write')).toEqual(['admin', 'manager', 'agent']);
  });

  it('adds their modules and its own', () => {
    const { modules } = declaredBy(features);
    expect(declared.modules.filter((module) => !modules.includes(module))).toEqual(['boats', 'charts']);
  });

  it('stands in the API document in one line for all that the scopes open', () => {
    expect(scopeGroupsOf([{ entities: [boat, harbour] }])).toEqual([
      { scopes: ['boat.read', 'boat.write'], opens: 'boats, harbours' },
    ]);
    expect(scopeGroupsOf(features)).toContainEqual({
      scopes: ['lead.read', 'lead.write'],
      opens: 'leads, their comments, notes and activities',
    });
  });
});

describe('the record operations for signed-in people', () => {
  it('are those of the public API, by token and by cookie', async () => {
    const account = await buildAccount(server);
    const created = await account.portal.post('/leads').send(buildLead({ name: 'By session' }));
    expect(created.status).toBe(201);
    expect(created.headers.etag).toMatch(/^W\//);
    const { _id: id } = created.body.data;
    const { apiKey } = await buildPortalKey(account);
    const byKey = apiOf(server, workspacePath(account.workspaceId), { 'X-API-Key': apiKey });
    expect((await byKey.get(`/leads/${id}`)).body).toEqual(created.body);
    const byCookie = apiOf(server, portalPath(account.workspaceId), { Cookie: `session=${account.token}` });
    const patched = await byCookie.patch(`/leads/${id}`).send({ status: 'contacted' });
    expect(patched.status).toBe(200);
    const noted = await byCookie
      .post(`/leads/${id}/activities`)
      .send({ type: 'note', description: 'Called' });
    expect(noted.body.data).toMatchObject({ description: 'Called' });
    const foreign = await byCookie
      .patch(`/leads/${id}`)
      .set({ Origin: 'https://elsewhere.example', 'Sec-Fetch-Site': 'cross-site' })
      .send({ status: 'lost' });
    expect(foreign.status).toBe(403);
    expect((await byCookie.get('/leads/sync')).status).toBe(200);
  });

  it('are worth nothing to keys, nor is a session to the public API', async () => {
    const account = await buildAccount(server);
    const { apiKey } = await buildPortalKey(account);
    const get = (path: string, headers: Record<string, string>) => anonymous(server).get(path).set(headers);
    const [people, clients] = [portalPath, workspacePath].map((path) => `${path(account.workspaceId)}/leads`);
    expect((await get(`${people}`, { 'X-API-Key': apiKey })).status).toBe(401);
    expect((await get(`${people}`, bearer(apiKey))).status).toBe(401);
    expect((await get(`${clients}`, bearer(account.token))).status).toBe(401);
    expect((await get(`${clients}`, { Cookie: `session=${account.token}` })).status).toBe(401);
  });

  it('follow a change of role at once, and name the role that is missing', async () => {
    const admin = await buildAccount(server);
    const viewer = await buildColleague(server, admin, 'viewer');
    const agent = await buildColleague(server, admin, 'agent');
    const manager = await buildColleague(server, admin, 'manager');
    const bulk = (someone: Account) => someone.portal.post('/leads/bulk').send({ leads: [buildLead()] });
    expect((await viewer.portal.get('/leads')).status).toBe(200);
    const refused = await viewer.portal.post('/leads').send(buildLead());
    expect(refused.status).toBe(403);
    expect(refused.body).toEqual({ success: false, error: 'This needs the role agent' });
    expect((await agent.portal.post('/leads').send(buildLead())).status).toBe(201);
    expect((await bulk(agent)).body.error).toBe('This needs the role manager');
    expect((await bulk(manager)).status).toBe(201);
    expect((await manager.portal.get('/webhooks')).body.error).toBe('This needs the role admin');
    expect((await admin.portal.get('/webhooks')).status).toBe(200);
  });

  it('are counted for each person alone', async () => {
    const strict = await startServer({ rateLimit: { perMinute: 20, perHour: 1_000 } });
    try {
      const [one, other] = [await buildAccount(strict), await buildAccount(strict)];
      const first = await one.portal.get('/leads');
      const second = await other.portal.get('/leads');
      for (const { headers } of [first, second]) expect(headers['x-ratelimit-remaining']).toBe('19');
    } finally {
      await strict.close();
    }
  });

  it('need the module, and stand in the document once', async () => {
    const account = await buildAccount(server);
    await account.portal
      .put('/settings')
      .send({ modules: ['contacts'] })
      .expect(200);
    expect((await account.portal.get('/contacts')).status).toBe(200);
    expect((await account.portal.get('/leads')).body.error).toBe('This module is disabled for the workspace');
    const document = server.app.nativeDocument() as { paths: object; info: { description: string } };
    expect(document.paths).not.toHaveProperty('/api/workspaces/{workspaceId}/leads');
    expect(document.paths).toHaveProperty('/api/v1/workspaces/{workspaceId}/leads');
    expect(document.info.description).toContain('/api/workspaces/{workspaceId}');
  });
});
