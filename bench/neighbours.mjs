import { EventEmitter, once } from 'node:events';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { storeCredentials } from '../dist/features/messaging/message-providers/service.js';
import { createApiKey } from '../dist/features/platform/api-keys/service.js';
import { median } from './compare.mjs';
import { buildLead, seedLeads, seedTenant } from './seed.mjs';

/**
 * What one workspace's worst does to another's requests. Each attack runs as fast as the default limits of four keys
 * let it, from a process of its own, while a neighbour reads and writes over four connections; quiet and attacked slots
 * take turns in one run. The figure is the neighbour's p99, and the promise that it rises by less than half.
 */
const riseMax = 1.5;

const warmupSeconds = 3;
const neighbourConnections = 4;
const neighbourLeads = 1_000;
const attackerLeads = 10_000;
/** Of 600 requests a minute and key. */
const attackerKeys = 4;
const perSecondOfKey = 10;
/** Until an attack is at its worst, and until it has left nothing behind. */
const [rampMs, settleMs] = [3_000, 2_000];

export async function neighbours(environment, { rounds, seconds, only }) {
  const attacker = await environment.startAttacker();
  const neighbour = await seedNeighbour(environment);
  const results = [];
  for (const [name, prepare] of Object.entries(attacks)) {
    if (only.length > 0 && !only.some((wanted) => name.startsWith(wanted))) continue;
    process.stderr.write(`${name} `);
    const tenant = await seedTenant(environment.ctx);
    const attack = await prepare({
      environment,
      attacker,
      tenant,
      keys: await moreKeys(environment, tenant),
    });
    await measureNeighbour(neighbour, Math.min(warmupSeconds, seconds));
    const slots = [];
    for (let round = 0; round < rounds; round++) {
      const quiet = await measureNeighbour(neighbour, seconds);
      await post(`${attacker.origin}/attack`, { origin: environment.server.origin, ...attack });
      await sleep(rampMs);
      const attacked = await measureNeighbour(neighbour, seconds);
      const { sent, answers } = await post(`${attacker.origin}/stop`);
      await sleep(settleMs);
      slots.push({ quiet, attacked, sent, answers });
      process.stderr.write('.');
    }
    process.stderr.write('\n');
    await attack.end?.();
    results.push(...resultsOf(name, slots));
  }
  await neighbour.close();
  return results;
}

const resultsOf = (attack, slots) =>
  Object.keys(slots[0].quiet.latencies).map((operation) => {
    const p99 = (state) => median(slots.map((slot) => percentile99(slot[state].latencies[operation])));
    const [quiet, attacked] = [p99('quiet'), p99('attacked')];
    return {
      name: `${attack}: ${operation}`,
      quiet,
      attacked,
      rise: attacked / quiet,
      isKept: attacked / quiet < riseMax,
      samples: slots.reduce((sum, slot) => sum + slot.attacked.latencies[operation].length, 0),
      sent: slots.reduce((sum, slot) => sum + slot.sent, 0),
      answers: countsOf(slots.map((slot) => slot.answers)),
      errors: slots.reduce((sum, slot) => sum + slot.quiet.errors + slot.attacked.errors, 0),
    };
  });

/** How often each answer came to the attacker, over all rounds. */
function countsOf(rounds) {
  const counts = {};
  for (const answers of rounds)
    for (const [what, count] of Object.entries(answers)) counts[what] = (counts[what] ?? 0) + count;
  return counts;
}

function percentile99(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? Number.NaN;
}

/** A workspace that minds its own business, with an endpoint for its events. */
async function seedNeighbour(environment) {
  const { ctx, server } = environment;
  const tenant = await seedTenant(ctx);
  const ids = await seedLeads(ctx, tenant.workspace, neighbourLeads, [ctx.db]);
  const arrivals = new EventEmitter().setMaxListeners(0);
  const known = new Set();
  const receiver = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { _id } = JSON.parse(Buffer.concat(chunks).toString());
    known.add(_id);
    arrivals.emit(_id);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const headers = { 'X-API-Key': tenant.key, 'Content-Type': 'application/json' };
  const call = caller(server.origin, headers);
  const url = `http://127.0.0.1:${receiver.address().port}/`;
  await call('POST', `${tenant.path}/webhooks`, { name: 'Bench', url, events: ['contact.created'] });
  return {
    ids,
    path: tenant.path,
    call,
    /** Resolves when the endpoint has the event of the record. */
    arrived: async (id, signal) => known.has(id) || once(arrivals, id, { signal }),
    close: () => new Promise((resolve) => receiver.close(resolve).closeAllConnections()),
  };
}

