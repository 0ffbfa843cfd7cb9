import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { jobWork } from '../../src/features/data/jobs/jobs.ts';
import { type Job, jobs } from '../../src/features/data/jobs/model.ts';
import { tagEntity } from '../../src/features/data/tags/record.ts';
import { archiveTag, updateTag } from '../../src/features/data/tags/service.ts';
import { contactEntity } from '../../src/features/people/contacts/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import type { Caller } from '../../src/records/api/service.ts';
import { workspaces } from '../../src/tenancy/workspaces/model.ts';
import { forgetWorkspace, updateWorkspace } from '../../src/tenancy/workspaces/service.ts';
import type { Claimed, Lane } from '../../src/work/work.ts';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { buildTenant, getWorkspace, type Tenant, useServer } from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import { buildContact, createContact, createLead, createRecord } from '../helpers/factories.ts';
import { Died, mortal } from '../helpers/mortal.ts';
import { describeRecord } from '../helpers/record-suite.ts';
import { until } from '../helpers/webhooks.ts';

const server = useServer();
const events = useEvents(server);
let worker: RunningWorker;
beforeAll(() => {
  worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
});
afterAll(() => worker.close());

let made = 0;
describeRecord(server, {
  path: '/tags',
  label: 'Tag',
  read: 'tag.read',
  write: 'tag.write',
  build: () => ({ name: `tag ${++made}`, color: 'blue' }),
  change: (n) => ({ description: `The ${n}th` }),
  required: ['name'],
  invalid: [
    ['name', 'x'.repeat(101)],
    ['name', '   '],
    ['color', ['blue']],
  ],
  operations: [
    { method: 'post', path: '/tags/bulk', scope: 'tag.write' },
    { method: 'get', path: '/tags/:id/usage', scope: 'tag.read' },
  ],
  archived: { jobId: expect.any(String) },
});

const createTag = (tenant: Tenant, name: string) => createRecord(tenant, '/tags', { name });
const namesOf = async ({ api }: Tenant): Promise<string[]> => (await api.get('/metadata/tags')).body.data;
const tagNamed = async ({ api }: Tenant, name: string) =>
  (await api.get('/tags?limit=100')).body.data.find((tag: { name: string }) => tag.name === name);
const tagsOf = async ({ api }: Tenant, path: string, id: string) =>
  (await api.get(`${path}/${id}`)).body.data.tags;
const jobsEnded = ({ api }: Tenant) =>
  until(async () => {
    const { data } = (await api.get('/jobs?limit=100')).body;
    return data.every(({ finishedAt }: { finishedAt?: string }) => finishedAt) ? (data as Body[]) : undefined;
  });
type Body = Record<string, unknown> & { _id: string; progress: object };

async function callerOf({ workspaceId }: Tenant): Promise<Caller> {
  const workspace = await getWorkspace(server.ctx, new ObjectId(workspaceId));
  const limits = server.ctx.config.rateLimit;
  return {
    workspace,
    actor: { kind: 'apiKey', id: 'a key', workspaceId: workspace._id, scopes: new Set(), limits },
  };
}

describe('a name', () => {
  it('is one tag’s in any case; the answer names it', async () => {
    const tenant = await buildTenant(server);
    const { _id: tagId, name, createdAt } = await createTag(tenant, 'Hot Lead');
    const answer = await tenant.api.post('/tags').send({ name: 'hot lead' });
    expect(answer.status).toBe(409);
    expect(answer.body).toEqual({
      success: false,
      error: 'Duplicate tag found',
      duplicate: { tagId, name, createdAt },
    });
    const other = await createTag(tenant, 'cold');
    expect((await tenant.api.patch(`/tags/${other._id}`).send({ name: 'HOT LEAD' })).status).toBe(409);
    expect((await createTag(await buildTenant(server), 'hot lead')).name).toBe('hot lead');
  });

  it('makes one tag of 30 parallel creates and records that begin to bear it', async () => {
    const tenant = await buildTenant(server);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        n % 2 === 0
          ? tenant.api.post('/tags').send({ name: n % 4 === 0 ? 'VIP' : 'vip' })
          : tenant.api.post('/contacts').send(buildContact({ tags: ['Vip'] })),
      ),
    );
    expect(answers.map(({ status }) => status).filter((status) => status !== 201 && status !== 409)).toEqual(
      [],
    );
    expect((await namesOf(tenant)).map((name) => name.toLowerCase())).toEqual(['vip']);
  });
});

