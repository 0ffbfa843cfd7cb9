import { describe, expect, it } from 'vitest';
import { automate8Examples } from '../../contract/automate8.ts';
import { bearer, buildColleague } from '../../helpers/accounts.ts';
import { useServer } from '../../helpers/app.ts';
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
  name: string;
  [field: string]: unknown;
}
interface ShownPipeline extends Shown {
  stages: Shown[];
}

const pipelinesOf = async ({ api }: Automate8Client): Promise<ShownPipeline[]> => {
  const answer = await api.get('/api/pipeline/pipelines');
  expect(answer.status).toBe(200);
  expect(lacks(automate8Examples['GET /api/pipeline/pipelines'], answer.body)).toEqual([]);
  return answer.body.data;
};
const firstOf = async (client: Automate8Client): Promise<ShownPipeline> =>
  (await pipelinesOf(client))[0] as ShownPipeline;

const stagesOf = async ({ api }: Automate8Client, pipelineId: string): Promise<Shown[]> => {
  const answer = await api.get(`/api/pipeline/stages?pipeline_id=${pipelineId}`);
  expect(lacks(automate8Examples['GET /api/pipeline/stages'], answer.body)).toEqual([]);
  return answer.body.data;
};
const namesOf = (stages: Shown[]) => stages.map(({ name, position }) => `${position} ${name}`);

async function createPipeline({ api }: Automate8Client, name: string): Promise<ShownPipeline> {
  const answer = await api.post('/api/pipeline/pipelines', { name });
  expect(answer.status).toBe(201);
  return answer.body.data;
}

async function createOpportunity(
  { api }: Automate8Client,
  stage_id: unknown,
  body: object = {},
): Promise<Shown> {
  const answer = await api.post('/api/pipeline/opportunities', { title: 'Kitchen', stage_id, ...body });
  expect(answer.status).toBe(201);
  return answer.body.data;
}

