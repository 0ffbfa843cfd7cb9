import { describe, expect, inject, it } from 'vitest';
import { startWorker } from '../../../src/worker.ts';
import { automate8Examples } from '../../contract/automate8.ts';
import { bearer, buildColleague } from '../../helpers/accounts.ts';
import { buildPhone, useServer } from '../../helpers/app.ts';
import {
  type Automate8Client,
  automate8,
  buildAutomate8,
  lacks,
  uuidPattern,
} from '../../helpers/automate8.ts';

const server = useServer();

async function createTag({ api }: Automate8Client, body: object) {
  const answer = await api.post('/api/tags', body);
  expect(answer.status).toBe(201);
  return answer.body.data as Record<string, unknown> & { id: string };
}

async function createContact({ api, workspaceId }: Automate8Client, tags: string[]) {
  const body = { workspace_id: workspaceId, firstname: 'J', lastname: 'S', phone_number: buildPhone(), tags };
  expect((await api.post('/api/contacts', body)).status).toBe(201);
}

describe('/api/tags', () => {
  it('creates tags, blue unless it is said otherwise, and lists them by name', async () => {
    const client = await buildAutomate8(server);
    const made = await client.api.post('/api/tags', {
      name: 'VIP Customer',
      color: 'purple',
      description: 'High-value customers',
    });
    expect(made.status).toBe(201);
    expect(lacks(automate8Examples['POST /api/tags'], made.body)).toEqual([]);
    expect(made.body.data).toMatchObject({
      id: expect.stringMatching(uuidPattern),
      name: 'VIP Customer',
      color: 'purple',
      description: 'High-value customers',
      workspace_id: client.workspaceId,
      usage_count: 0,
    });
    expect(await createTag(client, { name: 'Hot Lead' })).toMatchObject({ color: 'blue', description: null });
    await createTag(client, { name: 'cold lead', color: 'cyan' });
    await createContact(client, ['Hot Lead', 'made by a record']);
    const list = async (query: string) => {
      const answer = await client.api.get(`/api/tags?${query}`);
      expect(answer.status).toBe(200);
      expect(lacks(automate8Examples['GET /api/tags'], answer.body)).toEqual([]);
      return answer.body;
    };
    const names = async (query: string) => (await list(query)).data.map((tag: { name: string }) => tag.name);
    expect(await names('')).toEqual(['cold lead', 'Hot Lead', 'made by a record', 'VIP Customer']);
    expect(await names('search=LEAD')).toEqual(['cold lead', 'Hot Lead']);
    expect(await names('search=lead&color=cyan')).toEqual(['cold lead']);
    expect(await names('color=blue')).toEqual(['Hot Lead', 'made by a record']);
    expect(await names('color=teal')).toEqual([]);
    const page = await list('limit=2&offset=1');
    expect(page.pagination).toEqual({ limit: 2, offset: 1, total: 4 });
    expect(page.data).toMatchObject([
      { name: 'Hot Lead', usage_count: 1 },
      { name: 'made by a record', usage_count: 1 },
    ]);
    for (const query of ['limit=0', 'limit=101', 'offset=-1', 'color=black']) {
      expect({ query, status: (await client.api.get(`/api/tags?${query}`)).status }).toEqual({
        query,
        status: 400,
      });
    }
  });

  it('renames and deletes a tag wherever it is', async () => {
    const worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
    try {
      const client = await buildAutomate8(server);
      const { id } = await createTag(client, { name: 'Hot Lead', color: 'red' });
      await createContact(client, ['Hot Lead', 'other']);
      const changed = await client.api.put(`/api/tags/${id}`, {
        name: 'Warm Lead',
        color: null,
        description: 'x',
      });
      expect(changed.status).toBe(200);
      expect(lacks(automate8Examples['PUT /api/tags/:id'], changed.body)).toEqual([]);
      expect(changed.body.data).toMatchObject({ id, name: 'Warm Lead', color: 'blue', description: 'x' });
      const find = async (tag: string) =>
        (
          await client.api.get(
            `/api/contacts/enhanced-search?workspace_id=${client.workspaceId}&tag=${encodeURIComponent(tag)}`,
          )
        ).body.data;
      await expect
        .poll(() => find('Warm Lead'), { timeout: 15_000 })
        .toMatchObject([{ tags: ['Warm Lead', 'other'] }]);
      expect(await find('Hot Lead')).toEqual([]);
      const deleted = await client.api.delete(`/api/tags/${id}`);
      expect(deleted.body).toEqual({ success: true, message: "Tag 'Warm Lead' deleted successfully" });
      await expect.poll(() => find('other'), { timeout: 15_000 }).toMatchObject([{ tags: ['other'] }]);
      expect((await client.api.delete(`/api/tags/${id}`)).status).toBe(404);
      expect((await client.api.put(`/api/tags/${id}`, { color: 'red' })).status).toBe(404);
    } finally {
      await worker.close();
    }
  }, 40_000);

  it('refuses a name that another tag has in any case', async () => {
    const client = await buildAutomate8(server);
    await createTag(client, { name: 'Hot Lead' });
    const other = await createTag(client, { name: 'Other' });
    for (const answer of [
      await client.api.post('/api/tags', { name: 'hot LEAD' }),
      await client.api.put(`/api/tags/${other.id}`, { name: 'HOT lead' }),
    ]) {
      expect(answer.status).toBe(409);
      expect(answer.body).toEqual({
        success: false,
        error: 'A tag with this name already exists in this workspace',
      });
    }
    const again = await client.api.put(`/api/tags/${other.id}`, { name: 'OTHER' });
    expect([again.status, again.body.data.name]).toEqual([200, 'OTHER']);
  });

  it('makes one tag of 20 parallel requests', async () => {
    const client = await buildAutomate8(server, { rateLimitPerMinute: 1_000 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.api.post('/api/tags', { name: 'Hot Lead' })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
  });

  it('answers 400 to what is missing or wrong, and 404 to ids that are not its own', async () => {
    const client = await buildAutomate8(server);
    const missing = await client.api.post('/api/tags', { color: 'red', name: ' ' });
    expect([missing.status, missing.body]).toEqual([
      400,
      { success: false, error: 'Missing required fields: name' },
    ]);
    for (const body of [{ name: 'x', color: 'black' }, { name: 'x'.repeat(101) }, { name: 5 }]) {
      expect((await client.api.post('/api/tags', body)).status).toBe(400);
    }
    const stranger = await buildAutomate8(server);
    const theirs = await createTag(stranger, { name: 'Theirs' });
    for (const id of [theirs.id, 'unknown', '123e4567-e89b-12d3-a456-426614174000']) {
      expect((await client.api.put(`/api/tags/${id}`, { color: 'red' })).status).toBe(404);
      expect((await client.api.delete(`/api/tags/${id}`)).status).toBe(404);
    }
  });

  it('is structure: of people managers change it', async () => {
    const { account } = await buildAutomate8(server);
    for (const [role, status] of [
      ['viewer', 403],
      ['agent', 403],
      ['manager', 201],
    ] as const) {
      const { token } = await buildColleague(server, account, role);
      const api = automate8(server, bearer(token));
      expect((await api.get('/api/tags')).status).toBe(200);
      expect((await api.post('/api/tags', { name: `of ${role}` })).status).toBe(status);
    }
  });
});