describe('metadata, settings and tags', () => {
  it('are one list', async () => {
    const tenant = await buildTenant(server, { settings: { tags: ['one', 'two'] } });
    await createTag(tenant, 'three');
    await createLead(tenant, { tags: ['four', 'ONE'] });
    expect(await namesOf(tenant)).toEqual(['one', 'two', 'three', 'four']);
    const listed = (await tenant.api.get('/tags?sort=createdAt')).body.data;
    expect(listed.map(({ name }: { name: string }) => name)).toEqual(['one', 'two', 'three', 'four']);
    const { _id: learned } = await tagNamed(tenant, 'four');
    expect(await events.of(learned)).toEqual(['tag.created']);
  });

  it('lose by the settings what no record bears, and keep the rest', async () => {
    const tenant = await buildTenant(server, { settings: { tags: ['unused', 'used'] } });
    await createLead(tenant, { tags: ['used'] });
    await updateWorkspace(server.ctx, new ObjectId(tenant.workspaceId), { tags: ['new'] });
    expect(await namesOf(tenant)).toEqual(['used', 'new']);
  });

  it('take over the names that an earlier version kept in the workspace', async () => {
    const tenant = await buildTenant(server);
    const _id = new ObjectId(tenant.workspaceId);
    await workspaces(server.ctx.db).updateOne({ _id }, { $set: { tags: ['old', 'older'] } });
    await forgetWorkspace(server.ctx, _id);
    expect(await namesOf(tenant)).toEqual(['old', 'older']);
    expect(await tagNamed(tenant, 'older')).toMatchObject({ _id: expect.any(String) });
    expect(await workspaces(server.ctx.db).findOne({ _id })).not.toHaveProperty('tags');
  });

  it('count a tag’s records by kind', async () => {
    const tenant = await buildTenant(server);
    for (let n = 0; n < 3; n += 1) await createContact(tenant, { tags: ['Vip'] });
    const lead = await createLead(tenant, { tags: ['vip'] });
    const gone = await createLead(tenant, { tags: ['vip'] });
    await tenant.api.post(`/leads/${gone._id}/archive`);
    const { _id } = await tagNamed(tenant, 'Vip');
    const { data } = (await tenant.api.get(`/tags/${_id}/usage`)).body;
    expect(data).toMatchObject({ total: 4, records: { contacts: 3, leads: 1 } });
    expect(lead.tags).toEqual(['vip']);
  });
});

describe('a tag that is renamed', () => {
  it('is so on every record, archived ones too, each with its event; a job tells how far it is', async () => {
    const tenant = await buildTenant(server);
    const contact = await createContact(tenant, { tags: ['other', 'vip', 'VIP'] });
    const lead = await createLead(tenant, { tags: ['Vip'] });
    const untouched = await createLead(tenant, { tags: ['other'] });
    await tenant.api.post(`/leads/${lead._id}/archive`);
    const { _id } = await tagNamed(tenant, 'vip');
    const answer = await tenant.api.patch(`/tags/${_id}`).send({ name: 'Gold' });
    expect(answer.status).toBe(200);
    expect(answer.body.data).toMatchObject({ name: 'Gold', jobId: expect.any(String) });
    const [job] = await jobsEnded(tenant);
    expect(job).toMatchObject({
      _id: answer.body.data.jobId,
      type: 'tag.rename',
      subject: { type: 'tag', id: _id },
      status: 'completed',
      progress: { total: 2, done: 2, failed: 0 },
      createdBy: tenant.keyId,
    });
    expect(await tagsOf(tenant, '/contacts', contact._id)).toEqual(['other', 'Gold']);
    expect(await tagsOf(tenant, '/leads', lead._id)).toEqual(['Gold']);
    expect((await tenant.api.get(`/leads/${untouched._id}`)).body.data).toEqual(untouched);
    expect((await tenant.api.get('/contacts?tag=gold')).body.data).toHaveLength(1);
    expect(await events.of(contact._id)).toEqual(['contact.created', 'contact.updated']);
    expect(await namesOf(tenant)).toEqual(['other', 'Gold']);
  });

  it('keeps its old name to itself until no record bears it, and then no more', async () => {
    const tenant = await buildTenant(server);
    for (let n = 0; n < 5; n += 1) await createContact(tenant, { tags: ['vip'] });
    const { _id } = await tagNamed(tenant, 'vip');
    await tenant.api.patch(`/tags/${_id}`).send({ name: 'gold' }).expect(200);
    const early = await tenant.api.post('/tags').send({ name: 'vip' });
    expect(early.status).toBe(409);
    expect(early.headers['retry-after']).toBe('1');
    // Whoever bears it meanwhile means the same tag.
    const late = await createContact(tenant, { tags: ['vip'] });
    await jobsEnded(tenant);
    expect(await tagsOf(tenant, '/contacts', late._id)).toEqual(['gold']);
    await createTag(tenant, 'vip');
    expect((await tenant.api.get('/contacts?tag=vip')).body.data).toEqual([]);
  });

  it('and renamed again, and back, ends with the last name everywhere', async () => {
    const tenant = await buildTenant(server);
    const contacts = [];
    for (let n = 0; n < 4; n += 1) contacts.push((await createContact(tenant, { tags: ['a'] }))._id);
    const { _id } = await tagNamed(tenant, 'a');
    for (const name of ['b', 'c', 'a', 'A'])
      await tenant.api.patch(`/tags/${_id}`).send({ name }).expect(200);
    await jobsEnded(tenant);
    for (const id of contacts) expect(await tagsOf(tenant, '/contacts', id)).toEqual(['A']);
    const tag = await tagEntity
      .collection(server.ctx.db)
      .findById(new ObjectId(tenant.workspaceId), new ObjectId(_id));
    expect(tag).toMatchObject({ keys: ['a'] });
    expect(tag).not.toHaveProperty('carry');
  });
});

