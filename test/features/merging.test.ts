import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { jobWork } from '../../src/features/data/jobs/jobs.ts';
import { type Job, jobs } from '../../src/features/data/jobs/model.ts';
import { mergeables } from '../../src/features/data/merging/mergeable.ts';
import { mergeRecords } from '../../src/features/data/merging/service.ts';
import { messageEntity } from '../../src/features/messaging/messages/transitions.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import type { Caller } from '../../src/records/api/service.ts';
import { entitiesOf } from '../../src/records/entity/all.ts';
import { holdersOf } from '../../src/records/references.ts';
import type { Claimed, Lane } from '../../src/work/work.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { buildPhone, buildTenant, getWorkspace, type Tenant, useServer } from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import {
  buildContact,
  createContact,
  createCustomer,
  createLead,
  createRecord,
} from '../helpers/factories.ts';
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

const createCompany = (tenant: Tenant, fields: object = {}) =>
  createRecord(tenant, '/companies', { name: 'Sea View Homes', ...fields });
const merge = ({ api }: Tenant, path: string, kept: Stored, other: Stored) =>
  api.post(`${path}/${kept._id}/merge`).send({ otherId: other._id });
const read = async ({ api }: Tenant, path: string, { _id }: Stored) =>
  (await api.get(`${path}/${_id}`)).body.data;
const jobsEnded = ({ api }: Tenant) =>
  until(async () => {
    const { data } = (await api.get('/jobs?limit=100')).body;
    return data.every(({ finishedAt }: { finishedAt?: string }) => finishedAt) ? data : undefined;
  });

async function callerOf({ workspaceId }: Tenant): Promise<Caller> {
  const workspace = await getWorkspace(server.ctx, new ObjectId(workspaceId));
  const limits = server.ctx.config.rateLimit;
  return {
    workspace,
    actor: { kind: 'apiKey', id: 'a key', workspaceId: workspace._id, scopes: new Set(), limits },
  };
}

const mergeableNamed = (name: string) => {
  const found = mergeables.find(({ entity }) => entity.name === name);
  if (!found) throw new Error(`No ${name} can be merged`);
  return found;
};

describe.each([
  ['/leads', 'Lead', createLead],
  ['/contacts', 'Contact', createContact],
  ['/companies', 'Company', createCompany],
] as const)('POST %s/:id/merge', (path, label, create) => {
  it('keeps one, which gets what it lacks; the other shows where it went', async () => {
    const tenant = await buildTenant(server);
    const kept = await create(tenant, { tags: ['a', 'b'], fields: { one: 1, both: 1 } });
    const other = await create(tenant, {
      tags: ['B', 'c'],
      fields: { two: 2, both: 2 },
      assignedTo: tenant.memberId,
      name: 'Other',
    });
    const answer = await merge(tenant, path, kept, other);
    expect(answer.status).toBe(202);
    expect(answer.body.data).toMatchObject({
      type: `${label.toLowerCase()}.merge`,
      subject: { id: other._id },
    });
    await jobsEnded(tenant);
    expect(await read(tenant, path, kept)).toMatchObject({
      name: kept.name,
      tags: ['a', 'b', 'c'],
      fields: { one: 1, two: 2, both: 1 },
      assignedTo: tenant.memberId,
    });
    expect(await read(tenant, path, other)).toMatchObject({
      name: 'Other',
      archivedAt: expect.any(String),
      mergedInto: kept._id,
      mergeJobId: answer.body.data._id,
    });
    const { body } = await tenant.api.get(path);
    expect(body.data.map(({ _id }: Stored) => _id)).toEqual([kept._id]);
    // A retry is answered with the same job.
    const again = await merge(tenant, path, kept, other);
    expect(again.status).toBe(202);
    expect(again.body.data._id).toBe(answer.body.data._id);
  });

  it('refuses itself, what is unknown, another workspace’s, archived and merged ones, and writes nothing', async () => {
    const tenant = await buildTenant(server);
    const [kept, archived, third] = [await create(tenant), await create(tenant), await create(tenant)];
    const foreign = await create(await buildTenant(server));
    const statusOf = async (into: Stored, other: Stored) => (await merge(tenant, path, into, other)).status;
    await tenant.api.post(`${path}/${archived._id}/archive`).expect(200);
    expect(await statusOf(kept, kept)).toBe(422);
    expect(await statusOf(kept, foreign)).toBe(422);
    expect(await statusOf(kept, { _id: 'nonsense' })).toBe(422);
    expect(await statusOf(foreign, kept)).toBe(404);
    expect(await statusOf(archived, kept)).toBe(409);
    expect(await statusOf(kept, archived)).toBe(409);
    expect((await tenant.api.get('/jobs')).body.data).toEqual([]);
    expect(await read(tenant, path, kept)).toEqual(kept);
    expect(await statusOf(kept, third)).toBe(202);
    expect(await statusOf(third, kept)).toBe(409);
  });

  it('loses nobody to merges of one pair, or of a circle, all at once', async () => {
    const tenant = await buildTenant(server);
    for (let round = 0; round < 3; round += 1) {
      const [one, two, three] = [await create(tenant), await create(tenant), await create(tenant)];
      const answers = await Promise.all([
        merge(tenant, path, one, two),
        merge(tenant, path, two, three),
        merge(tenant, path, three, one),
        merge(tenant, path, two, one),
        merge(tenant, path, one, two),
      ]);
      for (const { status } of answers) expect([202, 409]).toContain(status);
      const all = await Promise.all([one, two, three].map((record) => read(tenant, path, record)));
      const live = all.filter(({ archivedAt }) => !archivedAt);
      const merged = answers.filter(({ status }) => status === 202).map(({ body }) => body.data._id);
      expect(live).toHaveLength(3 - new Set(merged).size);
      expect(live.length).toBeGreaterThan(0);
      await jobsEnded(tenant);
      // Whoever follows the way comes to one that is live.
      for (const record of all) {
        let last = await read(tenant, path, record);
        for (let steps = 0; last.mergedInto && steps < 3; steps += 1)
          last = await read(tenant, path, { _id: last.mergedInto });
        expect(last).not.toHaveProperty('archivedAt');
      }
    }
  });
});

