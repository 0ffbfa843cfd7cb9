import { describe, expect, it } from 'vitest';
import { leadEntity } from '../../src/features/people/leads/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { createMarkSweep } from '../../src/records/marks.ts';
import { buildLead, buildTenant, type Tenant, useServer } from '../helpers/app.ts';

const server = useServer();

const sendBulk = ({ api }: Tenant, key: string, rows: object[]) =>
  api.post('/leads/bulk').set('Idempotency-Key', key).send({ leads: rows });

describe('a bulk request that is repeated', () => {
  it('is answered the same, whatever became of its rows and of what they were duplicates of', async () => {
    const tenant = await buildTenant(server);
    const taken = buildLead();
    const existing = await tenant.api.post('/leads').send(taken);
    const rows = [buildLead(), taken, { name: '' }, buildLead()];
    const first = await sendBulk(tenant, 'import', rows);
    expect(first.body.results.map(({ status }: { status: string }) => status)).toEqual([
      'created',
      'skipped',
      'error',
      'created',
    ]);
    const [one, , , two] = first.body.results;
    await tenant.api.post(`/leads/${existing.body.data._id}/archive`);
    await tenant.api.post(`/leads/${one.id}/archive`);
    await tenant.api.patch(`/leads/${two.id}`).send({ name: 'Renamed' });
    const again = await sendBulk(tenant, 'import', rows);
    expect(again.status).toBe(201);
    expect(again.text).toBe(first.text);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await tenant.api.get('/leads')).body.data).toHaveLength(1);
  });

  it('is answered the same to all who ask at once, and refused with another body', async () => {
    const tenant = await buildTenant(server);
    const rows = [buildLead(), { name: '' }, buildLead()];
    const answers = await Promise.all(Array.from({ length: 10 }, () => sendBulk(tenant, 'parallel', rows)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect((await tenant.api.get('/leads')).body.data).toHaveLength(2);
    expect((await sendBulk(tenant, 'parallel', [buildLead()])).status).toBe(422);
  });

  it('says of a row whose record is gone for good that it is', async () => {
    const tenant = await buildTenant(server);
    const rows = [buildLead(), buildLead()];
    const { body } = await sendBulk(tenant, 'gone', rows);
    const id = new ObjectId(body.results[0].id as string);
    await leadEntity.collection(server.ctx.db).deleteMany(new ObjectId(tenant.workspaceId), { _id: id });
    const again = await sendBulk(tenant, 'gone', rows);
    expect(again.body).toMatchObject({ count: 1, results: [{ status: 'skipped' }, { status: 'created' }] });
    expect((await tenant.api.get('/leads')).body.data).toHaveLength(1);
  });
});

describe('the mark of a create', () => {
  const hourMs = 3_600_000;

  /** A record that was created with a key and changed since, so long ago. */
  async function insertMarked({ workspaceId }: Tenant, ageMs: number): Promise<ObjectId> {
    const at = new Date(Date.now() - ageMs);
    const _id = ObjectId.createFromTime(at.getTime() / 1_000);
    const mark = { key: _id.toHexString(), request: 'body', at, original: { name: 'Before' } };
    await leadEntity.collection(server.ctx.db).insertOne(new ObjectId(workspaceId), {
      _id,
      workspaceId: new ObjectId(workspaceId),
      name: 'After',
      priority: 'Medium',
      createdAt: at,
      updatedAt: at,
      version: 2,
      archived: false,
      facets: [],
      idempotency: mark,
    });
    return _id;
  }

  it('is gone soon after it has expired, with the first version that it kept, and the record unchanged', async () => {
    const tenant = await buildTenant(server);
    const old = await insertMarked(tenant, 30 * hourMs);
    const young = await insertMarked(tenant, 20 * hourMs);
    const signal = new AbortController().signal;
    await createMarkSweep()(server.ctx, signal);
    const stored = async (id: ObjectId) =>
      leadEntity.collection(server.ctx.db).findById(new ObjectId(tenant.workspaceId), id);
    expect(await stored(old)).not.toHaveProperty('idempotency');
    expect(await stored(old)).toMatchObject({ name: 'After', version: 2 });
    expect((await stored(young))?.idempotency).toHaveProperty('original');

    const next = await insertMarked(tenant, 28 * hourMs);
    await createMarkSweep()(server.ctx, signal);
    expect(await stored(next)).not.toHaveProperty('idempotency');
  });
});
