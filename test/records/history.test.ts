import { afterEach, describe, expect, it } from 'vitest';
import { deleteLead } from '../../src/features/data/erasure/service.ts';
import { activityEntity } from '../../src/features/engagement/activities/record.ts';
import { leadEntity } from '../../src/features/people/leads/record.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { history } from '../../src/records/history.ts';
import type { Relay } from '../../src/records/relay.ts';
import { apiOf, buildTenant, startServer, type Tenant, useServer, workspacePath } from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';

/** The history as the relay writes it, whatever dies meanwhile. */

const server = useServer();
const rowsOf = (tenant: Tenant, id?: string) =>
  history(server.ctx.db)
    .find(new ObjectId(tenant.workspaceId), id ? { 'record.id': new ObjectId(id) } : {}, { sort: { at: 1 } })
    .toArray();
const leads = () => leadEntity.collection(server.ctx.db);

let original: Relay['hand'] | undefined;
/** From here on what is written is handed to nobody, as where the process dies right after the write. */
function dieAfterWrites(take: Relay['hand'] = () => {}): void {
  original ??= server.ctx.relay.hand;
  server.ctx.relay.hand = take;
}
afterEach(() => {
  if (original) server.ctx.relay.hand = original;
});
async function sweep(): Promise<void> {
  await leads().acrossTenants.updateMany(
    { owedSince: { $exists: true } },
    { $set: { owedSince: new Date(Date.now() - 60_000) } },
  );
  await server.ctx.relay.sweep();
}

/** Each row's city: before and after. */
const citiesOf = async (tenant: Tenant, id: string) =>
  (await rowsOf(tenant, id)).map(({ changes }) => changes.find(([field]) => field === 'city')?.slice(1));

describe('a row of the history', () => {
  it('is stored once by the sweep where its process died, with the record as it was then', async () => {
    const tenant = await buildTenant(server);
    dieAfterWrites();
    const lead = await createLead(tenant, { city: '0' });
    for (const city of ['1', '2']) await tenant.api.patch(`/leads/${lead._id}`).send({ city }).expect(200);
    expect(await rowsOf(tenant)).toEqual([]);
    const [stored] = await leads().find(new ObjectId(tenant.workspaceId), {}).toArray();
    await sweep();
    const chain = [
      [null, '0'],
      ['0', '1'],
      ['1', '2'],
    ];
    expect(await citiesOf(tenant, lead._id)).toEqual(chain);
    // As a process leaves it that dies between storing the rows and clearing the marks.
    await leads().acrossTenants.updateOne(
      { _id: stored?._id as ObjectId },
      { $set: { owed: stored?.owed ?? [], owedSince: new Date() } },
    );
    await sweep();
    expect(await citiesOf(tenant, lead._id)).toEqual(chain);
    expect(
      (await leads().findById(new ObjectId(tenant.workspaceId), new ObjectId(lead._id)))?.owed,
    ).toBeUndefined();
  });

  it('is stored whatever a listener refuses', async () => {
    const tenant = await buildTenant(server);
    server.ctx.relay.addListener({
      name: 'refusing',
      isListening: async (workspaceId) => workspaceId.toHexString() === tenant.workspaceId,
      accept: async (events) => {
        if (events.some(({ workspaceId }) => workspaceId.toHexString() === tenant.workspaceId))
          throw new Error('refused');
      },
    });
    const lead = await createLead(tenant);
    await server.ctx.relay.idle();
    expect(await rowsOf(tenant, lead._id)).toHaveLength(1);
  });

  it('is there for each of many quick changes, by two servers, in one order', async () => {
    const tenant = await buildTenant(server);
    const other = await startServer({}, { name: server.ctx.redisPrefix });
    try {
      const apis = [
        tenant.api,
        apiOf(other, workspacePath(tenant.workspaceId), { 'X-API-Key': tenant.apiKey }),
      ];
      const lead = await createLead(tenant, { city: 'none' });
      const count = 200;
      const answers = await Promise.all(
        Array.from({ length: count }, (_, index) =>
          apis[index % 2]?.patch(`/leads/${lead._id}`).send({ city: `City ${index}` }),
        ),
      );
      expect(answers.map((answer) => answer?.status)).toEqual(Array(count).fill(200));
      await Promise.all([server.ctx.relay.idle(), other.ctx.relay.idle()]);
      const cities = await citiesOf(tenant, lead._id);
      expect(cities).toHaveLength(count + 1);
      for (const [index, pair] of cities.entries()) expect(pair?.[0]).toBe(cities[index - 1]?.[1] ?? null);
      const stored = await leads().findById(new ObjectId(tenant.workspaceId), new ObjectId(lead._id));
      expect(stored?.version).toBe(count + 1);
      expect(cities.at(-1)?.[1]).toBe(stored?.city);
    } finally {
      await other.close();
    }
  }, 60_000);

  it('waits in the record for no longer than the next change of one that is passed on', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant, { city: '0' });
    for (let city = 1; city <= 20; city += 1) {
      await tenant.api
        .patch(`/leads/${lead._id}`)
        .send({ city: String(city) })
        .expect(200);
    }
    const stored = await leads().findById(new ObjectId(tenant.workspaceId), new ObjectId(lead._id));
    expect(stored?.owed?.length ?? 0).toBeLessThanOrEqual(8);
    await server.ctx.relay.idle();
    expect(await rowsOf(tenant, lead._id)).toHaveLength(21);
  });
});

describe('the history of what is deleted for good', () => {
  const actorIn = (tenant: Tenant) => ({
    kind: 'apiKey' as const,
    id: tenant.keyId,
    workspaceId: new ObjectId(tenant.workspaceId),
    contract: 'cratio',
    scopes: new Set<string>(),
    limits: server.ctx.config.rateLimit,
  });

  it('goes with the record and what was around it; that it was deleted stays', async () => {
    const tenant = await buildTenant(server);
    const lead = await createLead(tenant, { name: 'Forget Me' });
    await tenant.api.post(`/leads/${lead._id}/notes`).send({ content: 'Private' }).expect(201);
    await server.ctx.relay.idle();
    expect(await rowsOf(tenant)).toHaveLength(2);
    await deleteLead(server.ctx, actorIn(tenant), new ObjectId(lead._id));
    expect(await rowsOf(tenant)).toEqual([
      expect.objectContaining({
        action: 'deleted',
        record: { type: 'lead', id: new ObjectId(lead._id) },
        changes: [],
        actor: { kind: 'apiKey', id: tenant.keyId },
        contract: 'cratio',
      }),
    ]);
    const { body } = await tenant.api.get('/history?action=deleted').expect(200);
    expect(body.data).toHaveLength(1);
  });

  it('does not come back with a row that was on its way', async () => {
    const tenant = await buildTenant(server);
    const late: Parameters<Relay['hand']>[] = [];
    dieAfterWrites((...handed) => void late.push(handed));
    const lead = await createLead(tenant);
    await tenant.api.post(`/leads/${lead._id}/notes`).send({ content: 'Private' }).expect(201);
    await deleteLead(server.ctx, actorIn(tenant), new ObjectId(lead._id));
    for (const handed of late) original?.(...handed);
    await server.ctx.relay.idle();
    expect((await rowsOf(tenant)).map(({ action }) => action)).toEqual(['deleted']);
    expect(await activityEntity.collection(server.ctx.db).count(new ObjectId(tenant.workspaceId), {})).toBe(
      0,
    );
  });
});