describe('what points at a merged record', () => {
  it('is found from the declarations: every reference can be looked up', () => {
    for (const entity of entitiesOf(server.ctx)) {
      for (const [field, { refersTo }] of Object.entries(entity.fields)) {
        if (refersTo) expect(entity.facets, `${entity.name}.${field}`).toHaveProperty(field);
      }
    }
    const names = holdersOf(server.ctx).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining([
        'customer.leadId',
        'lead.mergedInto',
        'company.parentId',
        'activity.leadId',
        'message.leadId',
        'message.contactId',
      ]),
    );
  });

  it('points at the lead that is left: activities, customer, messages, and those merged into it before', async () => {
    const tenant = await buildTenant(server);
    const [kept, other, earlier] = [
      await createLead(tenant),
      await createLead(tenant),
      await createLead(tenant),
    ];
    const customer = await createRecord(tenant, '/customers', { leadId: other._id, name: 'Rahul' });
    await tenant.api.post(`/leads/${other._id}/comments`).send({ content: 'Called' }).expect(201);
    await tenant.api.post(`/leads/${other._id}/activities`).send({ type: 'call', title: 'x' }).expect(201);
    await createRecord(tenant, '/messages/sms', {
      to: buildPhone(),
      body: 'Hello',
      leadId: other._id,
      delay: 3_600_000,
    });
    await merge(tenant, '/leads', other, earlier).expect(202);
    await merge(tenant, '/leads', kept, other).expect(202);
    await jobsEnded(tenant);
    expect(await read(tenant, '/customers', customer)).toMatchObject({ leadId: kept._id });
    expect(await read(tenant, '/leads', kept)).toMatchObject({ customerId: customer._id });
    expect(await read(tenant, '/leads', earlier)).toMatchObject({ mergedInto: kept._id });
    const comments = (await tenant.api.get(`/leads/${kept._id}/comments`)).body.data;
    expect(comments).toMatchObject([{ content: 'Called', leadId: kept._id }]);
    expect((await tenant.api.get(`/leads/${kept._id}/activities?type=call`)).body.data).toHaveLength(1);
    expect((await tenant.api.get(`/messages?leadId=${kept._id}`)).body.data).toHaveLength(1);
    expect(await events.of(customer._id)).toEqual(['customer.created', 'customer.updated']);
  });

  it('points at the company that is left, its children in a tree as before', async () => {
    const tenant = await buildTenant(server);
    const [kept, other] = [await createCompany(tenant), await createCompany(tenant)];
    const child = await createCompany(tenant, { parentId: other._id });
    await createCompany(tenant, { parentId: child._id });
    expect((await merge(tenant, '/companies', child, other)).status).toBe(409);
    await merge(tenant, '/companies', kept, other).expect(202);
    await jobsEnded(tenant);
    expect(await read(tenant, '/companies', child)).toMatchObject({ parentId: kept._id });
  });

  it('keeps two leads apart that are both customers', async () => {
    const tenant = await buildTenant(server);
    const [one, two] = [await createCustomer(tenant), await createCustomer(tenant)];
    const answer = await merge(tenant, '/leads', { _id: String(one.leadId) }, { _id: String(two.leadId) });
    expect(answer.status).toBe(409);
    expect((await tenant.api.get('/jobs')).body.data).toEqual([]);
  });

  it('finds a number and an address free that only the other had', async () => {
    const tenant = await buildTenant(server);
    const kept = await createCompany(tenant, { name: 'One' });
    const other = await createCompany(tenant, { name: 'Two', domain: 'two.example.com' });
    await merge(tenant, '/companies', kept, other).expect(202);
    await jobsEnded(tenant);
    expect(await read(tenant, '/companies', kept)).toMatchObject({ domain: 'two.example.com' });
  });
});

