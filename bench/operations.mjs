import { setTimeout as sleep } from 'node:timers/promises';
import { leadEntity } from '../dist/features/people/leads/record.js';
import { dealOperations } from './deals.mjs';
import { measureSlot } from './load.mjs';
import { cpuSeconds, cpuSince, residentMegabytes } from './processes.mjs';
import { buildLead, seedManyTenants } from './seed.mjs';

const bulkRows = 100;
/** Different records asked for in turn. */
const recordsAsked = 256;
const settlePollMs = 50;
const settleTimeoutMs = 120_000;

/** The ratios of requests/s to reach when one client sends one request after another, as most integrators do. */
const targetsOfOneCaller = { create: 0.9, get: 0.97, 'list 10': 0.95, update: 0.75, 'sync 100': 0.95 };
const targetOfManyTenants = 0.9;

/**
 * What is measured: each operation under the run's connections, some of them by one caller, and some for a thousand
 * workspaces at once.
 */
export async function buildOperations(environment, tenants) {
  const operations = await sharedOperations(environment, tenants);
  const alone = Object.entries(targetsOfOneCaller).map(([name, throughput]) => ({
    ...operations.find((operation) => operation.name === name),
    name: `${name} by one caller`,
    connections: 1,
    target: { throughput },
  }));
  return [...operations, ...alone, ...manyTenantsOperations(environment)];
}

/**
 * `requests` go to both sides, which serve the same paths; `server` and `baseline` override what differs. `target`: the
 * ratios to reach, requests/s at least and CPU at most.
 */
async function sharedOperations(environment, { reads, writes, events }) {
  const readable = await firstLeads(environment, reads);
  const writable = await firstLeads(environment, writes);
  const key = { 'X-API-Key': reads.key };
  const get = readable.map(({ id }) => ({ method: 'GET', path: `${reads.path}/leads/${id}`, headers: key }));
  const list = [{ method: 'GET', path: `${reads.path}/leads?limit=10`, headers: key }];
  const filtered = [{ method: 'GET', path: `${reads.path}/leads?limit=10&status=contacted`, headers: key }];
  const update = updatesOf(writes, writable, { 'X-API-Key': writes.key });
  const create = [createIn(writes, { 'X-API-Key': writes.key })];
  const bearer = { Authorization: `Bearer ${await fetchToken(environment.server, writes)}` };
  const isWanted = await subscribe(environment, events);

  return [
    { name: 'create', target: { throughput: 0.85, cpu: 1.2 }, requests: create },
    { name: 'get', target: { throughput: 0.9, cpu: 1.15 }, requests: get },
    {
      name: '304 (over get)',
      target: { throughput: 1, cpu: 1 },
      requests: get,
      server: { requests: await withTags(environment.server, get) },
    },
    { name: 'list 10', target: { throughput: 0.95, cpu: 1.1 }, requests: list },
    { name: 'filtered list 10', target: { throughput: 0.95, cpu: 1.1 }, requests: filtered },
    {
      name: 'search by two filters (over filtered list)',
      target: { throughput: 0.8 },
      requests: [searchIn(reads, key)],
      baseline: { measure: (_, slot) => measureSlot(environment.server, { ...slot, requests: filtered }) },
    },
    {
      name: 'deal metrics (over get)',
      target: { throughput: 0.5 },
      requests: [{ method: 'GET', path: `${reads.path}/deals/metrics`, headers: key }],
      baseline: { measure: (_, slot) => measureSlot(environment.server, { ...slot, requests: get }) },
    },
    { name: 'update', target: { throughput: 0.85, cpu: 1.2 }, requests: update },
    ...(await dealOperations(environment, { reads, writes }, { update, list })),
    {
      name: 'sync 100',
      target: { throughput: 1, cpu: 1 },
      requests: [{ method: 'GET', path: `${reads.path}/leads/sync?limit=100`, headers: key }],
    },
    {
      name: `bulk ${bulkRows} (over insertMany)`,
      target: { throughput: 0.6 },
      unit: `${bulkRows} rows/s`,
      requests: [bulkIn(writes)],
      baseline: { measure: measureInsertMany },
    },
    { name: 'token mix', requests: mixOf(writes, writable, bearer) },
    ...(isWanted
      ? [
          {
            name: 'create with events (over create)',
            target: { throughput: 0.5, cpu: 2.2 },
            requests: create,
            server: {
              requests: [createIn(events, { 'X-API-Key': events.key })],
              settle: deliveriesTo(environment.receiver),
            },
          },
        ]
      : []),
  ];
}

/** Every request comes from another workspace than the one before; nothing of one serves the next. */
function manyTenantsOperations(environment) {
  let seeded;
  const tenants = () => {
    seeded ??= seedManyTenants(environment.ctx, [environment.ctx.db, environment.baselineDatabase]);
    return seeded;
  };
  const toEach = (requestOf) => async () => (await tenants()).map(requestOf);
  const read = (pathOf) =>
    toEach(({ tenant, id }) => ({
      method: 'GET',
      path: `${tenant.path}${pathOf(id)}`,
      headers: { 'X-API-Key': tenant.key },
    }));
  const requests = {
    get: read((id) => `/leads/${id}`),
    'list 10': read(() => '/leads?limit=10'),
    create: toEach(({ tenant }) => createIn(tenant, { 'X-API-Key': tenant.key })),
  };
  return Object.entries(requests).map(([name, build]) => ({
    name: `${name} by 1000 workspaces`,
    target: { throughput: targetOfManyTenants },
    requests: build,
  }));
}

const json = { 'Content-Type': 'application/json' };