/** @returns a function that sends one request and gives its answer, over kept connections */
function caller(origin, headers) {
  const agent = new Agent({ keepAlive: true });
  const { hostname: host, port } = new URL(origin);
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const outgoing = httpRequest({ agent, host, port, method, path, headers }, async (response) => {
        const chunks = [];
        for await (const chunk of response) chunks.push(chunk);
        const isFine = response.statusCode < 300;
        resolve({ isFine, text: Buffer.concat(chunks).toString() });
      });
      outgoing.once('error', reject);
      outgoing.end(body && JSON.stringify(body));
    });
}

const eventWaitMaxMs = 30_000;
const eventPauseMs = 100;

/** How long each of the neighbour's requests took, and each of its events from the request to the endpoint. */
async function measureNeighbour({ ids, path, call, arrived }, seconds) {
  const latencies = { get: [], 'list 10': [], create: [], 'event delivered': [] };
  let errors = 0;
  const endsAt = performance.now() + seconds * 1_000;
  const isOver = () => performance.now() >= endsAt;
  const timed = async (operation, send) => {
    const startedAt = performance.now();
    const isFine = await send().catch(() => false);
    if (isFine) latencies[operation].push(performance.now() - startedAt);
    else errors += 1;
  };
  const id = () => ids[Math.floor(Math.random() * ids.length)];
  const ask = async (method, below, body) => (await call(method, `${path}${below}`, body)).isFine;
  const readAndWrite = async () => {
    while (!isOver()) {
      await timed('get', () => ask('GET', `/leads/${id()}`));
      await timed('list 10', () => ask('GET', '/leads?limit=10'));
      await timed('create', () => ask('POST', '/leads', buildLead()));
    }
  };
  const causeEvents = async () => {
    while (!isOver()) {
      await timed('event delivered', async () => {
        const { isFine, text } = await call('POST', `${path}/contacts`, buildContact());
        if (isFine) await arrived(JSON.parse(text).data._id, AbortSignal.timeout(eventWaitMaxMs));
        return isFine;
      });
      await sleep(eventPauseMs);
    }
  };
  await Promise.all([...Array.from({ length: neighbourConnections }, readAndWrite), causeEvents()]);
  return { latencies, errors };
}

/** Keys with the limits that a key has by default. */
async function moreKeys({ ctx }, { workspace }) {
  const keys = [];
  for (let count = 0; count < attackerKeys; count++) {
    const { secrets } = await createApiKey(ctx, workspace._id, 'bench', {
      name: `Attacker ${count}`,
      scopes: [...ctx.scopes],
    });
    keys.push(secrets.apiKey);
  }
  return keys;
}

const json = (key) => ({ 'X-API-Key': key, 'Content-Type': 'application/json' });

/** The requests, each with every key in turn, at the rate that the keys allow. */
const atFullRate = (keys, requests) => ({
  requests: requests.flatMap((request) =>
    keys.map((key) => ({
      ...request,
      headers: json(key),
      body: request.body && JSON.stringify(request.body),
    })),
  ),
  perSecond: keys.length * perSecondOfKey,
  parallel: keys.length,
});

/** As many endpoints as a workspace may have. */
const endpointsOfWorkspace = 100;
const hangingWorkspaces = 8;

const mebibyte = 1_024 * 1_024;

/** As many wrong entries as a body of a MiB has room for. */
const fill = (entry, bytes = mebibyte) =>
  Array(Math.floor((bytes - 1_000) / (JSON.stringify(entry).length + 1))).fill(entry);

const fillObject = (bytes = mebibyte) =>
  Object.fromEntries(
    Array.from({ length: Math.floor((bytes - 1_000) / 14) }, (_, index) => [`k${1e6 + index}`, 1]),
  );

