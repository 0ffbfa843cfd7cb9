import { measureSlot } from './load.mjs';
import { seedDeals, seedLeads, seedTenant } from './seed.mjs';

const neighbourLeads = 1_000;
const warmupSeconds = 3;

/** How long the first count of a workspace's deals takes, and what another workspace's gets notice of it. */
export async function numbers({ ctx, server }, { sizes, seconds, connections }) {
  const neighbour = await seedTenant(ctx);
  const ids = await seedLeads(ctx, neighbour.workspace, neighbourLeads, [ctx.db]);
  const headers = { 'X-API-Key': neighbour.key };
  const requests = ids.map((id) => ({ method: 'GET', path: `${neighbour.path}/leads/${id}`, headers }));
  const measure = (slotSeconds) => measureSlot(server, { connections, requests, seconds: slotSeconds });
  const rows = [];
  for (const deals of sizes) {
    const [alone, disturbed] = [await seedTenant(ctx), await seedTenant(ctx)];
    for (const { workspace } of [alone, disturbed]) await seedDeals(ctx, workspace, deals);
    await measure(warmupSeconds);
    const first = await timeOf(server, alone);
    const again = await timeOf(server, alone);
    const before = await measure(seconds);
    // Counted while the neighbour is asking all the time.
    const [during, besides] = await Promise.all([measure(seconds), timeOf(server, disturbed)]);
    rows.push({
      deals,
      'first ms': first,
      'again ms': again,
      'first under load ms': besides,
      "neighbour's gets": Math.round(before.requestsPerSecond),
      'while counting': Math.round(during.requestsPerSecond),
      ratio: (during.requestsPerSecond / before.requestsPerSecond).toFixed(2),
    });
  }
  return rows;
}

async function timeOf({ origin }, { path, key }) {
  const startedAt = performance.now();
  const answer = await fetch(`${origin}${path}/deals/metrics`, { headers: { 'X-API-Key': key } });
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
  return Math.round(performance.now() - startedAt);
}
