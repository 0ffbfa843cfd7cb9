import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leadEntity } from '../../src/features/people/leads/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { newRecord } from '../../src/records/insert.ts';
import { systemIn } from '../../src/tenancy/actor.ts';
import {
  type Api,
  apiOf,
  buildLead,
  buildTenant,
  startServer,
  type Tenant,
  type TestServer,
  useServer,
  workspacePath,
} from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';

const server = useServer();

describe('changes of one record by many writers', () => {
  let second: TestServer;
  beforeAll(async () => {
    second = await startServer({}, { name: server.ctx.redisPrefix });
  });
  afterAll(() => second.close());

  const fromBoth = ({ workspaceId, apiKey }: Tenant) =>
    [server, second].map((one) => apiOf(one, workspacePath(workspaceId), { 'X-API-Key': apiKey }));

  it('all happen, each once, whichever server makes them', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant);
    const apis = fromBoth(tenant);
    const numbers = Array.from({ length: 40 }, (_, index) => index);
    const answers = await Promise.all(
      numbers.map((number) =>
        apis[number % 2]?.patch(`/leads/${lead._id}`).send({ fields: { [`f${number}`]: number } }),
      ),
    );
    expect(new Set(answers.map((answer) => answer?.status))).toEqual(new Set([200]));
    const times = answers.map((answer) => answer?.body.data.updatedAt);
    expect(new Set(times).size).toBe(40);
    const stored = await leadEntity
      .collection(server.ctx.db)
      .findById(new ObjectId(tenant.workspaceId), new ObjectId(lead._id));
    expect(stored?.version).toBe(41);
    expect(stored?.fields).toEqual(Object.fromEntries(numbers.map((number) => [`f${number}`, number])));
    expect(stored?.facets).toEqual(
      expect.arrayContaining(numbers.map((number) => `fields.f${number}=${number}`)),
    );
  });

  it('go by what the database has, whatever a server has written last', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant);
    const [one, other] = fromBoth(tenant) as [Api, Api];
    const path = `/leads/${lead._id}`;
    await one.patch(path).send({ city: 'Pune' }).expect(200);
    const theirs = await other.patch(path).send({ city: 'Goa', company: 'Theirs' }).expect(200);
    const back = await one.patch(path).send({ city: 'Pune' }).expect(200);
    expect(back.body.data).toMatchObject({ city: 'Pune', company: 'Theirs' });
    const stale = await one
      .patch(path)
      .set('If-Match', theirs.headers.etag ?? '')
      .send({ city: 'X' });
    expect(stale.status).toBe(412);
    const again = await other.patch(path).send({ city: 'Goa' }).expect(200);
    await one
      .patch(path)
      .set('If-Match', again.headers.etag ?? '')
      .send({ city: 'Delhi' })
      .expect(200);
    await other.post(`${path}/archive`).expect(200);
    expect((await one.patch(path).send({ city: 'Delhi' })).status).toBe(409);
    expect((await one.get(path)).body.data).toMatchObject({ city: 'Delhi', company: 'Theirs' });
  });

  it('never reach a record that was archived in the same moment', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant);
    const [one, other] = fromBoth(tenant);
    const [changed, archived] = await Promise.all([
      one?.patch(`/leads/${lead._id}`).send({ name: 'Changed' }),
      other?.post(`/leads/${lead._id}/archive`),
    ]);
    expect(archived?.status).toBe(200);
    expect([200, 409]).toContain(changed?.status);
    const now = await tenant.api.get(`/leads/${lead._id}`);
    expect(now.body.data.name).toBe(changed?.status === 200 ? 'Changed' : lead.name);
    expect((await tenant.api.get('/leads?archived=true')).body.data).toHaveLength(1);
  });
});

describe('writes of one moment', () => {
  it('that break a unique rule fail alone and say which', async () => {
    const tenants = await Promise.all(Array.from({ length: 10 }, () => buildTenant(server)));
    const taken = buildLead();
    await tenants[0]?.api.post('/leads').send(taken).expect(201);
    const answers = await Promise.all(tenants.map(({ api }) => api.post('/leads').send(taken)));
    expect(answers.map(({ status }) => status)).toEqual([409, ...Array(9).fill(201)]);
    expect(answers[0]?.body.duplicate).toMatchObject({ name: taken.name });

    const created = await Promise.all(tenants.map(({ api }) => api.post('/leads').send(buildLead())));
    const changed = await Promise.all(
      tenants.map(({ api }, index) =>
        api
          .patch(`/leads/${created[index]?.body.data._id}`)
          .send(index === 5 ? { mobileNumber: taken.mobileNumber } : { city: 'Pune' }),
      ),
    );
    expect(changed.map(({ status }) => status)).toEqual(
      Array.from({ length: 10 }, (_, i) => (i === 5 ? 409 : 200)),
    );
  });

  it('are made though one among them can not even be sent', async () => {
    const { ctx } = server;
    const tenant = new ObjectId((await buildTenant(server)).workspaceId);
    const other = new ObjectId((await buildTenant(server)).workspaceId);
    const build = async (workspaceId: ObjectId) =>
      newRecord(ctx, leadEntity, systemIn(workspaceId), { ...buildLead(), priority: 'Medium' });
    const [good, bad] = [await build(tenant), await build(other)];
    Object.assign(bad, { fields: { 'a\0b': 1 } });
    const collection = leadEntity.collection(ctx.db);
    const inserts = [collection.insertOne(tenant, good), collection.insertOne(other, bad)];
    expect((await Promise.allSettled(inserts)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
    ]);
    const updates = [
      collection.updateOne(tenant, { _id: good._id }, { $set: { city: 'Pune' } }),
      collection.updateOne(other, { _id: bad._id }, { $set: { fields: { 'a\0b': 1 } } }),
      collection.updateOne(other, { _id: good._id }, { $set: { city: 'Nowhere' } }),
    ];
    const outcomes = await Promise.allSettled(updates);
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'failed'))).toEqual([
      true,
      'failed',
      false,
    ]);
    expect((await collection.findById(tenant, good._id))?.city).toBe('Pune');
  });

  it('and reads keep to their workspaces', async () => {
    const [one, other] = [await buildTenant(server), await buildTenant(server)];
    const lead = await createLead(one);
    const answers = await Promise.all([one, other, one].map(({ api }) => api.get(`/leads/${lead._id}`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200]);
  });
});
