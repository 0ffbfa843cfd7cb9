import { describe, expect, it } from 'vitest';
import { automate8Examples } from '../../contract/automate8.ts';
import { apiOf, buildApiKey, buildPhone, useServer, workspacePath } from '../../helpers/app.ts';
import { type Automate8Client, buildAutomate8, lacks, uuidPattern } from '../../helpers/automate8.ts';

const server = useServer();

const smith = <T extends object>({ workspaceId }: Automate8Client, overrides: T = {} as T) => ({
  workspace_id: workspaceId,
  firstname: 'John',
  lastname: 'Smith',
  phone_number: buildPhone(),
  ...overrides,
});

async function createContact(client: Automate8Client, overrides: object = {}) {
  const answer = await client.api.post('/api/contacts', smith(client, overrides));
  expect(answer.status).toBe(201);
  return answer.body.data as Record<string, unknown> & { id: string };
}

const nativeOf = async ({ workspaceId }: Automate8Client) =>
  apiOf(server, workspacePath(workspaceId), {
    'X-API-Key': (await buildApiKey(server, workspaceId)).apiKey,
  });

describe('POST /api/contacts', () => {
  it('creates the contact that the native API shows, with every field', async () => {
    const client = await buildAutomate8(server);
    const body = smith(client, {
      phone_number: '+15551234567',
      email: 'john.smith@example.com',
      lead_status: 'new',
      lead_source: 'website',
      product: 'Kitchen',
      address: '1 Main Street',
      city: 'Springfield',
      state: 'IL',
      zip: '62701',
      notes: 'Interested in kitchen renovation',
      tags: ['new', 'website', 'summer-campaign'],
      priority: 'high',
      opt_in_through: 'form',
      follow_up_date: '2026-12-01',
      webhook_name: 'fair',
    });
    const answer = await client.api.post('/api/contacts', body);
    expect(answer.status).toBe(201);
    expect(lacks(automate8Examples['POST /api/contacts'], answer.body)).toEqual([]);
    const { id, name, created_at, updated_at, ...rest } = answer.body.data;
    expect(rest).toEqual(body);
    expect([name, updated_at]).toEqual(['John Smith', created_at]);
    expect(id).toMatch(uuidPattern);
    const native = await nativeOf(client);
    const [contact] = (await native.get('/contacts')).body.data;
    expect(contact).toMatchObject({
      name: 'John Smith',
      firstName: 'John',
      lastName: 'Smith',
      mobileNumber: '+15551234567',
      status: 'new',
      source: 'website',
      address: { street: '1 Main Street', city: 'Springfield', state: 'IL', zip: '62701' },
      optInThrough: 'form',
      followUpDate: '2026-12-01',
      webhookName: 'fair',
      tags: body.tags,
    });
    expect((await native.get('/metadata/tags')).body.data).toEqual(expect.arrayContaining(body.tags));
  });

  it('answers null and empty lists for what was not given, null or blank', async () => {
    const client = await buildAutomate8(server);
    const contact = await createContact(client, { email: '', notes: null, tags: null });
    expect(contact).toMatchObject({ email: null, notes: null, tags: [], lead_status: null, zip: null });
    expect(lacks(automate8Examples['POST /api/contacts'].data, contact)).toEqual([]);
  });

  it.each([
    [{}, 'workspace_id, firstname, lastname, phone_number'],
    [{ phone_number: '+15551234567', workspace_id: 'own' }, 'firstname, lastname'],
    [
      { firstname: '  ', lastname: null, phone_number: '', workspace_id: 'own' },
      'firstname, lastname, phone_number',
    ],
  ])('names what is missing of %j', async (body: Record<string, string | null>, fields) => {
    const { api, workspaceId } = await buildAutomate8(server);
    const given = body.workspace_id ? { ...body, workspace_id: workspaceId } : body;
    const answer = await api.post('/api/contacts', given);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ success: false, error: `Missing required fields: ${fields}` });
  });

  it.each([
    ['phone_number', 'none'],
    ['phone_number', 15_551_234_567],
    ['email', 'nobody'],
    ['tags', 'vip'],
    ['tags', Array.from({ length: 10_000 }, (_, n) => `tag ${n}`)],
    ['follow_up_date', '9999-01-01'],
    ['follow_up_date', 'soon'],
    ['firstname', 'x'.repeat(301)],
    ['lastname', { $gt: '' }],
  ])('answers 400 to %s %j, and writes nothing', async (field, value) => {
    const client = await buildAutomate8(server);
    const answer = await client.api.post('/api/contacts', smith(client, { [field]: value }));
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.details).join()).toContain(field);
    expect((await (await nativeOf(client)).get('/contacts')).body.data).toEqual([]);
  });

  it('answers a number that is taken with the contact that has it', async () => {
    const client = await buildAutomate8(server);
    const { id } = await createContact(client, { phone_number: '+919876543210' });
    const answer = await client.api.post('/api/contacts', smith(client, { phone_number: '098765 43210' }));
    expect(answer.status).toBe(409);
    expect(answer.body).toEqual({
      success: false,
      error: 'A contact with this phone number already exists in this workspace',
      contact_id: id,
    });
    await createContact(await buildAutomate8(server), { phone_number: '+919876543210' });
  });

  it('makes one contact and 49 conflicts of 50 parallel requests with one number', async () => {
    const client = await buildAutomate8(server, { rateLimitPerMinute: 1_000 });
    const phone_number = buildPhone();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        client.api.post('/api/contacts', smith(client, { phone_number, firstname: `Copy ${n}` })),
      ),
    );
    const created = answers.filter(({ status }) => status === 201);
    expect(created).toHaveLength(1);
    const { id } = created[0]?.body.data ?? {};
    for (const { body } of answers.filter(({ status }) => status === 409)) expect(body.contact_id).toBe(id);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(49);
  });

  it('answers a retry with the same key as the first time', async () => {
    const client = await buildAutomate8(server);
    const body = smith(client);
    const send = () => client.api.post('/api/contacts', body).set('Idempotency-Key', 'one');
    const [first, second] = [await send(), await send()];
    expect([second.status, second.body]).toEqual([201, first.body]);
    expect(second.headers['idempotency-replayed']).toBe('true');
  });
});

