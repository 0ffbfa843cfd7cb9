import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { conversions } from '../../src/features/people/conversion/model.ts';
import { convertLead } from '../../src/features/people/conversion/service.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import type { Caller } from '../../src/records/api/service.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import {
  apiOf,
  buildApiKey,
  buildTenant,
  getWorkspace,
  scopes,
  type Tenant,
  useServer,
  workspacePath,
} from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import { createContact, createLead, createRecord } from '../helpers/factories.ts';
import { Died, mortal } from '../helpers/mortal.ts';
import { until } from '../helpers/webhooks.ts';

const server = useServer();
const events = useEvents(server);
let worker: RunningWorker;
beforeAll(() => {
  worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
});
afterAll(() => worker.close());

type Stored = Record<string, unknown> & { _id: string };

const convert = ({ api }: Pick<Tenant, 'api'>, { _id }: Stored, body: object = {}) =>
  api.post(`/leads/${_id}/convert`).send(body);
const list = async ({ api }: Tenant, path: string): Promise<Stored[]> => (await api.get(path)).body.data;
const read = async ({ api }: Tenant, path: string, id: unknown) => (await api.get(`${path}/${id}`)).body.data;

async function callerOf({ workspaceId }: Tenant): Promise<Caller> {
  const workspace = await getWorkspace(server.ctx, new ObjectId(workspaceId));
  const limits = server.ctx.config.rateLimit;
  return {
    workspace,
    actor: { kind: 'apiKey', id: 'a key', workspaceId: workspace._id, scopes: new Set(scopes), limits },
  };
}

/** What a lead becomes, and that there is one of each. */
async function expectOneOfEach(tenant: Tenant, lead: Stored) {
  const [contacts, companies, deals] = await Promise.all(
    ['/contacts', '/companies', '/deals'].map((path) => list(tenant, path)),
  );
  expect(contacts).toMatchObject([
    { name: lead.name, mobileNumber: lead.mobileNumber, companyId: companies?.[0]?._id },
  ]);
  expect(companies).toMatchObject([{ name: 'Sea View Homes' }]);
  expect(deals).toMatchObject([
    { title: lead.name, leadId: lead._id, contactId: contacts?.[0]?._id, companyId: companies?.[0]?._id },
  ]);
  expect(await read(tenant, '/leads', lead._id)).toMatchObject({
    status: 'converted',
    contactId: contacts?.[0]?._id,
    companyId: companies?.[0]?._id,
    dealId: deals?.[0]?._id,
    convertedAt: expect.any(String),
  });
}

const buildLeadOf = (tenant: Tenant, overrides: object = {}) =>
  createLead(tenant, { company: 'Sea View Homes', email: 'rahul@example.com', dealValue: 500, ...overrides });