const createIn = (tenant, headers) => ({
  method: 'POST',
  path: `${tenant.path}/leads`,
  headers: { ...headers, ...json },
  setupRequest: (request) => ({ ...request, body: JSON.stringify(buildLead()) }),
});

/** Two filters that one record in some twenty meets. */
export const searchIn = (tenant, headers) => ({
  method: 'POST',
  path: `${tenant.path}/leads/search`,
  headers: { ...headers, ...json },
  body: JSON.stringify({
    filterGroups: [
      {
        filters: [
          { field: 'status', operator: 'eq', value: 'contacted' },
          { field: 'tags', operator: 'eq', value: 'vip' },
        ],
      },
    ],
  }),
});

const bulkIn = (tenant) => ({
  method: 'POST',
  path: `${tenant.path}/leads/bulk`,
  headers: { 'X-API-Key': tenant.key, ...json },
  setupRequest: (request) => ({
    ...request,
    body: JSON.stringify({ leads: Array.from({ length: bulkRows }, buildLead) }),
  }),
});

/** PUTs that change something each time: one field that lists filter by, and one that they don't. */
function updatesOf(tenant, leads, headers) {
  const statuses = ['new', 'contacted', 'interested', 'lost', 'won'];
  let round = 0;
  return leads.map(({ id, name, mobileNumber }) => ({
    method: 'PUT',
    path: `${tenant.path}/leads/${id}`,
    headers: { ...headers, ...json },
    setupRequest(request) {
      round++;
      const status = statuses[round % statuses.length];
      return { ...request, body: JSON.stringify({ name, mobileNumber, status, city: `City ${round}` }) };
    },
  }));
}

/** Out of ten requests with an access token: six gets, a list, a filtered list, an update and a create. */
function mixOf(tenant, leads, bearer) {
  const get = (id) => ({ method: 'GET', path: `${tenant.path}/leads/${id}`, headers: bearer });
  const others = [
    { method: 'GET', path: `${tenant.path}/leads?limit=10`, headers: bearer },
    { method: 'GET', path: `${tenant.path}/leads?limit=10&status=won`, headers: bearer },
    createIn(tenant, bearer),
  ];
  const updates = updatesOf(tenant, leads, bearer);
  return leads.map(({ id }, index) => {
    const place = index % 10;
    if (place < 6) return get(id);
    return place === 6 ? updates[index] : others[place - 7];
  });
}

async function firstLeads({ ctx }, { workspace, ids }) {
  const found = await leadEntity
    .collection(ctx.db)
    .find(workspace._id, {}, { limit: ids.length, projection: { name: 1, mobileNumber: 1 }, hint: 'list' })
    .toArray();
  const step = Math.max(1, Math.floor(found.length / recordsAsked));
  return found
    .filter((_, index) => index % step === 0)
    .slice(0, recordsAsked)
    .map(({ _id, name, mobileNumber }) => ({ id: _id.toHexString(), name, mobileNumber }));
}

/** The same gets by a client that knows the present version. */
const withTags = (side, requests) =>
  Promise.all(
    requests.map(async (request) => {
      const answer = await fetch(`${side.origin}${request.path}`, { headers: request.headers });
      await answer.arrayBuffer();
      if (!answer.headers.has('etag'))
        throw new Error(`GET ${request.path}: ${answer.status} without an ETag`);
      return { ...request, headers: { ...request.headers, 'If-None-Match': answer.headers.get('etag') } };
    }),
  );

async function fetchToken(server, { clientId, clientSecret }) {
  const answer = await post(
    `${server.origin}/api/v1/oauth/token`,
    {},
    {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    },
  );
  return (await answer.json()).access_token;
}

/** Subscribes the receiver to new leads; false where this server has no webhooks. */
async function subscribe({ server, receiver }, tenant) {
  const body = { name: 'Benchmark', url: receiver.origin, events: ['lead.created'] };
  const answer = await post(`${server.origin}${tenant.path}/webhooks`, { 'X-API-Key': tenant.key }, body);
  if (answer.status !== 201) console.error(`no subscriber: ${answer.status} ${await answer.text()}`);
  return answer.status === 201;
}

const post = (url, headers, body) =>
  fetch(url, { method: 'POST', headers: { ...headers, ...json }, body: JSON.stringify(body) });

/** Waits until the receiver has had as many events as requests were answered, and no more are coming. */
function deliveriesTo(receiver) {
  const count = async () => Number(await (await fetch(`${receiver.origin}/count`)).text());
  let before = 0;
  return async (sent) => {
    const deadline = Date.now() + settleTimeoutMs;
    let received = await count();
    for (let last = -1; received - before < sent || received !== last; ) {
      if (Date.now() > deadline)
        throw new Error(`${sent} events, but only ${received - before} were delivered`);
      await sleep(settlePollMs);
      last = received;
      received = await count();
    }
    before = received;
  };
}

/** The driver's own insertMany in the baseline's process: no HTTP, no load generator. */
async function measureInsertMany(baseline, { connections, seconds }) {
  const cpuBefore = cpuSeconds(baseline.pids());
  const url = `${baseline.origin}/insert-many?rows=${bulkRows}&seconds=${seconds}&parallel=${connections}`;
  const { batches, elapsedSeconds, p50, p99 } = await (await fetch(url, { method: 'POST' })).json();
  return {
    requestsPerSecond: batches / elapsedSeconds,
    p50,
    p99,
    ...cpuSince(cpuBefore, baseline.pids(), batches),
    errors: 0,
    megabytes: residentMegabytes(baseline.pids()),
  };
}
