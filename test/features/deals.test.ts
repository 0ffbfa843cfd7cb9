import { describe, expect, it } from 'vitest';
import { dealEntity } from '../../src/features/sales/deals/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { buildTenant, type Tenant, useServer } from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import {
  buildDeal,
  createCompany,
  createContact,
  createCustomer,
  createDeal,
  createLead,
  createPipeline,
  firstPipelineOf,
} from '../helpers/factories.ts';
import { describeRecord } from '../helpers/record-suite.ts';

const server = useServer();
const events = useEvents(server);

describeRecord(server, {
  path: '/deals',
  label: 'Deal',
  read: 'deal.read',
  write: 'deal.write',
  build: async (tenant) =>
    buildDeal({
      description: `Number ${Math.random()}`,
      value: 12_500.5,
      currency: 'USD',
      stageId: (await stagesOf(tenant)).fresh,
    }),
  change: (n) => ({ title: `Version ${n}` }),
  required: ['title'],
  invalid: [
    ['title', 'x'.repeat(10_000)],
    ['value', -1],
    ['value', 1e14],
    ['value', 0.001],
    ['value', '100'],
    ['currency', 'rupees'],
    ['probability', -1],
    ['probability', 100.5],
    ['priority', 'Highest'],
    ['expectedCloseDate', '0001-01-01'],
    ['expectedCloseDate', '9999-12-31'],
    ['expectedCloseDate', 'tomorrow'],
    ['stageId', '65b8c47f4e2cfc1df3a75111'],
    ['stageId', 'nonsense'],
    ['stageId', null],
    ['pipelineId', '65b8c47f4e2cfc1df3a75111'],
    ['leadId', '65b8c47f4e2cfc1df3a75111'],
    ['contactId', 'nobody'],
    ['companyId', '65b8c47f4e2cfc1df3a75111'],
    ['customerId', '65b8c47f4e2cfc1df3a75111'],
    ['tags', Array.from({ length: 10_000 }, (_, n) => `tag ${n}`)],
    ['assignedTo', 'nobody'],
    ['fields', { $where: '1' }],
  ],
  operations: [
    { method: 'post', path: '/deals/:id/move', scope: 'deal.write' },
    { method: 'post', path: '/deals/bulk', scope: 'deal.write' },
  ],
});

const read = async ({ api }: Tenant, id: string) => (await api.get(`/deals/${id}`)).body.data;
const move = ({ api }: Tenant, id: string, body: object) => api.post(`/deals/${id}/move`).send(body);
const stored = ({ workspaceId }: Tenant, id: string) =>
  dealEntity.collection(server.ctx.db).findById(new ObjectId(workspaceId), new ObjectId(id));

/** The stages that a workspace begins with. */
async function stagesOf(tenant: Tenant) {
  const { _id, stages } = await firstPipelineOf(tenant);
  const [fresh, pending, done] = stages.map(({ stageId }) => stageId) as [string, string, string];
  return { pipelineId: _id, fresh, pending, done };
}

describe('POST /deals', () => {
  it('begins in the first stage of the default pipeline, open and of no value', async () => {
    const tenant = await buildTenant(server);
    const deal = await createDeal(tenant);
    const { pipelineId, fresh } = await stagesOf(tenant);
    expect(deal).toMatchObject({
      pipelineId,
      stageId: fresh,
      stageEnteredAt: expect.any(String),
      value: 0,
      currency: 'INR',
      probability: 10,
      priority: 'Medium',
      status: 'open',
    });
    expect(await events.of(deal._id)).toEqual(['deal.created']);
  });

  it('keeps every field of the input', async () => {
    const tenant = await buildTenant(server);
    const { pipelineId, pending } = await stagesOf(tenant);
    const customer = await createCustomer(tenant);
    const body = buildDeal({
      description: 'Fourth floor, with the terrace',
      pipelineId,
      stageId: pending,
      value: 12_500_000.25,
      currency: 'USD',
      probability: 65.5,
      priority: 'Urgent',
      expectedCloseDate: '2027-03-31',
      leadId: (await createLead(tenant))._id,
      contactId: (await createContact(tenant))._id,
      companyId: (await createCompany(tenant))._id,
      customerId: customer._id,
      source: 'fair',
      tags: ['vip'],
      notes: 'Wants to see it again',
      assignedTo: tenant.memberId,
      fields: { floor: 4 },
    });
    const { _id, createdAt, updatedAt, workspaceId, stageEnteredAt, status, ...rest } = await createDeal(
      tenant,
      body,
    );
    expect(rest).toEqual(body);
    expect(status).toBe('open');
    expect(await stored(tenant, _id)).toMatchObject({ openIn: pipelineId });
  });

  it('is won from the start in a stage that wins', async () => {
    const tenant = await buildTenant(server);
    const { done } = await stagesOf(tenant);
    const deal = await createDeal(tenant, { stageId: done });
    expect(deal).toMatchObject({ status: 'won', probability: 90, closedAt: expect.any(String) });
    expect(await events.of(deal._id)).toEqual(['deal.created', 'deal.won']);
    expect(await stored(tenant, deal._id)).not.toHaveProperty('openIn');
  });

  it('begins in the first stage of the pipeline that is named, and refuses the stage of another', async () => {
    const tenant = await buildTenant(server);
    const { pending } = await stagesOf(tenant);
    const rentals = await createPipeline(tenant);
    expect(await createDeal(tenant, { pipelineId: rentals._id })).toMatchObject({
      pipelineId: rentals._id,
      stageId: rentals.stages[0]?.stageId,
    });
    const answer = await tenant.api
      .post('/deals')
      .send(buildDeal({ pipelineId: rentals._id, stageId: pending }));
    expect(answer.status).toBe(422);
    expect(answer.body.details).toEqual({ stageId: ['Must be a stage of the pipeline that is given'] });
  });

  it('refuses references to archived records, other workspaces and their stages, and writes nothing', async () => {
    const tenant = await buildTenant(server);
    const stranger = await buildTenant(server);
    const archived = await createCompany(tenant);
    await tenant.api.post(`/companies/${archived._id}/archive`);
    for (const [field, value] of [
      ['companyId', archived._id],
      ['companyId', (await createCompany(stranger))._id],
      ['leadId', (await createLead(stranger))._id],
      ['contactId', (await createContact(stranger))._id],
      ['stageId', (await stagesOf(stranger)).fresh],
      ['pipelineId', (await stagesOf(stranger)).pipelineId],
    ]) {
      const answer = await tenant.api.post('/deals').send(buildDeal({ [field as string]: value }));
      expect(answer.status).toBe(422);
      expect(Object.keys(answer.body.details)).toEqual([field]);
    }
    expect((await tenant.api.get('/deals')).body.data).toEqual([]);
  });
});