describe('a process that is killed', () => {
  it('after any write of the request leaves both as they were, or one with all that pointed at the other', async () => {
    const ways = new Set<string>();
    for (let writes = 1; ; writes += 1) {
      const tenant = await buildTenant(server);
      const [kept, other] = [await createLead(tenant), await createLead(tenant)];
      await tenant.api.post(`/leads/${other._id}/comments`).send({ content: 'Called' }).expect(201);
      const process = mortal(server.ctx, writes);
      const ids = [new ObjectId(kept._id), new ObjectId(other._id)] as const;
      const outcome = await mergeRecords(
        process.ctx,
        await callerOf(tenant),
        mergeableNamed('lead'),
        ...ids,
      ).catch((error) => error);
      if (process.isDead()) expect(outcome).toBeInstanceOf(Died);
      const { mergedInto } = await read(tenant, '/leads', other);
      ways.add(mergedInto ? 'merged' : 'untouched');
      await endTurns(tenant);
      // The client asks again, and this time there is an answer.
      const answer = await until(async () => {
        const again = await merge(tenant, '/leads', kept, other);
        return again.status === 503 ? undefined : again;
      });
      expect(answer.status).toBe(202);
      await until(async () => (await tenant.api.get(`/leads/${kept._id}/comments`)).body.data.length === 1);
      if (!process.isDead()) break;
      expect(writes).toBeLessThan(20);
    }
    expect([...ways].sort()).toEqual(['merged', 'untouched']);
  });

  it('and whose client never asks again is finished by the job', async () => {
    const { tenant, kept } = await dieOnceMerged();
    // As after half a minute.
    const past = { $set: { dueAt: new Date(0), createdAt: new Date(0) } };
    await jobs(server.ctx.db).updateMany(new ObjectId(tenant.workspaceId), { status: 'queued' }, past);
    await server.ctx.db
      .tenant<Lane>('job_lanes')
      .updateOne(
        new ObjectId(tenant.workspaceId),
        { _id: new ObjectId(tenant.workspaceId) },
        { $set: { dueAt: new Date(0) } },
      );
    const ended: { status: string }[] = await jobsEnded(tenant);
    expect((await tenant.api.get(`/leads/${kept._id}/comments`)).body.data).toHaveLength(1);
    expect(ended).toMatchObject([{ status: 'completed' }]);
  });

  it('after any write of the job costs nothing: each record is changed and counted once', async () => {
    const tenant = await buildTenant(server);
    const [kept, other] = [await createContact(tenant), await createContact(tenant)];
    const workspaceId = new ObjectId(tenant.workspaceId);
    const { _id: _first, ...message } = await firstMessage(tenant, other._id);
    await messageEntity.collection(server.ctx.db).insertMany(
      workspaceId,
      Array.from({ length: 449 }, () => ({ ...message, _id: new ObjectId() })),
    );
    await worker.close();
    const { body } = await merge(tenant, '/contacts', kept, other);
    const jobId = new ObjectId(body.data._id);
    const readJob = async () => (await jobs(server.ctx.db).findById(workspaceId, jobId)) as Job;
    for (let writes = 1; !(await readJob()).finishedAt; writes += 7) {
      const { ctx } = mortal(server.ctx, writes);
      const visit = await jobWork.open(ctx, { workspaceId } as Claimed<Lane>);
      for (let slices = 0; slices < 3; slices += 1) {
        const job = await readJob();
        if (job.finishedAt) break;
        await visit?.process(job).catch((error: unknown) => expect(error).toBeInstanceOf(Died));
      }
    }
    worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
    expect(await readJob()).toMatchObject({ status: 'completed', total: 450, done: 450, failed: 0 });
    const moved = { contactId: kept._id, version: message.version + 1 };
    expect(await messageEntity.collection(server.ctx.db).count(workspaceId, moved)).toBe(450);
  });
});

/** Two leads whose merge was written by a process that died then. */
async function dieOnceMerged() {
  for (let writes = 1; writes < 20; writes += 1) {
    const tenant = await buildTenant(server);
    const [kept, other] = [await createLead(tenant), await createLead(tenant)];
    await tenant.api.post(`/leads/${other._id}/comments`).send({ content: 'Called' }).expect(201);
    const process = mortal(server.ctx, writes);
    const ids = [new ObjectId(kept._id), new ObjectId(other._id)] as const;
    await mergeRecords(process.ctx, await callerOf(tenant), mergeableNamed('lead'), ...ids).catch(() => {});
    if (process.isDead() && (await read(tenant, '/leads', other)).mergedInto) return { tenant, kept };
  }
  throw new Error('None was written by one that died');
}

/** The turns that a dead process had end by themselves; a test need not wait. */
const endTurns = ({ workspaceId }: Tenant) =>
  server.ctx.db.global<{ _id: string }>('leases').deleteMany({ _id: { $regex: workspaceId } });

async function firstMessage(tenant: Tenant, contactId: string) {
  await createRecord(tenant, '/messages/sms', {
    to: buildContact().mobileNumber,
    body: 'Hi',
    contactId,
    delay: 3_600_000,
  });
  const [message] = await messageEntity
    .collection(server.ctx.db)
    .find(new ObjectId(tenant.workspaceId), { contactId })
    .toArray();
  if (!message) throw new Error('There is no message');
  return message;
}
