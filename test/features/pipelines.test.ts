import { describe, expect, it } from 'vitest';
import { buildTenant, type Tenant, useServer } from '../helpers/app.ts';
import { createDeal, createPipeline, firstPipelineOf } from '../helpers/factories.ts';

const server = useServer();

const listed = async ({ api }: Tenant) => (await api.get('/pipelines?sort=createdAt')).body.data;
const defaultsOf = async (tenant: Tenant) =>
  (await listed(tenant)).filter(({ isDefault }: { isDefault: boolean }) => isDefault);

describe('the first pipeline', () => {
  it('is made once, whoever asks and however many at once', async () => {
    const tenant = await buildTenant(server);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        n % 2 ? tenant.api.get('/pipelines') : tenant.api.post('/deals').send({ title: `Deal ${n}` }),
      ),
    );
    for (const { status } of answers) expect([200, 201]).toContain(status);
    const pipelines = await listed(tenant);
    expect(pipelines).toHaveLength(1);
    expect(pipelines[0]).toMatchObject({
      name: 'Sales Pipeline',
      isDefault: true,
      stages: [
        { name: 'New', position: 1, probability: 10, color: '#4299E1', isWon: false, isLost: false },
        { name: 'Pending', position: 2, probability: 50, color: '#F6AD55', isWon: false, isLost: false },
        { name: 'Done', position: 3, probability: 90, color: '#48BB78', isWon: true, isLost: false },
      ],
    });
  });
});

describe('POST /pipelines', () => {
  it('takes stages, and makes the usual ones where there are none', async () => {
    const tenant = await buildTenant(server);
    const stages = [
      { name: 'Asked', probability: 20 },
      { name: 'Signed', isWon: true, color: '#00FF00', description: 'The contract is there' },
      { name: 'Gone', isLost: true },
    ];
    const pipeline = await createPipeline(tenant, { stages });
    expect(pipeline.stages).toMatchObject([
      { ...stages[0], position: 1, color: '#3B82F6' },
      { ...stages[1], position: 2, probability: 100 },
      { ...stages[2], position: 3, probability: 0 },
    ]);
    expect((await createPipeline(tenant)).stages.map(({ name }) => name)).toEqual(['New', 'Pending', 'Done']);
  });

  it.each([
    ['no stages', [], 'stages'],
    ['51 stages', Array.from({ length: 51 }, (_, n) => ({ name: `Stage ${n}` })), 'stages'],
    ['a stage without a name', [{ probability: 5 }], 'stages.0.name'],
    ['one that is won and lost', [{ name: 'x', isWon: true, isLost: true }], 'stages.0.isLost'],
    ['two of one name', [{ name: 'x' }, { name: 'X' }], 'stages.1.name'],
    ['a probability beyond 100', [{ name: 'x', probability: 101 }], 'stages.0.probability'],
    ['a color that is none', [{ name: 'x', color: 'red' }], 'stages.0.color'],
  ])('refuses %s', async (_, stages, path) => {
    const tenant = await buildTenant(server);
    const answer = await tenant.api.post('/pipelines').send({ name: 'Rentals', stages });
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual([path]);
    expect(await listed(tenant)).toHaveLength(1);
  });
});

describe('PATCH /pipelines/:id', () => {
  it('moves the default, of which there is always one', async () => {
    const tenant = await buildTenant(server);
    const { _id: first } = await firstPipelineOf(tenant);
    const second = await createPipeline(tenant);
    const makeDefault = (id: string) => tenant.api.patch(`/pipelines/${id}`).send({ isDefault: true });
    expect((await makeDefault(second._id)).body.data).toMatchObject({ isDefault: true });
    expect(await defaultsOf(tenant)).toMatchObject([{ _id: second._id }]);
    expect(await createDeal(tenant)).toMatchObject({ pipelineId: second._id });
    const answers = await Promise.all([first, second._id, first, second._id].map(makeDefault));
    for (const { status } of answers) expect([200, 409]).toContain(status);
    const defaults = await defaultsOf(tenant);
    expect(defaults).toHaveLength(1);
    const refused = await tenant.api.patch(`/pipelines/${defaults[0]._id}`).send({ isDefault: false });
    expect(refused.status).toBe(422);
  });

  it('changes, adds and reorders stages, and takes none away', async () => {
    const tenant = await buildTenant(server);
    const pipeline = await createPipeline(tenant);
    const [fresh, pending, done] = pipeline.stages;
    const patch = (stages: object[]) => tenant.api.patch(`/pipelines/${pipeline._id}`).send({ stages });
    const { data } = (
      await patch([{ ...done }, { ...fresh, name: 'Fresh' }, { name: 'Added' }, { ...pending }])
    ).body;
    expect(data.stages).toMatchObject([
      { stageId: done?.stageId, name: 'Done', position: 1 },
      { stageId: fresh?.stageId, name: 'Fresh', position: 2 },
      { name: 'Added', position: 3 },
      { stageId: pending?.stageId, position: 4 },
    ]);
    expect((await patch(data.stages)).body.data).toEqual(data);
    expect((await patch([fresh as object])).body.details).toEqual({ stages: [expect.any(String)] });
    const foreign = (await firstPipelineOf(tenant)).stages[0] as object;
    expect((await patch([...data.stages, foreign])).body.details).toHaveProperty(['stages.4.stageId']);
  });
});

describe('stages', () => {
  it('are added at a position or at the end, and moved', async () => {
    const tenant = await buildTenant(server);
    const { _id } = await createPipeline(tenant);
    const path = `/pipelines/${_id}/stages`;
    const second = await tenant.api.post(path).send({ name: 'Second', position: 2 });
    expect(second.status).toBe(201);
    expect(second.body.data).toMatchObject({ name: 'Second', position: 2, probability: 50 });
    await tenant.api.post(path).send({ name: 'Last', position: 99 });
    const moved = await tenant.api
      .patch(`${path}/${second.body.data.stageId}`)
      .send({ position: 1, probability: 5 });
    expect(moved.body.data).toMatchObject({ name: 'Second', position: 1, probability: 5 });
    const { stages } = (await tenant.api.get(`/pipelines/${_id}`)).body.data;
    expect(stages.map(({ name }: { name: string }) => name)).toEqual([
      'Second',
      'New',
      'Pending',
      'Done',
      'Last',
    ]);
    expect(stages.map(({ position }: { position: number }) => position)).toEqual([1, 2, 3, 4, 5]);
  });

  it('are all there after 30 were added at once, and no two of one name', async () => {
    const tenant = await buildTenant(server);
    const { _id } = await createPipeline(tenant);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        tenant.api.post(`/pipelines/${_id}/stages`).send({ name: `Stage ${n % 20}`, position: 2 }),
      ),
    );
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([...Array(20).fill(201), ...Array(10).fill(422)]);
    const { stages } = (await tenant.api.get(`/pipelines/${_id}`)).body.data;
    expect(new Set(stages.map(({ name }: { name: string }) => name)).size).toBe(23);
  });

  it('answer 404 to those of another pipeline and unknown ones', async () => {
    const tenant = await buildTenant(server);
    const { _id } = await createPipeline(tenant);
    const [other] = (await firstPipelineOf(tenant)).stages;
    for (const stageId of [other?.stageId, 'nonsense', '65b8c47f4e2cfc1df3a75111']) {
      const answer = await tenant.api.patch(`/pipelines/${_id}/stages/${stageId}`).send({ name: 'x' });
      expect(answer.body).toEqual({ success: false, error: 'Stage not found' });
      expect(answer.status).toBe(404);
    }
  });
});
