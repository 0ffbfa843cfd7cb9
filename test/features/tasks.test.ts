import { describe, expect, it } from 'vitest';
import { buildTenant, type Tenant, useServer } from '../helpers/app.ts';
import { useEvents } from '../helpers/events.ts';
import { buildTask, createTask } from '../helpers/factories.ts';
import { describeRecord } from '../helpers/record-suite.ts';

const server = useServer();
const events = useEvents(server);

describeRecord(server, {
  path: '/tasks',
  label: 'Task',
  read: 'task.read',
  write: 'task.write',
  build: (tenant) => buildTask(tenant, { description: `Number ${Math.random()}` }),
  change: (n) => ({ title: `Version ${n}` }),
  required: ['title', 'assignedTo'],
  invalid: [
    ['title', 'x'.repeat(10_000)],
    ['title', 5],
    ['description', 'x'.repeat(20_001)],
    ['status', 'Done'],
    ['status', 'completed'],
    ['priority', 'Highest'],
    ['dueDate', 'tomorrow'],
    ['dueDate', '2026-02-30T10:00:00Z'],
    ['dueDate', 1_700_000_000],
    ['assignedTo', '65b8c47f4e2cfc1df3a75111'],
    ['assignedTo', ['65b8c47f4e2cfc1df3a75111']],
  ],
  operations: [
    { method: 'post', path: '/tasks/:id/complete', scope: 'task.write' },
    { method: 'post', path: '/tasks/:id/reopen', scope: 'task.write' },
  ],
});

const read = async ({ api }: Tenant, id: string) => (await api.get(`/tasks/${id}`)).body.data;

describe('POST /tasks', () => {
  it('is TODO and of medium priority unless it says otherwise', async () => {
    const tenant = await buildTenant(server);
    const task = await createTask(tenant);
    expect(task).toMatchObject({ status: 'TODO', priority: 'Medium' });
    expect(await events.of(task._id)).toEqual(['task.created']);
  });

  it('keeps every field of the input', async () => {
    const tenant = await buildTenant(server);
    const body = buildTask(tenant, {
      description: 'Third floor, ask for the keys',
      dueDate: '2026-12-24T18:00:00+05:30',
      status: 'In Progress',
      priority: 'Urgent',
    });
    const task = await createTask(tenant, body);
    expect(task).toMatchObject({ ...body, dueDate: '2026-12-24T12:30:00.000Z' });
  });

  it('makes both events of a task that is completed from the start', async () => {
    const tenant = await buildTenant(server);
    const task = await createTask(tenant, { status: 'Completed' });
    expect(task.completedAt).toEqual(expect.any(String));
    expect(await events.of(task._id)).toEqual(['task.created', 'task.completed']);
  });
});

describe('GET /tasks', () => {
  it('filters by status, priority and assignee, and follows their changes', async () => {
    const tenant = await buildTenant(server);
    const task = await createTask(tenant, {
      status: 'In Progress',
      priority: 'High',
      title: 'Sign the lease',
    });
    const other = await createTask(tenant);
    const found = async (query: string) =>
      (await tenant.api.get(`/tasks?${query}`)).body.data.map(({ _id }: { _id: string }) => _id);
    expect(await found('status=In%20Progress')).toEqual([task._id]);
    expect(await found('priority=High&q=lease')).toEqual([task._id]);
    expect(await found(`assignedTo=${tenant.memberId}`)).toEqual([other._id, task._id]);
    expect(await found('assignedTo=65b8c47f4e2cfc1df3a75111')).toEqual([]);
    await tenant.api.post(`/tasks/${task._id}/complete`);
    expect(await found('status=In%20Progress')).toEqual([]);
    expect(await found('status=Completed')).toEqual([task._id]);
    for (const query of ['status=Done', 'priority=low']) {
      expect((await tenant.api.get(`/tasks?${query}`)).status).toBe(422);
    }
  });
});