describe('moving a deal', () => {
  it('sets what the stage says, and undoes it in an open one', async () => {
    const tenant = await buildTenant(server);
    const { pending, done } = await stagesOf(tenant);
    const deal = await createDeal(tenant, { probability: 35 });
    const moved = await move(tenant, deal._id, { stageId: pending });
    expect(moved.status).toBe(200);
    expect(moved.body.data).toMatchObject({ stageId: pending, probability: 50, status: 'open' });
    expect(moved.body.data.stageEnteredAt > (deal.stageEnteredAt as string)).toBe(true);
    expect(moved.headers.etag).toBe(`W/"${moved.body.data.updatedAt}-${deal._id}"`);
    const won = (await move(tenant, deal._id, { stageId: done, probability: 99 })).body.data;
    expect(won).toMatchObject({ status: 'won', probability: 99, closedAt: won.updatedAt });
    const { data: reopened } = (await move(tenant, deal._id, { stageId: pending })).body;
    expect(reopened).toMatchObject({ status: 'open', probability: 50 });
    expect(reopened).not.toHaveProperty('closedAt');
    expect(await events.of(deal._id)).toEqual([
      'deal.created',
      ...['deal.updated', 'deal.stage_changed'],
      ...['deal.updated', 'deal.stage_changed', 'deal.won'],
      ...['deal.updated', 'deal.stage_changed'],
    ]);
  });

  it('leaves one alone that is there already', async () => {
    const tenant = await buildTenant(server);
    const { fresh } = await stagesOf(tenant);
    const deal = await createDeal(tenant, { probability: 35 });
    const answer = await move(tenant, deal._id, { stageId: fresh.toUpperCase() });
    expect(answer.body.data).toEqual(deal);
  });

  it('follows to the pipeline of the stage, by PUT and PATCH too', async () => {
    const tenant = await buildTenant(server);
    const { pipelineId, pending } = await stagesOf(tenant);
    const rentals = await createPipeline(tenant);
    const deal = await createDeal(tenant);
    const stageId = rentals.stages[1]?.stageId;
    const patched = await tenant.api.patch(`/deals/${deal._id}`).send({ stageId, title: 'For rent' });
    expect(patched.body.data).toMatchObject({ pipelineId: rentals._id, stageId, title: 'For rent' });
    const put = await tenant.api.put(`/deals/${deal._id}`).send(buildDeal({ stageId: pending }));
    expect(put.body.data).toMatchObject({ pipelineId, stageId: pending });
    const back = await tenant.api.patch(`/deals/${deal._id}`).send({ pipelineId: rentals._id });
    expect(back.body.data).toMatchObject({ pipelineId: rentals._id, stageId: rentals.stages[0]?.stageId });
    const mixed = await tenant.api
      .patch(`/deals/${deal._id}`)
      .send({ pipelineId: rentals._id, stageId: pending });
    expect(mixed.status).toBe(422);
  });

  it('keeps to If-Match and refuses an archived deal and what is no stage', async () => {
    const tenant = await buildTenant(server);
    const { pending, done } = await stagesOf(tenant);
    const deal = await createDeal(tenant);
    const etag = `W/"${deal.updatedAt}-${deal._id}"`;
    const moveMatching = (stageId: string) => move(tenant, deal._id, { stageId }).set('If-Match', etag);
    expect((await moveMatching(pending)).status).toBe(200);
    expect((await moveMatching(done)).status).toBe(412);
    for (const stageId of ['nonsense', '65b8c47f4e2cfc1df3a75111', 5, null, undefined])
      expect((await move(tenant, deal._id, { stageId })).status).toBe(422);
    expect((await move(tenant, deal._id, { stageId: done, probability: 101 })).status).toBe(422);
    await tenant.api.post(`/deals/${deal._id}/archive`);
    expect((await move(tenant, deal._id, { stageId: done })).status).toBe(409);
  });

  it('makes one order of two movers, and of twenty', async () => {
    const tenant = await buildTenant(server);
    const { fresh, pending, done } = await stagesOf(tenant);
    const deal = await createDeal(tenant);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        move(tenant, deal._id, { stageId: [fresh, pending, done][n % 3] as string }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const last = await read(tenant, deal._id);
    const states = (await events.recordsOf(deal._id, 'deal.stage_changed')).map((record) => ({
      stageId: record.stageId,
      version: record.version,
    }));
    // Each move is a version of its own, and none goes where the one before it went.
    const versions = states.map(({ version }) => version);
    expect(versions.toSorted((a, b) => Number(a) - Number(b))).toEqual(versions.map((_, n) => n + 2));
    const inOrder = states.toSorted((a, b) => Number(a.version) - Number(b.version));
    for (const [n, { stageId }] of inOrder.entries())
      expect(stageId).not.toBe(inOrder[n - 1]?.stageId ?? fresh);
    expect(last.stageId).toBe(inOrder.at(-1)?.stageId);
  });
});

describe('PATCH /deals/:id', () => {
  it('sets a status where the deal is, and with it when it closed', async () => {
    const tenant = await buildTenant(server);
    const deal = await createDeal(tenant);
    const patch = (body: object) => tenant.api.patch(`/deals/${deal._id}`).send(body);
    const lost = (await patch({ status: 'lost' })).body.data;
    expect(lost).toMatchObject({ status: 'lost', stageId: deal.stageId });
    // A change within the millisecond of the one before it is stamped later than it closed.
    expect(Date.parse(lost.updatedAt) - Date.parse(lost.closedAt)).toBeOneOf([0, 1]);
    expect((await patch({ status: 'lost' })).body.data).toEqual(lost);
    const { data: open } = (await patch({ status: 'open' })).body;
    expect(open).toEqual({ ...deal, updatedAt: open.updatedAt });
    expect(await events.of(deal._id)).toEqual(['deal.created', 'deal.updated', 'deal.lost', 'deal.updated']);
  });

  it('changes value and currency by themselves', async () => {
    const tenant = await buildTenant(server);
    const deal = await createDeal(tenant, { value: 100 });
    const patch = async (body: object) => (await tenant.api.patch(`/deals/${deal._id}`).send(body)).body.data;
    expect(await patch({ currency: 'eur' })).toMatchObject({ value: 100, currency: 'EUR' });
    expect(await patch({ value: 99.99 })).toMatchObject({ value: 99.99, currency: 'EUR' });
  });
});

describe('GET /deals', () => {
  it('filters by stage, pipeline, status, company and day', async () => {
    const tenant = await buildTenant(server);
    const { pipelineId, pending, done } = await stagesOf(tenant);
    const company = await createCompany(tenant);
    const one = await createDeal(tenant, { stageId: pending, companyId: company._id });
    const two = await createDeal(tenant, { stageId: done, expectedCloseDate: '2027-03-31' });
    const listed = async (query: string) =>
      (await tenant.api.get(`/deals?${query}`)).body.data.map(({ _id }: { _id: string }) => _id);
    expect(await listed(`stageId=${pending}`)).toEqual([one._id]);
    expect(await listed(`pipelineId=${pipelineId}`)).toEqual([two._id, one._id]);
    expect(await listed('status=won')).toEqual([two._id]);
    expect(await listed(`companyId=${company._id}`)).toEqual([one._id]);
    expect(await listed('expectedCloseDate=2027-03-31')).toEqual([two._id]);
    expect(await listed('sort=-value&minValue=0')).toEqual([two._id, one._id]);
  });
});

describe('POST /deals/bulk', () => {
  it('answers each row in its place', async () => {
    const tenant = await buildTenant(server);
    const { done } = await stagesOf(tenant);
    const deals = [buildDeal(), buildDeal({ stageId: 'nonsense' }), buildDeal({ stageId: done, value: 5 })];
    const { body } = await tenant.api.post('/deals/bulk').send({ deals });
    expect(body.results).toMatchObject([
      { status: 'created' },
      { status: 'error', error: expect.stringContaining('stageId') },
      { status: 'created' },
    ]);
    expect(body.data).toMatchObject([
      { status: 'open', value: 0 },
      { status: 'won', value: 5 },
    ]);
  });
});
