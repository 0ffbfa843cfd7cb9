import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { apiOf, buildApiKey, buildPhone, buildTenant, startServer, type TestServer } from '../helpers/app.ts';
import { recordCommands, withMonitoring } from '../helpers/queries.ts';

/** The workspace that is asked stands beside one with more. */
const leadsEach = { asked: 100, other: 400 };

let server: TestServer;
let commands: ReturnType<typeof recordCommands>;
let send: ReturnType<typeof apiOf>;
let leadId: string;
let email: string;

async function fill(count: number) {
  const tenant = await buildTenant(server);
  const rows = Array.from({ length: count }, (_, index) => ({
    name: `Lead ${index}`,
    mobileNumber: buildPhone(),
    status: index % 2 === 0 ? 'contacted' : 'won',
    source: 'IVR',
    assignedTo: tenant.memberId,
  }));
  await tenant.api.post('/leads/bulk').send({ leads: rows });
  const { apiKey } = await buildApiKey(server, tenant.workspaceId, {
    kind: 'cratio',
    rateLimitPerMinute: 10_000,
  });
  const client = apiOf(server, '/api/v1', { Authorization: `Bearer ${apiKey}` });
  const { body } = await client.get('/leads?limit=1');
  const [{ id }] = body.data as [{ id: string }];
  for (const type of ['Inbound', 'Outbound']) {
    const log = { lead_id: id, call_type: type, duration_seconds: 5 };
    await Promise.all(Array.from({ length: 30 }, () => client.post('/call-logs').send(log)));
  }
  return { client, id, email: `meera.${tenant.workspaceId}@example.com` };
}

beforeAll(async () => {
  const name = `cratio_${randomBytes(6).toString('hex')}`;
  server = await startServer({}, { name, mongoUrl: withMonitoring(inject('mongoUrl')) });
  commands = recordCommands(server);
  await fill(leadsEach.other);
  ({ client: send, id: leadId, email } = await fill(leadsEach.asked));
}, 60_000);

afterAll(() => server.close());

it.each([
  () => '/leads',
  () => '/leads?status=Won',
  () => '/leads?source=IVR',
  () => '/leads?priority=Medium',
  () => `/leads?assigned_to=${email}`,
  () => '/leads?limit=10&offset=50',
  () => '/call-logs',
  () => `/call-logs?lead_id=${leadId}`,
  () => '/call-logs?call_type=Inbound',
])('%s is answered and counted within an index', async (path) => {
  await commands.plans();
  expect((await send.get(path())).status).toBe(200);
  const plans = await commands.plans();
  // A page that ends the list is its own count.
  expect(plans.length).toBeGreaterThanOrEqual(1);
  for (const { shape, stages, keysExamined, documentsExamined } of plans) {
    const plan = `${shape}: ${stages.join(' ')}`;
    expect(plan).not.toMatch(/COLLSCAN| SORT\b/);
    // Counting looks at what it counts, which is bounded; nothing looks at the other workspace's.
    expect(Math.max(keysExamined, documentsExamined), plan).toBeLessThanOrEqual(leadsEach.asked + 10);
  }
});

it('a merge finds its lead by phone or email within an index', async () => {
  // What the calls above still owe is passed on together, and would be looked at here.
  await server.ctx.relay.idle();
  await commands.plans();
  await send.post('/leads').send({ name: 'New', phone: buildPhone(), email: 'new@example.com' });
  await send.post('/leads').send({ name: 'Again', email: 'NEW@example.com' });
  for (const { shape, stages, documentsExamined } of await commands.plans()) {
    expect(`${shape}: ${stages.join(' ')}`).not.toMatch(/COLLSCAN| SORT\b/);
    expect(documentsExamined, shape).toBeLessThanOrEqual(2);
  }
});