describe('/api/pipeline/pipelines', () => {
  it('begins with the Sales Pipeline, the default, and lists active ones: the default, then the oldest', async () => {
    const client = await buildAutomate8(server);
    const [first] = await pipelinesOf(client);
    expect(first).toMatchObject({
      id: expect.stringMatching(uuidPattern),
      name: 'Sales Pipeline',
      workspace_id: client.workspaceId,
      is_default: true,
      is_active: true,
      opportunity_count: 0,
      total_value: 0,
      stages: [
        { name: 'New', position: 1, color: '#4299E1', default_probability: 10, is_won_stage: false },
        { name: 'Pending', position: 2, color: '#F6AD55', default_probability: 50 },
        { name: 'Done', position: 3, color: '#48BB78', default_probability: 90, is_won_stage: true },
      ],
    });
    const made = await client.api.post('/api/pipeline/pipelines', {
      name: 'Customer Service Pipeline',
      description: 'Manage claims',
    });
    expect(made.status).toBe(201);
    expect(lacks(automate8Examples['POST /api/pipeline/pipelines'], made.body)).toEqual([]);
    expect(made.body.data).toMatchObject({ is_default: false, description: 'Manage claims' });
    await createPipeline(client, 'Third');
    const names = (await pipelinesOf(client)).map(({ name }) => name);
    expect(names).toEqual(['Sales Pipeline', 'Customer Service Pipeline', 'Third']);
  });

  it('counts what is in it, closed ones too', async () => {
    const client = await buildAutomate8(server);
    const { stages } = await firstOf(client);
    await createOpportunity(client, stages[0]?.id, { value: 100.25, currency: 'INR' });
    await createOpportunity(client, stages[2]?.id, { amount: 50, currency: 'INR' });
    await expect
      .poll(() => firstOf(client), { timeout: 8_000 })
      .toMatchObject({
        opportunity_count: 2,
        total_value: 150.25,
        stages: [{ opportunity_count: 1 }, { opportunity_count: 0 }, { opportunity_count: 1 }],
      });
  });

  it('changes, deactivates and revives a pipeline', async () => {
    const client = await buildAutomate8(server);
    const { id } = await createPipeline(client, 'Second');
    const path = `/api/pipeline/pipelines/${id}`;
    const changed = await client.api.put(path, { name: 'Enhanced', description: 'Better' });
    expect(changed.status).toBe(200);
    expect(lacks(automate8Examples['PUT /api/pipeline/pipelines/:id'], changed.body)).toEqual([]);
    expect(changed.body.data).toMatchObject({ id, name: 'Enhanced', description: 'Better' });
    expect((await client.api.put(path, { description: null })).body.data.description).toBe(null);
    const deleted = await client.api.delete(path);
    expect(deleted.body).toEqual({
      success: true,
      message: "Pipeline 'Enhanced' has been deactivated successfully",
    });
    expect((await pipelinesOf(client)).map(({ name }) => name)).toEqual(['Sales Pipeline']);
    expect((await client.api.delete(path)).status).toBe(404);
    expect((await client.api.put(path, { name: 'x' })).status).toBe(404);
    const revived = await client.api.put(path, { is_active: true, name: 'Again' });
    expect(revived.body.data).toMatchObject({ id, name: 'Again', is_active: true, is_default: false });
    const off = await client.api.put(path, { is_active: false });
    expect(off.body.data).toMatchObject({ id, is_active: false });
  }, 20_000);

  it('is not deactivated while it has open opportunities, nor the last one', async () => {
    const client = await buildAutomate8(server);
    const { id, stages } = await firstOf(client);
    const last = await client.api.delete(`/api/pipeline/pipelines/${id}`);
    expect([last.status, last.body.success]).toEqual([409, false]);
    const second = await createPipeline(client, 'Second');
    const open = await createOpportunity(client, stages[0]?.id);
    await createOpportunity(client, stages[2]?.id);
    for (const answer of [
      await client.api.delete(`/api/pipeline/pipelines/${id}`),
      await client.api.put(`/api/pipeline/pipelines/${id}`, { is_active: false }),
    ]) {
      expect(answer.status).toBe(409);
      expect(answer.body).toEqual({
        success: false,
        error: 'Cannot delete pipeline with active opportunities. Move or delete 1 opportunities first.',
        opportunity_count: 1,
      });
    }
    await client.api.put(`/api/pipeline/opportunities/${open.id}/move`, { stage_id: second.stages[0]?.id });
    expect((await client.api.delete(`/api/pipeline/pipelines/${id}`)).status).toBe(200);
    // The oldest inherits the default.
    expect(await pipelinesOf(client)).toMatchObject([{ name: 'Second', is_default: true }]);
  }, 20_000);

  it('answers 400 to what is missing or wrong, and 404 to ids that are not its own', async () => {
    const client = await buildAutomate8(server);
    const missing = await client.api.post('/api/pipeline/pipelines', {});
    expect([missing.status, missing.body]).toEqual([
      400,
      { success: false, error: 'Missing required fields: name' },
    ]);
    const { id } = await firstOf(client);
    for (const body of [{ name: 5 }, { name: 'x'.repeat(301) }, { is_active: 'no' }]) {
      expect((await client.api.put(`/api/pipeline/pipelines/${id}`, body)).status).toBe(400);
    }
    const theirs = await firstOf(await buildAutomate8(server));
    for (const other of [theirs.id, 'unknown', '123e4567-e89b-12d3-a456-426614174000']) {
      expect((await client.api.put(`/api/pipeline/pipelines/${other}`, { name: 'x' })).status).toBe(404);
      expect((await client.api.delete(`/api/pipeline/pipelines/${other}`)).status).toBe(404);
    }
    const { token } = await buildColleague(server, client.account, 'agent');
    const agent = automate8(server, bearer(token));
    expect((await agent.post('/api/pipeline/pipelines', { name: 'x' })).status).toBe(403);
  });
});

