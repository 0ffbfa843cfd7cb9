import { describe, expect, it } from 'vitest';
import { automate8Examples } from '../../contract/automate8.ts';
import { bearer, buildColleague } from '../../helpers/accounts.ts';
import { apiOf, buildApiKey, buildPhone, useServer, workspacePath } from '../../helpers/app.ts';
import {
  type Automate8Client,
  automate8,
  buildAutomate8,
  lacks,
  uuidPattern,
} from '../../helpers/automate8.ts';

const server = useServer();

interface Shown {
  id: string;
  [field: string]: unknown;
}

const base = '/api/pipeline/opportunities';

async function buildSales(key: Parameters<typeof buildAutomate8>[1] = {}) {
  const client = await buildAutomate8(server, key);
  const [pipeline] = (await client.api.get('/api/pipeline/pipelines')).body.data;
  const [fresh, pending, won] = pipeline.stages.map(({ id }: Shown) => id) as [string, string, string];
  const create = async (body: object = {}): Promise<Shown> => {
    const answer = await client.api.post(base, { title: 'Kitchen', stage_id: fresh, ...body });
    expect(answer.status).toBe(201);
    expect(lacks(automate8Examples['POST /api/pipeline/opportunities'], answer.body)).toEqual([]);
    return answer.body.data;
  };
  return { ...client, pipeline: pipeline as Shown, fresh, pending, won, create };
}

const createContact = async ({ api, workspaceId }: Automate8Client): Promise<Shown> => {
  const body = {
    workspace_id: workspaceId,
    firstname: 'John',
    lastname: 'Smith',
    phone_number: buildPhone(),
    email: 'john@example.com',
  };
  return (await api.post('/api/contacts', body)).body.data;
};

const nativeOf = async ({ workspaceId }: Automate8Client) =>
  apiOf(server, workspacePath(workspaceId), {
    'X-API-Key': (await buildApiKey(server, workspaceId)).apiKey,
  });

