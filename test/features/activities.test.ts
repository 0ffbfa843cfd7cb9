import { describe, expect, it } from 'vitest';
import {
  apiOf,
  buildApiKey,
  buildLead,
  buildTenant,
  type Tenant,
  useServer,
  workspacePath,
} from '../helpers/app.ts';
import { createContact, createLead } from '../helpers/factories.ts';
import { describeRecord } from '../helpers/record-suite.ts';

const server = useServer();

async function buildTenantWithLead(): Promise<Tenant & { leadId: string }> {
  const tenant = await buildTenant(server);
  const { body } = await tenant.api.post('/leads').send(buildLead());
  return { ...tenant, leadId: (body as { data: { _id: string } }).data._id };
}

const inputs = {
  comments: { content: 'Wants a sea view' },
  notes: { content: 'Met at the fair' },
  activities: { type: 'event' },
};
const kinds = Object.keys(inputs) as (keyof typeof inputs)[];

describe.each(kinds)('/leads/{leadId}/%s', (kind) => {
  const input = inputs[kind];

  it('writes and lists, newest first', async () => {
    const { api, leadId, workspaceId, keyId } = await buildTenantWithLead();
    const first = await api.post(`/leads/${leadId}/${kind}`).send(input);
    expect(first.status).toBe(201);
    const author = kind === 'activities' ? { userId: keyId } : { createdBy: keyId };
    expect(first.body.data).toMatchObject({ ...input, ...author, leadId, workspaceId });
    const second = await api.post(`/leads/${leadId}/${kind}`).send(input);
    const listed = await api.get(`/leads/${leadId}/${kind}`);
    expect(listed.body).toEqual({
      success: true,
      data: [second.body.data, first.body.data],
      nextCursor: null,
    });
    const page = await api.get(`/leads/${leadId}/${kind}?limit=1`);
    const rest = await api.get(`/leads/${leadId}/${kind}?limit=1&cursor=${page.body.nextCursor}`);
    expect([...page.body.data, ...rest.body.data]).toEqual(listed.body.data);
  });

  it('answers a retry with the first answer', async () => {
    const { api, leadId } = await buildTenantWithLead();
    const send = () => api.post(`/leads/${leadId}/${kind}`).set('Idempotency-Key', 'once').send(input);
    const answers = await Promise.all(Array.from({ length: 20 }, send));
    expect(new Set(answers.map(({ body }) => body.data._id)).size).toBe(1);
    expect(answers.every(({ status }) => status === 201)).toBe(true);
  });

  it('is closed to others and unknown leads', async () => {
    const { leadId, workspaceId, api } = await buildTenantWithLead();
    const stranger = await buildTenant(server);
    const path = `${workspacePath(workspaceId)}/leads/${leadId}/${kind}`;
    const { apiKey } = await buildApiKey(server, workspaceId, { scopes: ['lead.read'] });
    const anybody = apiOf(server, '', {});
    const reader = apiOf(server, '', { 'X-API-Key': apiKey });
    expect((await anybody.get(path)).status).toBe(401);
    expect((await reader.post(path).send(input)).status).toBe(403);
    expect((await reader.get(path)).status).toBe(200);
    expect((await apiOf(server, '', { 'X-API-Key': stranger.apiKey }).get(path)).status).toBe(403);
    expect((await stranger.api.get(`/leads/${leadId}/${kind}`)).status).toBe(404);
    expect((await stranger.api.post(`/leads/${leadId}/${kind}`).send(input)).status).toBe(404);
    expect((await api.get(`/leads/65b8c47f4e2cfc1df3a75111/${kind}`)).status).toBe(404);
    expect((await api.post(`/leads/nonsense/${kind}`).send(input)).status).toBe(404);
  });

  it('refuses an empty body', async () => {
    const { api, leadId } = await buildTenantWithLead();
    const answer = await api.post(`/leads/${leadId}/${kind}`).send({});
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ success: false, details: expect.any(Object) });
  });
});