describe('GET /api/contacts/search', () => {
  it('finds who fits all of the parameters', async () => {
    const client = await buildAutomate8(server);
    const john = await createContact(client, {
      phone_number: '+919876543210',
      email: 'john.smith@example.com',
    });
    const jo = await createContact(client, {
      firstname: 'Jo Ann',
      lastname: 'Smythe',
      email: 'jo@example.com',
    });
    const find = async (query: string) => {
      const answer = await client.api.get(`/api/contacts/search?workspace_id=${client.workspaceId}&${query}`);
      expect(answer.status).toBe(200);
      expect(lacks(automate8Examples['GET /api/contacts/search'], answer.body)).toEqual([]);
      expect(answer.body.count).toBe(answer.body.data.length);
      return answer.body.data;
    };
    for (const query of [
      `id=${john.id}`,
      'phone=+919876543210',
      'phone=%2B919876543210',
      'phone=098765%2043210',
      'email=JOHN.smith@example.com',
      'firstname=JOHN',
      'firstname=joh&lastname=smi',
      `phone=9876543210&id=${john.id}&firstname=j&lastname=Smith&email=john.smith@example.com`,
    ]) {
      expect({ query, data: await find(query) }).toEqual({ query, data: [john] });
    }
    expect(await find('firstname=jo')).toEqual([jo, john]);
    expect(await find('firstname=jo%20a')).toEqual([jo]);
    expect(await find('lastname=sm')).toEqual([jo, john]);
    for (const query of [
      'email=smith@example.com',
      'email=example',
      'firstname=ohn',
      'firstname=john&lastname=smythe',
      `phone=9876543210&id=${jo.id}`,
      `id=${john.id}&email=jo@example.com`,
      'id=unknown',
      'phone=1',
      `phone=${buildPhone()}`,
    ]) {
      expect({ query, data: await find(query) }).toEqual({ query, data: [] });
    }
  });

  it('does not find archived contacts, nor those of others', async () => {
    const client = await buildAutomate8(server);
    const { id } = await createContact(client, { phone_number: '+919876543210' });
    const other = await buildAutomate8(server);
    const theirs = await other.api.get(`/api/contacts/search?workspace_id=${other.workspaceId}&id=${id}`);
    expect(theirs.body).toEqual({ success: true, count: 0, data: [] });
    const native = await nativeOf(client);
    const [contact] = (await native.get('/contacts')).body.data;
    await native.post(`/contacts/${contact._id}/archive`);
    for (const query of [`id=${id}`, 'phone=9876543210', 'firstname=john']) {
      const path = `/api/contacts/search?workspace_id=${client.workspaceId}&${query}`;
      expect((await client.api.get(path)).body.count).toBe(0);
    }
  });

  it('demands the workspace and one parameter', async () => {
    const { api, workspaceId } = await buildAutomate8(server);
    const without = await api.get('/api/contacts/search?firstname=john');
    expect([without.status, without.body.error]).toEqual([400, 'Missing required fields: workspace_id']);
    for (const query of ['', '&firstname=', '&name=john']) {
      const answer = await api.get(`/api/contacts/search?workspace_id=${workspaceId}${query}`);
      expect(answer.status).toBe(400);
      expect(answer.body.error).toMatch(/^At least one search parameter is required: id, phone/);
    }
  });
});