describe('an opportunity', () => {
  it('is created with every field and shown with what is around it', async () => {
    const sales = await buildSales();
    const contact = await createContact(sales);
    const native = await nativeOf(sales);
    const company = (
      await native.post('/companies').send({ name: 'Smith Residence', industry: 'Residential' })
    ).body.data;
    const { toUuid } = await import('../../../src/lib/uuid.ts');
    const { ObjectId } = await import('../../../src/lib/ids.ts');
    const company_id = toUuid(new ObjectId(company._id));
    const given = {
      title: 'Bathroom',
      description: 'Complete remodel',
      contact_id: contact.id,
      company_id,
      currency: 'EUR',
      probability: 75,
      priority: 'high',
      tags: ['bathroom', 'luxury'],
      notes: 'Ready to start',
      source: 'website',
    };
    const made = await sales.create({ ...given, value: 28_000.5, expected_close_date: '2027-08-01' });
    expect(made).toMatchObject({
      ...given,
      id: expect.stringMatching(uuidPattern),
      amount: 28_000.5,
      expected_close_date: '2027-08-01T00:00:00.000Z',
      stage_id: sales.fresh,
      pipeline_id: sales.pipeline.id,
      workspace_id: sales.workspaceId,
      is_closed: false,
      is_won: null,
      closed_at: null,
      contact: { id: contact.id, firstname: 'John', lastname: 'Smith', email: 'john@example.com' },
      company: { id: company_id, name: 'Smith Residence' },
    });
    const one = await sales.api.get(`${base}/${made.id}`);
    expect(lacks(automate8Examples['GET /api/pipeline/opportunities/:id'], one.body)).toEqual([]);
    expect(one.body.data).toMatchObject({
      pipeline: { id: sales.pipeline.id, name: 'Sales Pipeline' },
      company: { industry: 'Residential' },
      activities: [],
    });
    const list = await sales.api.get(base);
    expect(lacks(automate8Examples['GET /api/pipeline/opportunities'], list.body)).toEqual([]);
  });

  it('has the defaults of the document, and is assigned to who creates it', async () => {
    const sales = await buildSales();
    const plain = await sales.create({ description: '', tags: null });
    expect(plain).toMatchObject({
      amount: 0,
      currency: 'USD',
      probability: 10,
      priority: 'medium',
      description: null,
      tags: [],
      contact: null,
      company: null,
      notes: null,
      source: null,
    });
    const answer = await sales.person.post(base, { title: 'Mine', stage_id: sales.pending });
    const { created_by, assigned_to } = answer.body.data;
    expect(created_by).toMatch(uuidPattern);
    expect([assigned_to, created_by.slice(0, 8)]).toEqual([created_by, sales.account.userId.slice(0, 8)]);
  });

  it.each([
    [{}, 'title, stage_id'],
    [{ title: '  ', stage_id: null, amount: 'x' }, 'title, stage_id'],
  ])('names what is missing of %j', async (body, fields) => {
    const { api } = await buildAutomate8(server);
    const answer = await api.post(base, body);
    expect([answer.status, answer.body]).toEqual([
      400,
      { success: false, error: `Missing required fields: ${fields}` },
    ]);
  });

  it('answers 400 to wrong values and to references that are not the workspace’s, and writes nothing', async () => {
    const sales = await buildSales({ rateLimitPerMinute: 1_000 });
    const stranger = await buildSales();
    const theirs = await createContact(stranger);
    for (const wrong of [
      { value: 5, amount: 6 },
      { value: -1 },
      { value: 1.005 },
      { value: 1e15 },
      { value: '5' },
      { probability: 101 },
      { probability: -1 },
      { priority: 'urgent' },
      { currency: 'dollars' },
      { expected_close_date: '9999-01-01' },
      { expected_close_date: '0001-01-01' },
      { expected_close_date: '01.08.2027' },
      { tags: Array.from({ length: 10_000 }, (_, n) => `${n}`) },
      { stage_id: stranger.fresh },
      { stage_id: 'unknown' },
      { contact_id: theirs.id },
      { contact_id: 'unknown' },
      { company_id: theirs.id },
      { assigned_to: theirs.id },
    ]) {
      const answer = await sales.api.post(base, { title: 'x', stage_id: sales.fresh, ...wrong });
      expect([wrong, answer.status, answer.body.success]).toEqual([wrong, 400, false]);
    }
    expect((await sales.api.get(base)).body.data).toEqual([]);
  });

  it('changes what is given; null clears; stage_id moves', async () => {
    const sales = await buildSales();
    const contact = await createContact(sales);
    const { id } = await sales.create({
      contact_id: contact.id,
      value: 5,
      notes: 'x',
      tags: ['a'],
      priority: 'low',
    });
    const put = async (body: object) => {
      const answer = await sales.api.put(`${base}/${id}`, body);
      expect(answer.status).toBe(200);
      expect(lacks(automate8Examples['PUT /api/pipeline/opportunities/:id'], answer.body)).toEqual([]);
      return answer.body.data;
    };
    expect(await put({ title: 'New', amount: 32_000, probability: 80, tags: ['b'] })).toMatchObject({
      title: 'New',
      amount: 32_000,
      probability: 80,
      tags: ['b'],
      notes: 'x',
      priority: 'low',
    });
    const cleared = await put({ contact_id: null, notes: null, value: null, tags: null, assigned_to: null });
    expect(cleared).toMatchObject({ contact_id: null, notes: null, amount: 0, tags: [], assigned_to: null });
    expect(await put({ stage_id: sales.won })).toMatchObject({
      stage_id: sales.won,
      is_won: true,
      probability: 90,
    });
    expect((await sales.api.put(`${base}/${id}`, { value: 1, amount: 2 })).status).toBe(400);
    expect((await sales.api.put(`${base}/${id}`, { stage_id: 'unknown' })).status).toBe(400);
  });

  it('moves between stages and pipelines, closing and reopening, with a row of history', async () => {
    const sales = await buildSales();
    const { id } = await sales.create({ probability: 33 });
    const move = async (stage_id: string) => {
      const answer = await sales.person.put(`${base}/${id}/move`, { stage_id });
      expect(answer.status).toBe(200);
      return answer.body;
    };
    const moved = await move(sales.pending);
    expect(lacks(automate8Examples['PUT /api/pipeline/opportunities/:id/move'], moved)).toEqual([]);
    expect(moved.data).toMatchObject({
      stage_id: sales.pending,
      probability: 50,
      stage: { name: 'Pending' },
    });
    expect(moved.history).toMatchObject({
      id: expect.stringMatching(uuidPattern),
      opportunity_id: id,
      field_changed: 'stage_id',
      old_value: sales.fresh,
      new_value: sales.pending,
      changed_by: moved.data.created_by ?? expect.stringMatching(uuidPattern),
      changed_at: moved.data.updated_at,
    });
    const again = await move(sales.pending);
    expect([again.history, again.data.updated_at]).toEqual([null, moved.data.updated_at]);
    const won = (await move(sales.won)).data;
    expect(won).toMatchObject({ is_closed: true, is_won: true, closed_at: expect.any(String) });
    const reopened = (await move(sales.fresh)).data;
    expect(reopened).toMatchObject({ is_closed: false, is_won: null, closed_at: null });
    const second = (await sales.api.post('/api/pipeline/pipelines', { name: 'Second' })).body.data;
    const lost = (
      await sales.api.post('/api/pipeline/stages', {
        name: 'Lost',
        pipeline_id: second.id,
        is_lost_stage: true,
      })
    ).body.data;
    const gone = (await move(lost.id)).data;
    expect(gone).toMatchObject({ pipeline_id: second.id, is_closed: true, is_won: false });
    const missing = await sales.api.put(`${base}/${id}/move`, {});
    expect(missing.body).toEqual({ success: false, error: 'Missing required fields: stage_id' });
    const stranger = await buildSales();
    for (const stage_id of ['unknown', stranger.fresh]) {
      expect((await sales.api.put(`${base}/${id}/move`, { stage_id })).status).toBe(400);
    }
  });

  it('is deleted, and is unknown then, as those of others are', async () => {
    const sales = await buildSales();
    const { id } = await sales.create({ title: 'Kitchen Renovation' });
    const theirs = await (await buildSales()).create();
    const deleted = await sales.api.delete(`${base}/${id}`);
    expect(deleted.body).toEqual({
      success: true,
      message: "Opportunity 'Kitchen Renovation' deleted successfully",
    });
    for (const unknown of [id, theirs.id, 'unknown']) {
      const path = `${base}/${unknown}`;
      expect((await sales.api.get(path)).status).toBe(404);
      expect((await sales.api.put(path, { title: 'x' })).status).toBe(404);
      expect((await sales.api.put(`${path}/move`, { stage_id: sales.pending })).status).toBe(404);
      expect((await sales.api.delete(path)).status).toBe(404);
    }
    expect((await sales.api.get(base)).body).toMatchObject({
      data: [],
      pagination: { page: 1, limit: 50, total: 0, totalPages: 0, hasNext: false, hasPrev: false },
    });
  });

  it('is for agents to change, and for viewers to look at', async () => {
    const sales = await buildSales();
    const { id } = await sales.create();
    for (const [role, status] of [
      ['viewer', 403],
      ['agent', 200],
    ] as const) {
      const { token } = await buildColleague(server, sales.account, role);
      const api = automate8(server, bearer(token));
      expect((await api.get(`${base}/${id}`)).status).toBe(200);
      expect((await api.put(`${base}/${id}/move`, { stage_id: sales.pending })).status).toBe(status);
    }
  });
});