describe('/leads/{leadId}/activities', () => {
  it('shows all types, or one', async () => {
    const { api, leadId } = await buildTenantWithLead();
    await api.post(`/leads/${leadId}/comments`).send({ content: 'A' });
    await api.post(`/leads/${leadId}/notes`).send({ content: 'B' });
    const occurredAt = '2026-06-12T10:00:00.000Z';
    const call = { direction: 'outbound', durationSeconds: 61, outcome: 'completed' };
    const logged = await api
      .post(`/leads/${leadId}/activities`)
      .send({ type: 'call', title: 'Called', occurredAt, call });
    expect(logged.body.data).toMatchObject({ type: 'call', title: 'Called', occurredAt, call });
    const typesOf = async (query: string) =>
      ((await api.get(`/leads/${leadId}/activities${query}`)).body.data as { type: string }[]).map(
        ({ type }) => type,
      );
    expect(await typesOf('')).toEqual(['call', 'note', 'comment']);
    expect(await typesOf('?type=note')).toEqual(['note']);
  });

  it.each([
    { type: 'comment' },
    { type: 'dance' },
    { type: 'note', call: { direction: 'outbound', durationSeconds: 1 } },
    { type: 'call', call: { direction: 'up', durationSeconds: 1 } },
    { type: 'call', call: { direction: 'inbound', durationSeconds: -1 } },
  ])('refuses %j', async (body) => {
    const { api, leadId } = await buildTenantWithLead();
    expect((await api.post(`/leads/${leadId}/activities`).send(body)).status).toBe(422);
  });
});

describeRecord(server, {
  path: '/activities',
  label: 'Activity',
  read: 'activity.read',
  write: 'activity.write',
  build: async (tenant) => ({
    type: 'meeting',
    recordType: 'contact',
    recordId: (await createContact(tenant))._id,
    occurredAt: '2026-06-12T10:00:00.000Z',
  }),
  change: (n) => ({ title: `Title ${n}` }),
  required: ['type', 'recordType', 'recordId'],
  invalid: [
    ['type', 'dance'],
    ['recordType', 'planet'],
    ['durationSeconds', -1],
    ['status', 'perhaps'],
  ],
  operations: [],
});

describe('an activity', () => {
  it('is about any record that the caller may read, and stays with it', async () => {
    const [tenant, other] = [await buildTenant(server), await buildTenant(server)];
    const [lead, theirs] = [await createLead(tenant), await createLead(other)];
    const about = { recordType: 'lead', recordId: lead._id.toUpperCase() };
    const made = await tenant.api.post('/activities').send({ type: 'call', ...about, direction: 'inbound' });
    expect(made.status, made.text).toBe(201);
    expect(made.body.data).toMatchObject({ recordId: lead._id, userId: tenant.keyId, direction: 'inbound' });
    const listed = await tenant.api.get(`/leads/${lead._id}/activities?type=call`).expect(200);
    expect(listed.body.data).toHaveLength(1);
    const found = await tenant.api.get(`/activities?recordId=${lead._id}&type=call`).expect(200);
    expect(found.body.data).toEqual([made.body.data]);
    const path = `/activities/${made.body.data._id}`;
    await tenant.api.patch(path).send({ recordId: theirs._id }).expect(422);
    for (const recordId of [theirs._id, 'nonsense', '65b8c47f4e2cfc1df3a75111']) {
      await tenant.api.post('/activities').send({ type: 'note', recordType: 'lead', recordId }).expect(422);
    }
    const { apiKey } = await buildApiKey(server, tenant.workspaceId, { scopes: ['activity.write'] });
    const blind = apiOf(server, workspacePath(tenant.workspaceId), { 'X-API-Key': apiKey });
    await blind
      .post('/activities')
      .send({ type: 'note', ...about })
      .expect(422);
  });

  it('of a call log shows its call', async () => {
    const { api, leadId } = await buildTenantWithLead();
    const call = { direction: 'outbound', durationSeconds: 61, outcome: 'completed' };
    const logged = await api.post(`/leads/${leadId}/activities`).send({ type: 'call', call }).expect(201);
    const { body } = await api.get(`/activities/${logged.body.data._id}`).expect(200);
    expect(body.data).toMatchObject({ recordType: 'lead', recordId: leadId, ...call });
  });
});
