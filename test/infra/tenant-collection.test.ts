import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Lead, leadEntity } from '../../src/features/people/leads/record.ts';
import { duplicateKeyFields } from '../../src/infra/mongo-errors.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { startServer, type TestServer } from '../helpers/app.ts';
import { recordCommands, withMonitoring } from '../helpers/queries.ts';

describe.each([
  ['names the workspace where collections are divided by it', true],
  ['names the id alone elsewhere', false],
])('a read by id %s', (_what, isDivided) => {
  let server: TestServer;
  let commands: ReturnType<typeof recordCommands>;

  beforeAll(async () => {
    server = await startServer({}, { mongoUrl: withMonitoring(inject('mongoUrl')), isDivided });
    commands = recordCommands(server);
  });
  afterAll(() => server.close());

  it('and finds nothing of another workspace, alone or together with its reads', async () => {
    const leads = leadEntity.collection(server.ctx.db);
    const [own, another] = [new ObjectId(), new ObjectId()];
    const [lead, anothers] = [leadOf(own, '+919800000003'), leadOf(another, '+919800000003')];
    await leads.insertOne(own, lead);
    await leads.insertOne(another, anothers);
    commands.sent();
    expect(await leads.findById(own, lead._id)).toEqual(lead);
    expect(await leads.findById(own, anothers._id)).toBeNull();
    const together = [lead, anothers, lead].map(({ _id }, index) =>
      leads.findById(index === 2 ? another : own, _id),
    );
    expect(await Promise.all([...together, leads.findById(another, anothers._id)])).toEqual([
      lead,
      null,
      null,
      anothers,
    ]);
    const reads = commands.sent().filter(({ find }) => find === 'leads');
    expect(reads).toHaveLength(3);
    for (const { filter } of reads) {
      expect(Object.keys(filter as object)).toEqual(isDivided ? ['_id', 'workspaceId'] : ['_id']);
    }
  });
});

const leadOf = (workspaceId: ObjectId, mobileE164: string) =>
  ({ _id: new ObjectId(), workspaceId, archived: false, mobileE164 }) as Lead;

describe('a lone write of a tenant', () => {
  let server: TestServer;
  let commands: ReturnType<typeof recordCommands>;

  beforeAll(async () => {
    const name = `test_${randomUUID().slice(0, 8)}`;
    const mongoUrl = `${withMonitoring(inject('mongoUrl'))}&w=1&wtimeoutMS=3000`;
    server = await startServer({}, { name, mongoUrl });
    commands = recordCommands(server);
  });
  afterAll(() => server.close());

  it('is acknowledged as the connection asks for it, and bounded in time', async () => {
    const workspaceId = new ObjectId();
    const leads = leadEntity.collection(server.ctx.db);
    const lead = leadOf(workspaceId, '+919800000001');
    commands.sent();
    await leads.insertOne(workspaceId, lead);
    await leads.updateOne(workspaceId, { _id: lead._id }, { $set: { city: 'Pune' } });
    const sent = commands.sent().filter(({ insert, update }) => (insert ?? update) === 'leads');
    expect(sent).toHaveLength(2);
    for (const command of sent) {
      expect(command).toMatchObject({
        writeConcern: { w: 1, wtimeout: 3_000 },
        maxTimeMS: expect.any(Number),
      });
    }
  });

  it('tells which unique rule it broke, and whether there was what it changes', async () => {
    const workspaceId = new ObjectId();
    const leads = leadEntity.collection(server.ctx.db);
    const lead = leadOf(workspaceId, '+919800000002');
    await leads.insertOne(workspaceId, lead as never);
    const again = await leads
      .insertOne(workspaceId, leadOf(workspaceId, '+919800000002'))
      .catch((error: unknown) => error);
    expect(duplicateKeyFields(again)).toEqual(['workspaceId', 'mobileE164']);
    const change = { $set: { city: 'Pune' } };
    expect(await leads.updateOne(workspaceId, { _id: lead._id }, change)).toBe(true);
    expect(await leads.updateOne(new ObjectId(), { _id: lead._id }, change)).toBe(false);
  });
});
