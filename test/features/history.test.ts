import { describe, expect, it } from 'vitest';
import { ObjectId } from '../../src/lib/ids.ts';
import { history } from '../../src/records/history.ts';
import { apiOf, buildApiKey, buildTenant, type Tenant, useServer, workspacePath } from '../helpers/app.ts';
import { createLead, createProperty, createTask } from '../helpers/factories.ts';

const server = useServer();

interface Row {
  _id: string;
  record: { type: string; id: string };
  action: string;
  changes: Record<string, [unknown, unknown]>;
  actor: { kind: string; id: string };
  contract?: string;
  at: string;
}

const rowsAt = async (tenant: Tenant, path: string): Promise<Row[]> => {
  await server.ctx.relay.idle();
  return (await tenant.api.get(path).expect(200)).body.data;
};

describe('GET …/{entity}/{id}/history', () => {
  it('has a row for each version, newest first, with what changed, by whom and through which contract', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant, { name: 'Asha Rao', fields: { budget: 5 } });
    const path = `/leads/${lead._id}`;
    const changed = await tenant.api
      .patch(path)
      .send({ status: 'contacted', fields: { budget: 7, rooms: 3 } });
    await tenant.api.patch(path).send({ status: 'contacted' }).expect(200);
    await tenant.api.post(`${path}/archive`).expect(200);
    const [archived, updated, created, ...others] = await rowsAt(tenant, `${path}/history`);
    expect(others).toEqual([]);
    const author = {
      record: { type: 'lead', id: lead._id },
      actor: { kind: 'apiKey', id: tenant.keyId },
      contract: 'native',
    };
    expect(created).toMatchObject({ ...author, action: 'created', at: lead.createdAt });
    expect(created?.changes).toMatchObject({
      name: [null, 'Asha Rao'],
      'fields.budget': [null, 5],
      status: [null, 'new'],
    });
    expect(created?.changes).not.toHaveProperty('mobileE164');
    expect(updated).toMatchObject({ ...author, action: 'updated', at: changed.body.data.updatedAt });
    expect(updated?.changes).toEqual({
      status: ['new', 'contacted'],
      'fields.budget': [5, 7],
      'fields.rooms': [null, 3],
    });
    expect(archived).toMatchObject({ ...author, action: 'archived' });
    expect(Object.keys(archived?.changes ?? {})).toEqual(['archivedAt']);
  });

  it('goes on by cursor', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant, { city: '0' });
    for (const city of ['1', '2', '3', '4']) await tenant.api.patch(`/leads/${lead._id}`).send({ city });
    const cities: unknown[] = [];
    await server.ctx.relay.idle();
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: string = cursor && `&cursor=${cursor}`;
      const { body }: { body: { data: Row[]; nextCursor: string | null } } = await tenant.api
        .get(`/leads/${lead._id}/history?limit=2${page}`)
        .expect(200);
      cities.push(...body.data.map(({ changes }: Row) => changes.city?.[1]));
      cursor = body.nextCursor;
    }
    expect(cities).toEqual(['4', '3', '2', '1', '0']);
  });

  it('cuts what is long, and stays small whatever the record holds', async () => {
    const tenant = await buildTenant(server);
    const long = 'x'.repeat(15_000);
    const fields = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`field${index}`, long.slice(0, 1_000)]),
    );
    const lead = await createLead(tenant, { company: 'y'.repeat(200), fields });
    const units = Array.from({ length: 300 }, (_, index) => ({
      unitId: `u${index}`,
      unitNumber: `${index}`,
    }));
    const property = await createProperty(tenant, { units });
    const [row] = await rowsAt(tenant, `/leads/${lead._id}/history`);
    expect(JSON.stringify(row).length).toBeLessThan(20_000);
    expect(row?.changes['fields.field0']?.[1]).toBe(`${'x'.repeat(500)}…`);
    const [made] = await rowsAt(tenant, `/properties/${property._id}/history`);
    expect(String(made?.changes.units?.[1])).toMatch(/^\[\{.{498}…$/);
  });

  it('is not found for an unknown record, or another workspace’s, and needs the scope of its entity', async () => {
    const [tenant, other] = [await buildTenant(server), await buildTenant(server)];
    const lead = await createLead(tenant);
    await other.api.get(`/leads/${lead._id}/history`).expect(404);
    await tenant.api.get(`/leads/${new ObjectId().toHexString()}/history`).expect(404);
    const { apiKey } = await buildApiKey(server, tenant.workspaceId, {
      scopes: ['task.read', 'activity.read'],
    });
    const api = apiOf(server, workspacePath(tenant.workspaceId), { 'X-API-Key': apiKey });
    await api.get(`/leads/${lead._id}/history`).expect(403);
  });
});

describe('GET …/history', () => {
  it('shows what the caller may read, by type, actor, action and time', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant);
    const task = await createTask(tenant);
    const { apiKey, keyId } = await buildApiKey(server, tenant.workspaceId, {
      scopes: ['task.read', 'task.write', 'activity.read'],
    });
    const api = apiOf(server, workspacePath(tenant.workspaceId), { 'X-API-Key': apiKey });
    await api.post(`/tasks/${task._id}/complete`).expect(200);
    const told = async (query: string, by = tenant.api) => {
      await server.ctx.relay.idle();
      const { body } = await by.get(`/history${query}`).expect(200);
      return body.data.map(({ record, action }: Row) => `${record.type} ${action}`);
    };
    expect(await told('')).toEqual(['task updated', 'task created', 'lead created']);
    expect(await told('?type=lead')).toEqual(['lead created']);
    expect(await told('?action=created')).toEqual(['task created', 'lead created']);
    expect(await told(`?actor=${keyId}`)).toEqual(['task updated']);
    expect(await told(`?actor=${keyId}&type=lead`)).toEqual([]);
    expect(await told(`?until=${lead.createdAt}`)).toEqual([]);
    expect(await told(`?since=${lead.createdAt}&limit=1`)).toEqual(['task updated']);
    expect(await told('', api)).toEqual(['task updated', 'task created']);
    expect(await told('?type=lead', api)).toEqual([]);
  });

  it('leaves out the kinds of a module that is off', async () => {
    const tenant = await buildTenant(server, { settings: { modules: ['leads'] } });
    await createLead(tenant);
    const workspaceId = new ObjectId(tenant.workspaceId);
    await server.ctx.relay.idle();
    const [row] = await history(server.ctx.db).find(workspaceId, {}).toArray();
    if (!row) throw new Error('No row');
    await history(server.ctx.db).insertMany(workspaceId, [
      { ...row, _id: new ObjectId(), record: { type: 'task', id: new ObjectId() } },
    ]);
    const { body } = await tenant.api.get('/history').expect(200);
    expect(body.data.map(({ record }: Row) => record.type)).toEqual(['lead']);
  });

  it('refuses what it does not know', async () => {
    const { api } = await buildTenant(server);
    await api.get('/history?action=exploded').expect(422);
    await api.get('/history?since=yesterday').expect(422);
  });
});