describe('the list of opportunities', () => {
  it('filters by each parameter, finds beginnings of words, and pages by number and offset', async () => {
    const sales = await buildSales({ rateLimitPerMinute: 1_000 });
    const contact = await createContact(sales);
    const bath = await sales.create({
      title: 'Bathroom Renovation',
      description: 'Walk-in shower',
      value: 100,
      priority: 'high',
      contact_id: contact.id,
      expected_close_date: '2027-01-15',
    });
    const kitchen = await sales.create({ title: 'Kitchen (new)', value: 200.5, stage_id: sales.pending });
    const done = await sales.create({ title: 'Garden', value: 300, stage_id: sales.won, priority: 'low' });
    const ids = async (query: string) => {
      const answer = await sales.api.get(`${base}?${query}`);
      expect({ query, status: answer.status }).toEqual({ query, status: 200 });
      return answer.body.data.map(({ id }: Shown) => id);
    };
    const all = [done.id, kitchen.id, bath.id];
    for (const [query, wanted] of [
      ['', all],
      [`pipeline_id=${sales.pipeline.id}`, all],
      [`stage_id=${sales.pending}`, [kitchen.id]],
      [`contact_id=${contact.id}`, [bath.id]],
      ['priority=high', [bath.id]],
      ['is_closed=true', [done.id]],
      ['is_closed=false', [kitchen.id, bath.id]],
      ['search=reno', [bath.id]],
      ['search=BATH%20shower', [bath.id]],
      ['search=walk', [bath.id]],
      ['search=new', [kitchen.id]],
      ['search=enovation', []],
      ['search=kitchen%20shower', []],
      ['min_amount=200.5', [done.id, kitchen.id]],
      ['max_amount=200.49', [bath.id]],
      ['min_amount=150&max_amount=250', [kitchen.id]],
      ['expected_close_date_from=2027-01-15&expected_close_date_to=2027-01-15', [bath.id]],
      ['expected_close_date_from=2027-01-16', []],
      ['stage_id=unknown', []],
      [`contact_id=${bath.id}`, []],
    ] as const) {
      expect({ query, ids: await ids(query) }).toEqual({ query, ids: wanted });
    }
    const page = async (query: string) => (await sales.api.get(`${base}?${query}`)).body;
    const second = await page('limit=2&page=2');
    expect(second.data.map(({ id }: Shown) => id)).toEqual([bath.id]);
    expect(second.pagination).toEqual({
      page: 2,
      limit: 2,
      total: 3,
      totalPages: 2,
      hasNext: false,
      hasPrev: true,
    });
    const byOffset = await page('limit=1&offset=1&page=7');
    expect(byOffset.data.map(({ id }: Shown) => id)).toEqual([kitchen.id]);
    expect(byOffset.pagination).toMatchObject({ page: 2, hasNext: true, hasPrev: true });
    for (const query of [
      'limit=0',
      'limit=101',
      'page=0',
      'page=x',
      'offset=-1',
      'priority=urgent',
      'is_closed=maybe',
      'min_amount=-1',
      'search=%21',
      'expected_close_date_from=soon',
    ]) {
      expect({ query, status: (await sales.api.get(`${base}?${query}`)).status }).toEqual({
        query,
        status: 400,
      });
    }
  });
});