describe('PUT and PATCH /tasks/:id', () => {
  it('leave what they do not name, defaults included', async () => {
    const tenant = await buildTenant(server);
    const task = await createTask(tenant, { status: 'Active', priority: 'Urgent', description: 'Keep' });
    const path = `/tasks/${task._id}`;
    const put = await tenant.api.put(path).send(buildTask(tenant, { title: 'By PUT' }));
    expect(put.body.data).toMatchObject({ title: 'By PUT', status: 'Active', priority: 'Urgent' });
    const patch = await tenant.api.patch(path).send({ description: null });
    expect(patch.body.data).toMatchObject({ title: 'By PUT', status: 'Active', priority: 'Urgent' });
    expect(patch.body.data).not.toHaveProperty('description');
    expect((await tenant.api.patch(path).send({ status: null })).status).toBe(422);
    expect(await events.of(task._id)).toEqual(['task.created']);
  });

  it.each(['put', 'patch'] as const)('%s completes a task like the route does, once', async (method) => {
    const tenant = await buildTenant(server);
    const task = await createTask(tenant);
    const change = (body: object) =>
      tenant.api[method](`/tasks/${task._id}`).send(
        method === 'put' ? { ...buildTask(tenant), ...body } : body,
      );
    const completed = (await change({ status: 'Completed' })).body.data;
    expect(completed.completedAt).toBe(completed.updatedAt);
    // Still completed: neither a second event nor another time.
    const renamed = (await change({ status: 'Completed', title: 'Renamed' })).body.data;
    expect(renamed).toMatchObject({ title: 'Renamed', completedAt: completed.completedAt });
    expect(await events.of(task._id)).toEqual(['task.created', 'task.completed']);
    const reopened = (await change({ status: 'Active' })).body.data;
    expect(reopened.status).toBe('Active');
    expect(reopened).not.toHaveProperty('completedAt');
    await change({ status: 'Completed' });
    expect(await events.of(task._id)).toEqual(['task.created', 'task.completed', 'task.completed']);
  });
});

describe('POST /tasks/:id/complete', () => {
  it('completes, and tells the listeners of the completed task', async () => {
    const tenant = await buildTenant(server);
    const task = await createTask(tenant, { status: 'Active' });
    const answer = await tenant.api.post(`/tasks/${task._id}/complete`);
    expect(answer.status).toBe(200);
    const { completedAt, updatedAt } = answer.body.data;
    expect(answer.body).toEqual({
      success: true,
      data: { ...task, status: 'Completed', completedAt, updatedAt },
    });
    expect(answer.headers.etag).toBe(`W/"${updatedAt}-${task._id}"`);
    expect(await read(tenant, task._id)).toEqual(answer.body.data);
    const [event] = await events.recordsOf(task._id, 'task.completed');
    expect(event).toMatchObject({ status: 'Completed', completedAt: new Date(completedAt) });
  });

  it('makes one event of ten parallel calls, and answers all the same', async () => {
    const tenant = await buildTenant(server);
    const task = await createTask(tenant);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => tenant.api.post(`/tasks/${task._id}/complete`)),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.body.data.status).toBe('Completed');
    expect(await events.of(task._id)).toEqual(['task.created', 'task.completed']);
    const again = await tenant.api.post(`/tasks/${task._id}/complete`);
    expect(again.body).toEqual(answers[0]?.body);
  });

  it('refuses an archived task', async () => {
    const tenant = await buildTenant(server);
    const task = await createTask(tenant);
    await tenant.api.post(`/tasks/${task._id}/archive`);
    for (const action of ['complete', 'reopen']) {
      const answer = await tenant.api.post(`/tasks/${task._id}/${action}`);
      expect(answer.status).toBe(409);
      expect(answer.body).toEqual({ success: false, error: 'Task is archived' });
    }
    expect(await events.of(task._id)).toEqual(['task.created']);
  });
});

describe('POST /tasks/:id/reopen', () => {
  it('makes a completed task TODO, once', async () => {
    const tenant = await buildTenant(server);
    const task = await createTask(tenant, { status: 'Completed' });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => tenant.api.post(`/tasks/${task._id}/reopen`)),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    const { completedAt: _, ...open } = task;
    const { updatedAt } = answers[0]?.body.data ?? {};
    expect(answers[0]?.body).toEqual({ success: true, data: { ...open, status: 'TODO', updatedAt } });
    await tenant.api.post(`/tasks/${task._id}/complete`);
    expect(await events.of(task._id)).toEqual(['task.created', 'task.completed', 'task.completed']);
  });

  it('leaves an open task as it is', async () => {
    const tenant = await buildTenant(server);
    const task = await createTask(tenant, { status: 'In Progress' });
    const answer = await tenant.api.post(`/tasks/${task._id}/reopen`);
    expect(answer.body).toEqual({ success: true, data: task });
  });
});