describe('/api/pipeline/stages', () => {
  it('keeps positions 1 to n: inserting shifts, beyond is the end', async () => {
    const client = await buildAutomate8(server);
    const { id: pipeline_id } = await firstOf(client);
    const add = async (body: object) => {
      const answer = await client.api.post('/api/pipeline/stages', { pipeline_id, ...body });
      expect(answer.status).toBe(201);
      expect(lacks(automate8Examples['POST /api/pipeline/stages'], answer.body)).toEqual([]);
      return answer.body.data as Shown;
    };
    const review = await add({
      name: 'Review',
      description: 'They look',
      position: 2,
      default_probability: 65,
    });
    expect(review).toMatchObject({
      position: 2,
      color: '#3B82F6',
      default_probability: 65,
      is_won_stage: false,
      is_lost_stage: false,
      opportunity_count: 0,
      total_value: 0,
    });
    const end = await add({ name: 'Lost', is_lost_stage: true, position: 99 });
    expect(end).toMatchObject({ position: 5, is_lost_stage: true, default_probability: 50 });
    expect(namesOf(await stagesOf(client, pipeline_id))).toEqual([
      '1 New',
      '2 Review',
      '3 Pending',
      '4 Done',
      '5 Lost',
    ]);
    const moved = await client.api.put(`/api/pipeline/stages/${review.id}`, {
      name: 'Contract Under Review',
      color: '#8B5CF6',
      default_probability: 80,
      position: 4,
      description: null,
    });
    expect(moved.status).toBe(200);
    expect(lacks(automate8Examples['PUT /api/pipeline/stages/:id'], moved.body)).toEqual([]);
    expect(moved.body.data).toMatchObject({ position: 4, color: '#8B5CF6', description: null });
    expect(namesOf(await stagesOf(client, pipeline_id))).toEqual([
      '1 New',
      '2 Pending',
      '3 Done',
      '4 Contract Under Review',
      '5 Lost',
    ]);
    const all = await client.api.get('/api/pipeline/stages');
    expect(all.body.data).toHaveLength(5);
    expect(await stagesOf(client, 'unknown')).toEqual([]);
  });

  it('refuses a name twice with 409, won and lost together and a foreign pipeline with 400', async () => {
    const client = await buildAutomate8(server);
    const { id: pipeline_id, stages } = await firstOf(client);
    const missing = await client.api.post('/api/pipeline/stages', { color: '#000000' });
    expect(missing.body).toEqual({ success: false, error: 'Missing required fields: name, pipeline_id' });
    const post = async (body: object) =>
      (await client.api.post('/api/pipeline/stages', { name: 'x', pipeline_id, ...body })).status;
    expect(await post({ name: 'PENDING' })).toBe(409);
    expect(await post({ is_won_stage: true, is_lost_stage: true })).toBe(400);
    const theirs = await firstOf(await buildAutomate8(server));
    for (const id of [theirs.id, 'unknown']) expect(await post({ pipeline_id: id })).toBe(400);
    for (const body of [
      { position: 0 },
      { default_probability: 101 },
      { default_probability: -1 },
      { color: 'red' },
    ]) {
      expect(await post(body)).toBe(400);
    }
    const put = async (body: object) =>
      (await client.api.put(`/api/pipeline/stages/${stages[0]?.id}`, body)).status;
    expect(await put({ name: 'done' })).toBe(409);
    expect(await put({ name: 'NEW' })).toBe(200);
    expect(await put({ is_won_stage: true, is_lost_stage: true })).toBe(400);
    for (const id of [theirs.stages[0]?.id, 'unknown']) {
      expect((await client.api.put(`/api/pipeline/stages/${id}`, { name: 'x' })).status).toBe(404);
      expect((await client.api.delete(`/api/pipeline/stages/${id}`)).status).toBe(404);
    }
  });

  it('deletes a stage, moving what is in it to another of the pipeline', async () => {
    const client = await buildAutomate8(server);
    const { stages } = await firstOf(client);
    const [fresh, pending, done] = stages.map(({ id }) => id);
    const deal = await createOpportunity(client, pending);
    const path = `/api/pipeline/stages/${pending}`;
    const blocked = await client.api.delete(path);
    expect([blocked.status, blocked.body]).toEqual([
      409,
      {
        success: false,
        error:
          'Cannot delete stage with active opportunities. Specify moveToStageId parameter or move opportunities first.',
        opportunity_count: 1,
      },
    ]);
    const second = await createPipeline(client, 'Second');
    for (const target of [pending, 'unknown', second.stages[0]?.id]) {
      expect((await client.api.delete(`${path}?moveToStageId=${target}`)).status).toBe(400);
    }
    const deleted = await client.api.delete(`${path}?moveToStageId=${done}`);
    expect(deleted.body).toEqual({
      success: true,
      message: "Pipeline stage 'Pending' deleted successfully. 1 opportunities moved to 'Done'",
      opportunities_moved: 1,
      target_stage: 'Done',
    });
    const moved = (await client.api.get(`/api/pipeline/opportunities/${deal.id}`)).body.data;
    expect(moved).toMatchObject({ stage_id: done, is_closed: true, is_won: true, probability: 90 });
    expect((await client.api.delete(path)).status).toBe(404);
    // A closed one blocks too; a deleted one does not.
    expect((await client.api.delete(`/api/pipeline/stages/${done}`)).status).toBe(409);
    await client.api.delete(`/api/pipeline/opportunities/${deal.id}`);
    const empty = await client.api.delete(`/api/pipeline/stages/${done}`);
    expect(empty.body).toEqual({ success: true, message: "Pipeline stage 'Done' deleted successfully" });
    expect((await client.api.delete(`/api/pipeline/stages/${fresh}`)).status).toBe(409);
  }, 30_000);
});
