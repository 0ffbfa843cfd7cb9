import { describe, expect, it } from 'vitest';
import { apiOf, buildApiKey, buildTenant, type Tenant, useServer, workspacePath } from '../helpers/app.ts';
import { createContact, createLead, createRecord } from '../helpers/factories.ts';

const server = useServer();

interface Item {
  kind: string;
  at: string;
  activity?: { type: string };
  message?: { body: string };
  change?: { action: string };
}
const tell = ({ kind, activity, message, change }: Item) =>
  `${kind} ${activity?.type ?? message?.body ?? change?.action}`;

/** A contact with everything around it. */
async function buildStory(tenant: Tenant) {
  const contact = await createContact(tenant, { mobileNumber: '+919812345678' });
  const about = { recordType: 'contact', recordId: contact._id };
  await createRecord(tenant, '/activities', {
    ...about,
    type: 'note',
    occurredAt: '2020-01-01T00:00:00.000Z',
  });
  await createRecord(tenant, '/activities', { ...about, type: 'meeting' });
  await tenant.api
    .post('/messages/sms')
    .send({ to: '+919812345678', body: 'Hello', contactId: contact._id })
    .expect(201);
  await tenant.api.patch(`/contacts/${contact._id}`).send({ name: 'Renamed' }).expect(200);
  await server.ctx.relay.idle();
  return `/contacts/${contact._id}/timeline`;
}

describe('GET …/{entity}/{id}/timeline', () => {
  it('has activities, messages and changes by their time, newest first', async () => {
    const tenant = await buildTenant(server);
    const path = await buildStory(tenant);
    const { body } = await tenant.api.get(path).expect(200);
    const told = ['change updated', 'message Hello', 'activity meeting', 'change created', 'activity note'];
    expect(body.data.map(tell)).toEqual(told);
    expect(body.nextCursor).toBeNull();
    const times = body.data.map(({ at }: Item) => at);
    expect(times.toSorted().toReversed()).toEqual(times);

    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const more: string = cursor && `&cursor=${cursor}`;
      const answer: { body: { data: Item[]; nextCursor: string | null } } = await tenant.api.get(
        `${path}?limit=2${more}`,
      );
      paged.push(...answer.body.data.map(tell));
      cursor = answer.body.nextCursor;
    }
    expect(paged).toEqual(told);
  });

  it("has a lead's comments and notes", async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant);
    await tenant.api.post(`/leads/${lead._id}/comments`).send({ content: 'First' }).expect(201);
    await tenant.api.post(`/leads/${lead._id}/notes`).send({ content: 'Second' }).expect(201);
    await server.ctx.relay.idle();
    const { body } = await tenant.api.get(`/leads/${lead._id}/timeline`).expect(200);
    expect(body.data.map(tell)).toEqual(['activity note', 'activity comment', 'change created']);
  });

  it('shows what the key may read, and only of a record that there is', async () => {
    const tenant = await buildTenant(server);
    const path = await buildStory(tenant);
    const withScopes = async (...scopes: ('contact.read' | 'activity.read')[]) => {
      const { apiKey } = await buildApiKey(server, tenant.workspaceId, { scopes });
      return apiOf(server, workspacePath(tenant.workspaceId), { 'X-API-Key': apiKey }).get(path);
    };
    expect((await withScopes('contact.read')).body.data.map(tell)).toEqual([
      'change updated',
      'change created',
    ]);
    expect((await withScopes('activity.read')).status).toBe(403);
    const stranger = await buildTenant(server);
    await stranger.api.get(path).expect(404);
    await tenant.api.get(`${path}?cursor=nonsense`).expect(422);
  });
});