/** Each prepares a hostile workspace and says what it sends. */
const attacks = {
  /** The most filters that are served, over conditions that few records meet together, and more than are served. */
  async filters({ environment, tenant, keys }) {
    await seedLeads(environment.ctx, tenant.workspace, attackerLeads, [environment.ctx.db]);
    const many = Array.from({ length: 200 }, (_, index) => `fields.f${index}=${index}`).join('&');
    const rare = [
      'status=won&tag=nri&source=manual&fields.purpose=own&fields.budget=5950000&q=rahul',
      'tag=vip&q=sharma&fields.purpose=invest&fields.budget=1050000&status=new&sort=updatedAt',
      'createdAfter=2020-01-01T00:00:00.000Z&tag=event&tag=vip&q=asha&fields.purpose=own&sort=-updatedAt',
    ];
    return atFullRate(keys, [
      ...rare.map((query) => ({ method: 'GET', path: `${tenant.path}/leads?limit=100&${query}` })),
      { method: 'GET', path: `${tenant.path}/leads?${many}` },
    ]);
  },

  /** The largest bodies, wrong in as many places as there is room for. */
  async bodies({ tenant, keys }) {
    const lead = buildLead();
    const webhook = { name: 'x', url: 'http://127.0.0.1:9/' };
    return atFullRate(keys, [
      { method: 'POST', path: `${tenant.path}/webhooks`, body: { ...webhook, events: fill('x') } },
      { method: 'POST', path: `${tenant.path}/webhooks`, body: { ...webhook, events: fill(0) } },
      { method: 'POST', path: `${tenant.path}/leads`, body: { ...lead, fields: fillObject() } },
      { method: 'POST', path: `${tenant.path}/leads`, body: { ...lead, tags: fill({}) } },
      { method: 'POST', path: `${tenant.path}/leads`, body: fillObject() },
      { method: 'POST', path: `${tenant.path}/leads/bulk`, body: { leads: fill({}, 5 * mebibyte) } },
    ]);
  },

  /** Records as large as they may be, changed and listed, with forty endpoints that want every change. */
  async 'large records'({ environment, attacker, tenant, keys }) {
    const call = caller(environment.server.origin, json(keys[0]));
    for (let index = 0; index < 40; index++) {
      const url = `${attacker.origin}/sink/${index}`;
      await made(call('POST', `${tenant.path}/webhooks`, { name: 'x', url, events: ['lead.updated'] }));
    }
    const ids = [];
    for (let index = 0; index < 20; index++) {
      const fields = Object.fromEntries(
        Array.from({ length: 24 }, (_, at) => [`f${at}`, 'x'.repeat(10_000)]),
      );
      ids.push(await made(call('POST', `${tenant.path}/leads`, { ...buildLead(), fields })));
    }
    return atFullRate(
      keys,
      ids.flatMap((id, index) => [
        {
          method: 'PATCH',
          path: `${tenant.path}/leads/${id}`,
          body: { fields: { f0: `y${index}`.repeat(4_000) } },
        },
        {
          method: 'PATCH',
          path: `${tenant.path}/leads/${id}`,
          body: { fields: { f0: `z${index}`.repeat(4_000) } },
        },
        { method: 'GET', path: `${tenant.path}/leads?limit=100` },
      ]),
    );
  },

  /** Email through a mail server that answers for ever. */
  async tarpits({ environment, attacker, tenant, keys }) {
    const port = Number(await (await fetch(`${attacker.origin}/mail-port`)).text());
    await storeCredentials(environment.ctx, tenant.workspace._id, 'email', {
      host: '127.0.0.1',
      port,
      from: 'attacker@example.com',
    });
    const email = { to: 'somebody@example.com', subject: 'Hello', text: 'Hello' };
    return atFullRate(keys, [{ method: 'POST', path: `${tenant.path}/messages/email`, body: email }]);
  },

  /** 800 endpoints that take a connection and never answer, of as many workspaces as that needs; each change is owed to a hundred. */
  async 'hanging endpoints'({ environment, attacker }) {
    const requests = [];
    for (let count = 0; count < hangingWorkspaces; count++) {
      const { path, key } = await seedTenant(environment.ctx);
      const call = caller(environment.server.origin, json(key));
      for (let index = 0; index < endpointsOfWorkspace; index++) {
        const url = `${attacker.origin}/hang/${count}/${index}`;
        await made(call('POST', `${path}/webhooks`, { name: 'x', url, events: ['contact.created'] }));
      }
      for (let index = 0; index < 100; index++) {
        const body = JSON.stringify(buildContact());
        requests.push({ method: 'POST', path: `${path}/contacts`, headers: json(key), body, index });
      }
    }
    // Each workspace in turn.
    requests.sort((one, other) => one.index - other.index);
    return { requests, perSecond: hangingWorkspaces, parallel: hangingWorkspaces };
  },
};

const buildContact = () => {
  const { name, mobileNumber } = buildLead();
  return { name, mobileNumber };
};

/** The id of what was made. */
async function made(answer) {
  const { isFine, text } = await answer;
  if (!isFine) throw new Error(`The attack can't be prepared: ${text.slice(0, 500)}`);
  return JSON.parse(text).data._id;
}

async function post(url, body) {
  const answer = await fetch(url, { method: 'POST', body: body && JSON.stringify(body) });
  const text = await answer.text();
  return text && JSON.parse(text);
}
