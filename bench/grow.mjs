import { mediansOf } from './compare.mjs';
import { measureSlot } from './load.mjs';
import { searchIn } from './operations.mjs';
import { buildLead, manyTenants, seedLeads, seedManyTenants, seedTenant } from './seed.mjs';

const warmupSeconds = 3;
const settleMs = 2_000;

/** The same requests while one workspace grows, and then with many workspaces beside it. */
export async function grow(environment, options) {
  const { ctx } = environment;
  const tenant = await seedTenant(ctx);
  const results = [];
  let ids = [];
  for (const size of options.sizes) {
    ids = ids.concat(await seedLeads(ctx, tenant.workspace, size - ids.length, [ctx.db]));
    const asked = sample(ids).map((id) => ({ tenant, id }));
    results.push(...(await measureSize(environment, `${size} leads`, asked, options)));
  }
  const asked = await seedManyTenants(ctx, [ctx.db]);
  const name = `${manyTenants.workspaces} workspaces of ${manyTenants.leadsEach}`;
  results.push(...(await measureSize(environment, name, asked, options)));
  return results;
}

const sampleSize = 1_000;
const sample = (ids) => {
  const step = Math.max(1, Math.floor(ids.length / sampleSize));
  return ids.filter((_, index) => index % step === 0).slice(0, sampleSize);
};

async function measureSize({ server }, size, asked, { rounds, seconds, connections, only }) {
  // Sync leaves out what has not settled.
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const results = [];
  for (const [name, requests] of Object.entries(requestsFor(asked))) {
    if (only.length > 0 && !only.some((wanted) => name.startsWith(wanted))) continue;
    process.stderr.write(`${size}: ${name} `);
    const slot = { connections, requests };
    await measureSlot(server, { ...slot, seconds: Math.min(warmupSeconds, seconds) });
    const slots = [];
    for (let round = 0; round < rounds; round++) {
      slots.push(await measureSlot(server, { ...slot, seconds }));
      process.stderr.write('.');
    }
    process.stderr.write('\n');
    const errors = slots.reduce((sum, slot) => sum + slot.errors, 0);
    results.push({ name, size, ...mediansOf(slots), errors });
  }
  return results;
}

function requestsFor(asked) {
  const to = (pathOf) =>
    asked.map(({ tenant, id }) => ({
      method: 'GET',
      path: `${tenant.path}${pathOf(id)}`,
      headers: { 'X-API-Key': tenant.key },
    }));
  return {
    get: to((id) => `/leads/${id}`),
    list: to(() => '/leads?limit=10'),
    'filtered list': to(() => '/leads?limit=10&status=contacted'),
    search: asked.map(({ tenant }) => searchIn(tenant, { 'X-API-Key': tenant.key })),
    sync: to(() => '/leads/sync?limit=100'),
    create: asked.map(({ tenant }) => ({
      method: 'POST',
      path: `${tenant.path}/leads`,
      headers: { 'X-API-Key': tenant.key, 'Content-Type': 'application/json' },
      setupRequest: (request) => ({ ...request, body: JSON.stringify(buildLead()) }),
    })),
  };
}