describe('POST /leads/:leadId/convert', () => {
  it('makes a contact, a company and a deal, and marks the lead', async () => {
    const tenant = await buildTenant(server);
    const lead = await buildLeadOf(tenant, { tags: ['vip'], source: 'website', assignedTo: tenant.memberId });
    const answer = await convert(tenant, lead, {
      contact: { title: 'Director', notes: null },
      company: { domain: 'seaview.example.com' },
      deal: { title: 'Flat by the sea', probability: 40 },
    });
    expect(answer.status).toBe(201);
    const { contact, company, deal, convertedAt, leadId } = answer.body.data;
    expect(leadId).toBe(lead._id);
    expect([contact, company, deal].map(({ isNew }) => isNew)).toEqual([true, true, true]);
    expect(await read(tenant, '/contacts', contact._id)).toMatchObject({
      name: lead.name,
      mobileNumber: lead.mobileNumber,
      email: 'rahul@example.com',
      title: 'Director',
      tags: ['vip'],
      source: 'website',
      assignedTo: tenant.memberId,
      companyId: company._id,
    });
    expect(await read(tenant, '/companies', company._id)).toMatchObject({
      name: 'Sea View Homes',
      domain: 'seaview.example.com',
    });
    expect(await read(tenant, '/deals', deal._id)).toMatchObject({
      title: 'Flat by the sea',
      value: 500,
      probability: 40,
      leadId: lead._id,
      contactId: contact._id,
      companyId: company._id,
    });
    expect(await read(tenant, '/leads', lead._id)).toMatchObject({
      status: 'converted',
      contactId: contact._id,
      companyId: company._id,
      dealId: deal._id,
      convertedAt,
    });
    expect(await events.of(lead._id)).toEqual(['lead.created', 'lead.updated']);
    expect(await events.of(deal._id)).toEqual(['deal.created']);
    const { body } = await tenant.api.get(`/leads/${lead._id}/history`);
    expect(body.data.map(({ action }: { action: string }) => action)).toEqual(['converted', 'created']);
  });

  it('finds the contact and the company that there are, and makes no more than is wanted', async () => {
    const tenant = await buildTenant(server);
    const contact = await createContact(tenant, { email: 'RAHUL@example.com' });
    const company = await createRecord(tenant, '/companies', { name: 'sea view HOMES' });
    const lead = await buildLeadOf(tenant);
    const answer = await convert(tenant, lead, { deal: null });
    expect(answer.body.data).toEqual({
      leadId: lead._id,
      contact: { _id: contact._id, isNew: false },
      company: { _id: company._id, isNew: false },
      convertedAt: expect.any(String),
    });
    expect(await list(tenant, '/deals')).toEqual([]);
    const alone = await createLead(tenant);
    expect((await convert(tenant, alone, { company: null, deal: null })).body.data).not.toHaveProperty(
      'company',
    );
  });

  it('answers the same again, whatever was changed since and whatever is asked', async () => {
    const tenant = await buildTenant(server);
    const lead = await buildLeadOf(tenant);
    const first = await convert(tenant, lead);
    await tenant.api.patch(`/leads/${lead._id}`).send({ status: 'new', name: 'Somebody else' }).expect(200);
    await tenant.api.post(`/deals/${first.body.data.deal._id}/archive`).expect(200);
    const again = await convert(tenant, lead, { deal: { title: 'Another' } });
    expect(again.status).toBe(201);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expect((await read(tenant, '/leads', lead._id)).status).toBe('new');
    expect(await list(tenant, '/deals')).toEqual([]);
  });

  it('converts once, of 30 that ask at the same time', async () => {
    const tenant = await buildTenant(server);
    const lead = await buildLeadOf(tenant);
    const answers = await Promise.all(Array.from({ length: 30 }, () => convert(tenant, lead)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    await expectOneOfEach(tenant, lead);
  });

  it('refuses what is wrong, by its place in the body, and writes nothing', async () => {
    const tenant = await buildTenant(server);
    const lead = await buildLeadOf(tenant);
    const foreign = await createRecord(await buildTenant(server), '/companies', { name: 'Theirs' });
    const detailsOf = async (body: object) =>
      Object.keys((await convert(tenant, lead, body)).body.details ?? {});
    expect(await detailsOf({ deal: { stageId: '65b8c47f4e2cfc1df3a75111' } })).toEqual(['deal.stageId']);
    expect(await detailsOf({ deal: { value: -1 } })).toEqual(['deal.value']);
    expect(await detailsOf({ company: { parentId: foreign._id } })).toEqual(['company.parentId']);
    expect(await detailsOf({ contact: { assignedTo: 'nobody' } })).toEqual(['contact.assignedTo']);
    for (const path of ['/contacts', '/companies', '/deals']) expect(await list(tenant, path)).toEqual([]);
    expect(await read(tenant, '/leads', lead._id)).toEqual(lead);
    expect((await convert(tenant, { _id: 'nonsense' })).status).toBe(404);
    await tenant.api.post(`/leads/${lead._id}/archive`).expect(200);
    expect((await convert(tenant, lead)).status).toBe(409);
  });

  it('takes the scopes of what it makes', async () => {
    const tenant = await buildTenant(server);
    const lead = await buildLeadOf(tenant);
    const { apiKey } = await buildApiKey(server, tenant.workspaceId, {
      scopes: ['lead.write', 'contact.write', 'company.write'],
    });
    const api = apiOf(server, workspacePath(tenant.workspaceId), { 'X-API-Key': apiKey });
    expect((await convert({ api }, lead)).status).toBe(403);
    expect(await list(tenant, '/contacts')).toEqual([]);
    expect((await convert({ api }, lead, { deal: null })).status).toBe(201);
  });
});

describe('a conversion whose process is killed', () => {
  it('after any write is finished by whoever asks again, with one of each', async () => {
    for (let writes = 1; ; writes += 1) {
      const tenant = await buildTenant(server);
      const lead = await buildLeadOf(tenant);
      const process = mortal(server.ctx, writes);
      const caller = await callerOf(tenant);
      const outcome = await convertLead(process.ctx, caller, new ObjectId(lead._id), {}).catch(
        (error) => error,
      );
      if (process.isDead()) expect(outcome).toBeInstanceOf(Died);
      const answer = await convert(tenant, lead);
      expect(answer.status).toBe(201);
      expect(answer.body.data).toMatchObject({
        contact: { isNew: true },
        company: { isNew: true },
        deal: { isNew: true },
      });
      await expectOneOfEach(tenant, lead);
      if (!process.isDead()) return;
      expect(writes).toBeLessThan(30);
    }
  });

  it('after any write is finished by the sweep, when nobody asks again', async () => {
    const pending: { tenant: Tenant; lead: Stored }[] = [];
    for (let writes = 1; ; writes += 1) {
      const tenant = await buildTenant(server);
      const lead = await buildLeadOf(tenant);
      const _id = new ObjectId(lead._id);
      const process = mortal(server.ctx, writes);
      await convertLead(process.ctx, await callerOf(tenant), _id, {}).catch(() => {});
      if (!process.isDead()) break;
      const workspaceId = new ObjectId(tenant.workspaceId);
      if (!(await conversions(server.ctx.db).findById(workspaceId, _id))) continue;
      pending.push({ tenant, lead });
      // As after ten seconds.
      await conversions(server.ctx.db).updateOne(workspaceId, { _id }, { $set: { at: new Date(0) } });
    }
    expect(pending.length).toBeGreaterThan(5);
    for (const { tenant, lead } of pending) {
      await until(async () => {
        const row = await conversions(server.ctx.db).findById(
          new ObjectId(tenant.workspaceId),
          new ObjectId(lead._id),
        );
        return row && !row.isUnfinished;
      });
      await expectOneOfEach(tenant, lead);
    }
  });
});