describe('GET /api/contacts/enhanced-search', () => {
  it('finds by each parameter, page by page, newest first', async () => {
    const client = await buildAutomate8(server);
    const made = [];
    for (let n = 0; n < 5; n += 1) {
      made.unshift(
        await createContact(client, {
          lead_status: n === 0 ? 'New' : 'new',
          tags: ['Website', `t${n}`],
          follow_up_date: `2026-12-0${n + 1}`,
          webhook_name: n % 2 ? 'odd' : 'even',
        }),
      );
    }
    const find = async (query: string) => {
      const path = `/api/contacts/enhanced-search?workspace_id=${client.workspaceId}&${query}`;
      const answer = await client.api.get(path);
      expect(answer.status).toBe(200);
      expect(lacks(automate8Examples['GET /api/contacts/enhanced-search'], answer.body)).toEqual([]);
      expect(answer.body.count).toBe(answer.body.pagination.total);
      return answer.body;
    };
    const [fourth, third, second, first, zeroth] = made;
    const idsOf = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id);
    const ids = (...contacts: ({ id: string } | undefined)[]) => contacts.map((contact) => contact?.id);
    expect(idsOf(await find('tag=website'))).toEqual(ids(fourth, third, second, first, zeroth));
    expect(idsOf(await find('lead_status=new'))).toEqual(ids(fourth, third, second, first));
    expect(idsOf(await find('lead_status=New&tag=WEBSITE'))).toEqual(ids(zeroth));
    expect(idsOf(await find('follow_up_date=2026-12-03'))).toEqual(ids(second));
    expect(idsOf(await find('webhook_name=odd'))).toEqual(ids(third, first));
    expect(idsOf(await find(`contact_id=${first?.id}&tag=t1&webhook_name=odd`))).toEqual(ids(first));
    expect(idsOf(await find(`contact_id=${first?.id}&tag=t2`))).toEqual([]);
    const phone = encodeURIComponent(String(third?.phone_number));
    expect(idsOf(await find(`phone_number=${phone}&lead_status=new`))).toEqual(ids(third));
    expect(idsOf(await find(`phone_number=${phone}&lead_status=New`))).toEqual([]);
    expect(idsOf(await find('tag=website&contact_id=unknown'))).toEqual([]);

    const page = await find('tag=website&limit=2&offset=1');
    expect(idsOf(page)).toEqual(ids(third, second));
    expect(page.pagination).toEqual({ limit: 2, offset: 1, total: 5, has_more: true });
    const last = await find('tag=website&limit=2&offset=4');
    expect(last.pagination).toEqual({ limit: 2, offset: 4, total: 5, has_more: false });

    const from = encodeURIComponent(String(second?.created_at));
    expect(idsOf(await find(`tag=website&from_date=${from}&to_date=${from}`))).toEqual(ids(second));
    expect(idsOf(await find(`tag=website&from_date=${from}`))).toEqual(ids(fourth, third, second));
    expect(idsOf(await find(`contact_id=${first?.id}&from_date=${from}`))).toEqual([]);
    expect(idsOf(await find('tag=website&to_date=2020-01-01'))).toEqual([]);
    expect(idsOf(await find('tag=website&from_date=2020-01-01'))).toHaveLength(5);
  });

  it('wants more than dates, and a page within bounds', async () => {
    const { api, workspaceId } = await buildAutomate8(server);
    const path = `/api/contacts/enhanced-search?workspace_id=${workspaceId}`;
    for (const query of ['', '&from_date=2025-01-01T00:00:00Z', '&limit=10', '&tag=']) {
      const answer = await api.get(`${path}${query}`);
      expect([answer.status, answer.body]).toEqual([
        400,
        {
          success: false,
          error:
            'At least one search parameter is required: contact_id, phone_number, lead_status, tag, follow_up_date, or webhook_name',
        },
      ]);
    }
    for (const query of [
      'limit=0',
      'limit=101',
      'limit=x',
      'offset=-1',
      'from_date=soon',
      'follow_up_date=x',
    ]) {
      expect({ query, status: (await api.get(`${path}&tag=a&${query}`)).status }).toEqual({
        query,
        status: 400,
      });
    }
  });

  it('takes a JWT as well', async () => {
    const client = await buildAutomate8(server);
    await createContact(client, { tags: ['a'] });
    const path = `/api/contacts/enhanced-search?workspace_id=${client.workspaceId}&tag=a`;
    expect((await client.person.get(path)).body.count).toBe(1);
    expect((await client.person.post('/api/contacts', smith(client))).status).toBe(201);
  });
});
