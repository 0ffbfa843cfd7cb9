import { beforeEach, describe, expect, it } from 'vitest';
import { ObjectId } from '../../src/lib/ids.ts';
import { buildLead, buildTenant, type Tenant, useServer } from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';
import { buildHook } from '../helpers/webhooks.ts';

/** What is heavy pays from its workspace's share while another one is there, and waits when that is used up. */

/** So small that what a test does meanwhile pays for next to nothing. */
const share = 0.01;
const burstMs = 100;
const server = useServer({ fairShare: share });
let busy: Tenant;
let neighbour: Tenant;

beforeEach(async () => {
  busy = await buildTenant(server);
  neighbour = await buildTenant(server);
});

const isUsedUp = ({ workspaceId }: Tenant) => server.ctx.share.isUsedUp(workspaceId);

/** Leaves nothing of the share, and so many milliseconds of work beyond it to be paid by time. */
async function useUp({ workspaceId }: Tenant, beyondMs: number): Promise<void> {
  await neighbour.api.get('').expect(200);
  server.ctx.share.touch(workspaceId);
  server.ctx.share.charge(workspaceId, burstMs + beyondMs);
}

/** How many times something is asked for before the share is used up. */
async function timesUntilUsedUp(ask: () => Promise<unknown>): Promise<number> {
  for (let times = 1; times <= 100; times += 1) {
    await neighbour.api.get('').expect(200);
    await ask();
    if (isUsedUp(busy)) return times;
  }
  throw new Error('It costs nothing');
}

/** A body of about a MiB that is refused once it has been read. */
const largeBody = () => buildLead({ description: 'x'.repeat(1_000_000) });
/** A quarter of a megabyte, as large as a record may be. */
const essay = Object.fromEntries(
  Array.from({ length: 24 }, (_, index) => [`part${index}`, 'x'.repeat(10_000)]),
);

describe('a workspace that is alone', () => {
  it('waits for nothing', async () => {
    const alone = await buildTenant(server);
    for (let index = 0; index < 10; index += 1) await alone.api.post('/leads').send(largeBody()).expect(422);
    expect(isUsedUp(alone)).toBe(false);
  });
});

describe('what is heavy', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['a large body', () => busy.api.post('/leads').send(largeBody()).expect(422)],
    [
      'a large body that does not say how large it is',
      () =>
        fetch(urlOf(busy, '/leads'), {
          method: 'POST',
          headers: { 'X-API-Key': busy.apiKey, 'Content-Type': 'application/json' },
          body: new Blob([JSON.stringify(largeBody())]).stream(),
          duplex: 'half',
        } as RequestInit),
    ],
    [
      'a list with several conditions',
      () => busy.api.get('/leads?status=won&tag=vip&sort=updatedAt').expect(200),
    ],
    ['a list by two words', () => busy.api.get('/leads?q=rahul sharma').expect(200)],
  ])('pays from the share: %s', async (_, ask) => {
    const times = await timesUntilUsedUp(ask);
    expect(times).toBeGreaterThan(2);
    expect(isUsedUp(neighbour)).toBe(false);
  });

  it('is paid for afterwards where it shows then: changes and pages of large records, and events to many', async () => {
    const { _id } = await createLead(busy, { fields: essay });
    const change = (to: string) =>
      busy.api
        .patch(`/leads/${_id}`)
        .send({ fields: { part0: to } })
        .expect(200);
    let changes = 0;
    const changed = await timesUntilUsedUp(() => {
      changes += 1;
      return change(`y${changes}`);
    });
    expect(changed).toBeGreaterThan(2);

    busy = await buildTenant(server);
    await createLead(busy, { fields: essay });
    expect(await timesUntilUsedUp(() => busy.api.get('/leads').expect(200))).toBeGreaterThan(2);

    busy = await buildTenant(server);
    for (let index = 0; index < 20; index += 1)
      await buildHook(busy, `http://127.0.0.1:5999/${index}`, ['contact.created']);
    const create = () => busy.api.post('/contacts').send(buildLead()).expect(201);
    const caused = await timesUntilUsedUp(async () => {
      await create();
      await server.ctx.relay.idle();
    });
    expect(caused).toBeGreaterThan(2);
  });

  it('costs a normal call nothing', async () => {
    for (let index = 0; index < 50; index += 1) {
      await neighbour.api.get('').expect(200);
      await createLead(busy);
      await busy.api.get('/leads?status=new').expect(200);
    }
    server.ctx.share.charge(busy.workspaceId, burstMs - 1);
    expect(isUsedUp(busy)).toBe(false);
  });
});

const urlOf = ({ workspaceId }: Tenant, path: string): string => {
  const address = server.app.server.address();
  if (address === null || typeof address === 'string') throw new Error('The server does not listen');
  return `http://127.0.0.1:${address.port}/api/v1/workspaces/${workspaceId}${path}`;
};

describe('a workspace that has used up its share', () => {
  it('waits for its turn, and keeps nobody else waiting', async () => {
    await useUp(busy, 5);
    const answered: string[] = [];
    const waiting = busy.api.get('/leads').then(({ status }) => answered.push(`busy ${status}`));
    for (let index = 0; index < 5; index += 1) {
      answered.push(`neighbour ${(await neighbour.api.get('/leads')).status}`);
    }
    await waiting;
    expect(answered).toEqual([...Array(5).fill('neighbour 200'), 'busy 200']);
  });

  it('is told to come again when that would take too long, and nothing was done', async () => {
    await useUp(busy, 100);
    const refused = await busy.api.post('/leads').send(buildLead());
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(1);
    expect(refused.body).toEqual({ success: false, error: expect.stringContaining('share') });
    const leads = await server.ctx.db
      .tenant('leads')
      .count(new ObjectId(busy.workspaceId), {}, { hint: 'list' });
    expect(leads).toBe(0);
  });
});
