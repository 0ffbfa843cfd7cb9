import { describe, expect, it } from 'vitest';
import { buildLead, buildTenant, useServer } from '../helpers/app.ts';

const server = useServer();

describe('POST /leads', () => {
  it('creates a lead with the workspace defaults', async () => {
    const { api, workspaceId } = await buildTenant(server);
    const body = buildLead({ tags: ['vip'], fields: { budget: 100 } });
    const answer = await api.post('/leads').send(body);
    expect(answer.body).toMatchObject({ success: true, data: { ...body, workspaceId, status: 'new' } });
    expect(answer.status).toBe(201);
    expect(answer.headers.etag).toBe(`W/"${answer.body.data.updatedAt}-${answer.body.data._id}"`);

    const read = await api.get(`/leads/${answer.body.data._id}`);
    expect(read.status).toBe(200);
    expect(read.body).toEqual(answer.body);
    const again = await api
      .get(`/leads/${answer.body.data._id}`)
      .set('If-None-Match', read.headers.etag ?? '');
    expect(again.status).toBe(304);
    expect(again.text).toBe('');
    const listed = await api.get('/leads?status=new&tag=vip&q=sharma');
    expect(listed.body).toEqual({ success: true, data: [answer.body.data], nextCursor: null });
    const updated = await api
      .put(`/leads/${answer.body.data._id}`)
      .send({ ...body, status: 'won', fields: { x: 'y' } });
    expect(updated.status).toBe(200);
    expect(updated.body.data).toMatchObject({ status: 'won', fields: { budget: 100, x: 'y' } });
    const filtered = await api.get('/leads?status=won&fields.x=y');
    expect(filtered.body.data).toHaveLength(1);
    expect((await api.get('/leads?status=new')).body.data).toHaveLength(0);
    const patched = await api
      .patch(`/leads/${answer.body.data._id}`)
      .send({ status: null, fields: { x: null } });
    expect(patched.body.data.fields).toEqual({ budget: 100 });
    expect(patched.body.data).not.toHaveProperty('status');
    const archived = await api.post(`/leads/${answer.body.data._id}/archive`);
    expect(archived.body).toEqual({ success: true, message: 'Lead archived successfully' });
    expect((await api.get('/leads')).body.data).toHaveLength(0);
  });

  it('answers a duplicate with 409 and replays', async () => {
    const { api } = await buildTenant(server);
    const body = buildLead();
    const first = await api.post('/leads').set('Idempotency-Key', 'k1').send(body);
    const second = await api.post('/leads').set('Idempotency-Key', 'k1').send(body);
    expect(second.status).toBe(201);
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(second.body).toEqual(first.body);
    const third = await api.post('/leads').send(body);
    expect(third.status).toBe(409);
    expect(third.body.duplicate.leadId).toBe(first.body.data._id);
    const bad = await api
      .post('/leads')
      .set('Idempotency-Key', 'k1')
      .send({ ...body, name: 'x' });
    expect(bad.status).toBe(422);
  });

  it('imports in bulk', async () => {
    const { api } = await buildTenant(server);
    const lead = buildLead();
    const answer = await api.post('/leads/bulk').send({ leads: [lead, lead, { name: 'x' }] });
    expect(answer.status).toBe(201);
    expect(answer.body.results).toMatchObject([
      { status: 'created' },
      { status: 'skipped' },
      { status: 'error' },
    ]);
  });
});