describe('a tag that is archived', () => {
  it('comes off every record, and a new one of its name begins without records', async () => {
    const tenant = await buildTenant(server);
    const contact = await createContact(tenant, { tags: ['vip', 'other'] });
    const lead = await createLead(tenant, { tags: ['VIP'] });
    const { _id } = await tagNamed(tenant, 'vip');
    await tenant.api.post(`/tags/${_id}/archive`).expect(200);
    const { jobId } = (await tenant.api.get(`/tags/${_id}`)).body.data;
    const [job] = await jobsEnded(tenant);
    expect(job).toMatchObject({ _id: jobId, type: 'tag.delete', status: 'completed' });
    expect(await tagsOf(tenant, '/contacts', contact._id)).toEqual(['other']);
    expect(await tagsOf(tenant, '/leads', lead._id)).toEqual([]);
    expect(await namesOf(tenant)).toEqual(['other']);
    expect(await events.of(_id)).toEqual(['tag.created', 'tag.deleted']);
    expect((await createTag(tenant, 'VIP'))._id).not.toBe(_id);
  });
});

describe('a process that is killed', () => {
  /** Kills one after another, each a write later than the one before, until one gets through. */
  async function killEverywhere(
    change: typeof archiveTag,
    check: (tenant: Tenant, contact: string) => Promise<void>,
  ) {
    for (let writes = 1; ; writes += 1) {
      const tenant = await buildTenant(server);
      const contact = await createContact(tenant, { tags: ['vip'] });
      const { _id } = await tagNamed(tenant, 'vip');
      const process = mortal(server.ctx, writes);
      const outcome = await change(process.ctx, await callerOf(tenant), new ObjectId(_id)).catch(
        (error) => error,
      );
      if (process.isDead()) expect(outcome).toBeInstanceOf(Died);
      await forgetWorkspace(server.ctx, new ObjectId(tenant.workspaceId));
      await check(tenant, contact._id);
      if (!process.isDead()) return;
      expect(writes).toBeLessThan(20);
    }
  }

  it('after any write of a rename leaves it to be carried to the records', async () => {
    const rename: typeof archiveTag = (ctx, caller, id) =>
      updateTag(ctx, caller, id, { name: 'gold' }, { ifMatch: undefined, isMergePatch: true });
    await killEverywhere(rename, async (tenant, contact) => {
      await until(async () => (await tagsOf(tenant, '/contacts', contact))[0] === 'gold');
      expect(await namesOf(tenant)).toEqual(['gold']);
      expect(await events.of(contact)).toEqual(['contact.created', 'contact.updated']);
    });
  });

  it('after any write of an archive leaves it to be carried to the records', async () => {
    await killEverywhere(archiveTag, async (tenant, contact) => {
      await until(async () => (await tagsOf(tenant, '/contacts', contact)).length === 0);
      expect(await namesOf(tenant)).toEqual([]);
    });
  });

  it('after any write of the job costs nothing: each record is changed and counted once', async () => {
    const tenant = await buildTenant(server);
    const rows = Array.from({ length: 450 }, () => buildContact({ tags: ['vip'] }));
    const bulk = await tenant.api.post('/contacts/bulk').send({ contacts: rows });
    const ids = bulk.body.data.map(({ _id }: { _id: string }) => _id) as string[];
    const { _id: tagId } = await tagNamed(tenant, 'vip');
    await worker.close();
    const { body } = await tenant.api.patch(`/tags/${tagId}`).send({ name: 'gold' });
    const workspaceId = new ObjectId(tenant.workspaceId);
    const jobId = new ObjectId(body.data.jobId);
    const read = async () => (await jobs(server.ctx.db).findById(workspaceId, jobId)) as Job;
    // Every process gets a few writes further than the one before, and dies.
    for (let writes = 1; !(await read()).finishedAt; writes += 7) {
      const { ctx } = mortal(server.ctx, writes);
      const visit = await jobWork.open(ctx, { workspaceId } as Claimed<Lane>);
      for (let slices = 0; slices < 3; slices += 1) {
        const job = await read();
        if (job.finishedAt) break;
        await visit?.process(job).catch((error: unknown) => expect(error).toBeInstanceOf(Died));
      }
    }
    worker = startWorker(server.ctx, inject('redisUrl'), { sweepEveryMs: 100 });
    expect(await read()).toMatchObject({ status: 'completed', total: 450, done: 450, failed: 0 });
    const contacts = contactEntity.collection(server.ctx.db);
    const owing = { owedSince: { $exists: true } };
    await until(async () => (await contacts.count(workspaceId, owing)) === 0);
    for (const id of ids) {
      expect(await contacts.findById(workspaceId, new ObjectId(id))).toMatchObject({
        version: 2,
        tags: ['gold'],
      });
      expect(await events.of(id)).toEqual(['contact.created', 'contact.updated']);
    }
  });
});