describe('one deal through both contracts', () => {
  it('is the same wherever it is made, moved and won', async () => {
    const sales = await buildSales();
    const native = await nativeOf(sales);
    const { fromUuid } = await import('../../../src/lib/uuid.ts');
    const hex = (uuid: unknown) => fromUuid(String(uuid))?.toHexString() ?? '';
    const { id } = await sales.create({ title: 'Kitchen', value: 1_000.5, priority: 'high' });
    const path = `/deals/${hex(id)}`;
    const shown = (await native.get(path)).body.data;
    expect(shown).toMatchObject({
      title: 'Kitchen',
      value: 1_000.5,
      currency: 'USD',
      priority: 'High',
      status: 'open',
      stageId: hex(sales.fresh),
      pipelineId: hex(sales.pipeline.id),
    });
    await native.post(`${path}/move`).send({ stageId: hex(sales.pending) });
    expect((await sales.api.get(`${base}/${id}`)).body.data).toMatchObject({
      stage_id: sales.pending,
      probability: 50,
    });
    const note = { recordType: 'deal', recordId: hex(id), type: 'note', description: 'Called' };
    expect((await native.post('/activities').send(note)).status).toBe(201);
    const withNote = await sales.api.get(`${base}/${id}`);
    expect(lacks(automate8Examples['GET /api/pipeline/opportunities/:id'], withNote.body)).toEqual([]);
    expect(withNote.body.data.activities).toMatchObject([{ type: 'note', content: 'Called' }]);
    await native.patch(path).send({ title: 'Kitchen and bath', value: 2_000, priority: 'Urgent' });
    const restated = await sales.api.put(`${base}/${id}`, { priority: 'high', notes: 'x' });
    expect(restated.body.data).toMatchObject({ title: 'Kitchen and bath', amount: 2_000, priority: 'high' });
    expect((await native.get(path)).body.data.priority).toBe('Urgent');
    await sales.api.put(`${base}/${id}/move`, { stage_id: sales.won });
    expect((await native.get(path)).body.data).toMatchObject({ status: 'won', closedAt: expect.any(String) });
    await expect
      .poll(async () => (await native.get(`${path}/history`)).body.data?.length, { timeout: 10_000 })
      .toBe(5);
    const rows = (await native.get(`${path}/history`)).body.data as { contract: string }[];
    expect(rows.map(({ contract }) => contract)).toEqual([
      'automate8',
      'automate8',
      'native',
      'native',
      'automate8',
    ]);
    await native.post(`${path}/archive`);
    expect((await sales.api.get(`${base}/${id}`)).status).toBe(404);
  }, 20_000);
});
