import supertest, { type Test } from 'supertest';
import {
  apiOf,
  buildLead,
  buildPhone,
  buildTenant,
  type Tenant,
  type TestServer,
  workspacePath,
} from '../helpers/app.ts';

/** Schemas that the native contract refers to without defining them, after their only evident meaning. */
export const missingComponents = {
  CommentListResponse: {
    type: 'object',
    properties: {
      success: { type: 'boolean' },
      data: { type: 'array', items: { $ref: '#/components/schemas/Comment' } },
    },
    required: ['success', 'data'],
  },
};

/** A workspace with one record of everything, an API key and an admin's session. */
export interface World {
  server: TestServer;
  tenant: Tenant;
  /** Session token of the workspace's admin. */
  session: string;
  ids: Record<'lead' | 'contact' | 'customer' | 'task' | 'property' | 'webhook' | 'apiKey', string>;
}

export interface Attempt {
  /** The path's parameters other than the workspace. */
  params?: Record<string, string>;
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export async function buildWorld(server: TestServer): Promise<World> {
  const tenant = await buildTenant(server);
  const { api } = tenant;
  const idOf = async (path: string, body: object) => {
    const { body: answer, status } = await api.post(path).send(body);
    if (status !== 201) throw new Error(`POST ${path} answered ${status}: ${JSON.stringify(answer)}`);
    return (answer as { data: { _id: string } }).data._id;
  };
  const lead = await idOf('/leads', buildLead());
  await api.post(`/leads/${lead}/comments`).send({ content: 'Called twice' });
  const property = await idOf('/properties', buildProperty());
  return {
    server,
    tenant,
    session: await signUpAdmin(server, tenant.workspaceId),
    ids: {
      lead,
      property,
      contact: await idOf('/contacts', buildContact()),
      customer: await idOf('/customers', await buildCustomer(tenant)),
      task: await idOf('/tasks', buildTask(tenant)),
      webhook: await idOf('/webhooks', buildWebhook()),
      apiKey: tenant.keyId,
    },
  };
}

/** Somebody with an account, as an admin of the workspace. */
export async function signUpAdmin(server: TestServer, workspaceId: string): Promise<string> {
  const email = `admin.${workspaceId}@example.com`;
  const password = 'correct horse battery';
  const { ctx } = server;
  const { addMember } = await import('../../src/tenancy/members/service.ts');
  const { createUser } = await import('../../src/tenancy/users/service.ts');
  const { ObjectId } = await import('../../src/lib/ids.ts');
  const user = await createUser(ctx, { name: 'Asha Admin', email, password });
  await addMember(ctx, new ObjectId(workspaceId), user, 'admin');
  const answer = await supertest(server.app.server).post('/api/login').send({ email, password });
  return (answer.body as { token: string }).token;
}

export const buildContact = () => ({
  name: 'Rahul Sharma',
  mobileNumber: buildPhone(),
  email: 'rahul@example.com',
});
export const buildTask = (tenant: Tenant) => ({
  title: 'Call back',
  assignedTo: tenant.memberId,
  priority: 'High',
});
export const buildWebhook = () => ({
  name: 'Mine',
  url: 'https://203.0.113.7/hook',
  events: ['lead.created'],
});
export const buildProperty = () => ({
  title: 'Ocean Breeze - Unit 402',
  price: 12_500_000,
  currency: 'INR',
  propertyType: 'Apartment',
  salesType: ['sale'],
  subtype: '3BHK',
  city: 'Mumbai',
  state: 'Maharashtra',
  country: 'India',
  area: 'Worli',
  facing: 'east',
  towers: [{ towerId: 'A', name: 'Tower A' }],
  units: [{ unitId: 'A-402', unitNumber: '402', tower: 'A', status: 'available', price: 12_500_000 }],
});
export async function buildCustomer(tenant: Tenant) {
  const { body } = await tenant.api.post('/leads').send(buildLead());
  return {
    leadId: (body as { data: { _id: string } }).data._id,
    name: 'Rahul Sharma',
    dealAmount: 1_000_000,
  };
}

type Scenario = (world: World) => Attempt | Promise<Attempt>;

const nothing: Scenario = () => ({});
const of =
  (param: string, kind: keyof World['ids'], body?: unknown): Scenario =>
  (world) => ({
    params: { [param]: world.ids[kind] },
    body,
  });
const ws = '/api/v1/workspaces/{workspaceId}';
const portal = '/api/workspaces/{workspaceId}/developer/api-keys';
const credentials = ({ tenant }: World) => ({
  client_id: tenant.clientId,
  client_secret: tenant.clientSecret,
});

/** For each of the contract's operations, a request that succeeds. */
export const scenarios: Record<string, Scenario> = {
  'POST /api/v1/oauth/token': (world) => ({
    body: { ...credentials(world), grant_type: 'client_credentials' },
  }),
  'POST /api/v1/oauth/refresh': async (world) => {
    const answer = await supertest(world.server.app.server)
      .post('/api/v1/oauth/token')
      .send({ ...credentials(world), grant_type: 'client_credentials' });
    return { body: { refresh_token: (answer.body as { refresh_token: string }).refresh_token } };
  },
  'POST /api/v1/oauth/revoke': async ({ server }) => {
    const other = await buildTenant(server);
    return { body: { client_id: other.clientId, client_secret: other.clientSecret } };
  },
  'GET /api/v1/health': nothing,

  [`GET ${ws}/leads`]: () => ({ query: '?limit=1' }),
  [`POST ${ws}/leads`]: () => ({
    body: buildLead({ tags: ['vip'], description: 'Met at the fair', fields: { a: 1 } }),
  }),
  [`GET ${ws}/leads/{leadId}`]: of('leadId', 'lead'),
  [`PUT ${ws}/leads/{leadId}`]: of('leadId', 'lead', buildLead({ status: 'contacted' })),
  [`GET ${ws}/leads/sync`]: () => ({ query: '?updated_since=2020-01-01T00:00:00Z' }),
  [`GET ${ws}/leads/recent`]: () => ({ query: '?hours=1' }),
  [`POST ${ws}/leads/bulk`]: () => {
    const lead = buildLead();
    return { body: { leads: [lead, lead, { name: 'No number' }] } };
  },
  [`GET ${ws}/leads/{leadId}/comments`]: of('leadId', 'lead'),
  [`POST ${ws}/leads/{leadId}/comments`]: of('leadId', 'lead', { content: 'Wants a sea view' }),
  [`POST ${ws}/leads/{leadId}/archive`]: async ({ tenant }) => {
    const { body } = await tenant.api.post('/leads').send(buildLead());
    return { params: { leadId: (body as { data: { _id: string } }).data._id } };
  },
  [`POST ${ws}/leads/check-duplicate`]: () => ({ body: { phone: '+919876543210' } }),
  [`POST ${ws}/inbound/leads`]: () => ({ body: buildLead() }),

  [`GET ${ws}/properties`]: nothing,
  [`POST ${ws}/properties`]: () => ({ body: buildProperty() }),
  [`GET ${ws}/properties/{propertyId}`]: of('propertyId', 'property'),
  [`PUT ${ws}/properties/{propertyId}`]: of('propertyId', 'property', { ...buildProperty(), price: 1 }),
  [`GET ${ws}/properties/inventory`]: nothing,
  [`GET ${ws}/properties/availability`]: nothing,
  [`GET ${ws}/properties/{propertyId}/units`]: of('propertyId', 'property'),
  [`GET ${ws}/properties/{propertyId}/towers`]: of('propertyId', 'property'),
  [`GET ${ws}/properties/sync`]: nothing,
  [`POST ${ws}/inbound/properties`]: () => ({ body: buildProperty() }),

  [`GET ${ws}/contacts`]: nothing,
  [`POST ${ws}/contacts`]: () => ({ body: buildContact() }),
  [`GET ${ws}/contacts/{id}`]: of('id', 'contact'),
  [`PUT ${ws}/contacts/{id}`]: of('id', 'contact', buildContact()),
  [`GET ${ws}/contacts/sync`]: nothing,
  [`GET ${ws}/contacts/recent`]: nothing,
  [`POST ${ws}/contacts/bulk`]: () => ({ body: { contacts: [buildContact(), {}] } }),
  [`POST ${ws}/contacts/{id}/archive`]: async ({ tenant }) => {
    const { body } = await tenant.api.post('/contacts').send(buildContact());
    return { params: { id: (body as { data: { _id: string } }).data._id } };
  },
  [`POST ${ws}/inbound/contacts`]: () => ({ body: buildContact() }),

  [`GET ${ws}/customers`]: nothing,
  [`POST ${ws}/customers`]: async ({ tenant }) => ({ body: await buildCustomer(tenant) }),
  [`GET ${ws}/customers/{id}`]: of('id', 'customer'),
  [`PUT ${ws}/customers/{id}`]: of('id', 'customer', buildContact()),
  [`GET ${ws}/customers/sync`]: nothing,
  [`GET ${ws}/customers/recent`]: nothing,
  [`POST ${ws}/customers/bulk`]: async ({ tenant }) => ({
    body: { customers: [await buildCustomer(tenant), {}] },
  }),
  [`POST ${ws}/customers/{id}/archive`]: async ({ tenant }) => {
    const { body } = await tenant.api.post('/customers').send(await buildCustomer(tenant));
    return { params: { id: (body as { data: { _id: string } }).data._id } };
  },

  [`GET ${ws}/tasks`]: nothing,
  [`POST ${ws}/tasks`]: ({ tenant }) => ({ body: buildTask(tenant) }),
  [`GET ${ws}/tasks/{id}`]: of('id', 'task'),
  [`PUT ${ws}/tasks/{id}`]: ({ tenant, ids }) => ({ params: { id: ids.task }, body: buildTask(tenant) }),
  [`GET ${ws}/tasks/sync`]: nothing,
  [`GET ${ws}/tasks/recent`]: nothing,
  [`POST ${ws}/tasks/{id}/complete`]: of('id', 'task'),
  [`POST ${ws}/tasks/{id}/reopen`]: of('id', 'task'),
  [`POST ${ws}/tasks/{id}/archive`]: async ({ tenant }) => {
    const { body } = await tenant.api.post('/tasks').send(buildTask(tenant));
    return { params: { id: (body as { data: { _id: string } }).data._id } };
  },

  [`GET ${ws}/team`]: nothing,
  [`GET ${ws}`]: nothing,
  [`GET ${ws}/schema`]: nothing,
  [`GET ${ws}/metadata/lead-statuses`]: nothing,
  [`GET ${ws}/metadata/lead-stages`]: nothing,
  [`GET ${ws}/metadata/sources`]: nothing,
  [`GET ${ws}/metadata/tags`]: nothing,
  [`GET ${ws}/metadata/property-types`]: nothing,

  [`POST ${ws}/webhooks`]: () => ({ body: buildWebhook() }),
  [`GET ${ws}/webhooks`]: nothing,
  [`GET ${ws}/webhooks/{id}`]: of('id', 'webhook'),
  [`PUT ${ws}/webhooks/{id}`]: of('id', 'webhook', { name: 'Renamed' }),
  [`POST ${ws}/webhooks/{id}/enable`]: of('id', 'webhook'),
  [`POST ${ws}/webhooks/{id}/disable`]: of('id', 'webhook'),
  // Not the one that the scenarios before this disable.
  [`POST ${ws}/webhooks/{id}/test`]: async ({ tenant }) => {
    const { body } = await tenant.api.post('/webhooks').send(buildWebhook());
    return { params: { id: (body as { data: { _id: string } }).data._id } };
  },
  [`GET ${ws}/webhooks/{id}/deliveries`]: of('id', 'webhook'),

  [`POST ${ws}/whatsapp/send/text`]: () => ({ body: { to: '+919876543210', body: 'Hello' } }),
  [`POST ${ws}/whatsapp/send/template`]: () => ({
    body: { to: '+919876543210', name: 'qvoo_hello', language: 'en', variables: ['Rahul'] },
  }),
  [`GET ${ws}/whatsapp/conversations`]: nothing,
  [`GET ${ws}/whatsapp/templates`]: nothing,
  [`POST ${ws}/whatsapp/templates/sync`]: nothing,

  [`GET ${portal}`]: nothing,
  [`POST ${portal}`]: () => ({ body: { name: 'Second key' } }),
  [`POST ${portal}/{id}/rotate`]: async ({ tenant, server }) => ({
    params: { id: await furtherKey(server, tenant) },
  }),
  [`DELETE ${portal}/{id}`]: async ({ tenant, server }) => ({
    params: { id: await furtherKey(server, tenant) },
  }),
};

async function furtherKey(server: TestServer, tenant: Tenant): Promise<string> {
  const { buildApiKey } = await import('../helpers/app.ts');
  return (await buildApiKey(server, tenant.workspaceId)).keyId;
}

/** Sends an attempt at an operation of the contract with the given headers. */
export function send(
  world: World,
  method: string,
  path: string,
  attempt: Attempt,
  headers: Record<string, string>,
): Test {
  const params: Record<string, string> = { workspaceId: world.tenant.workspaceId, ...attempt.params };
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? 'missing');
  const request = apiOf(world.server, '', { ...headers, ...attempt.headers })[method as 'get'](
    `${url}${attempt.query ?? ''}`,
  );
  return attempt.body === undefined ? request : request.send(attempt.body as object);
}

export { workspacePath };
