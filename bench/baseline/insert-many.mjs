import { leadDocument, ObjectId } from './documents.mjs';

const workspaceId = new ObjectId();
let leadsBuilt = 0;

/** The same documents as the server's bulk route stores, by `parallel` loops of insertMany. */
export async function insertManyLoop(leads, { rows, seconds, parallel }) {
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  const durations = [];
  const loop = async () => {
    while (performance.now() < until) {
      const documents = Array.from({ length: rows }, () => leadDocument(workspaceId, buildLead()));
      const sentAt = performance.now();
      await leads.insertMany(documents, { ordered: false });
      durations.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: parallel }, loop));
  durations.sort((a, b) => a - b);
  const percentile = (share) => Math.round(durations[Math.floor(durations.length * share)] ?? 0);
  return {
    batches: durations.length,
    elapsedSeconds: (performance.now() - startedAt) / 1_000,
    p50: percentile(0.5),
    p99: percentile(0.99),
  };
}

const tags = ['vip', 'hot', 'cold', 'investor', 'first-home', 'nri', 'repeat', 'event'];
const statuses = ['new', 'contacted', 'interested', 'lost', 'won'];

function buildLead() {
  const index = leadsBuilt++;
  return {
    name: `First${index % 10} Last${(index >> 3) % 8}`,
    mobileNumber: `+9180${String(10_000_000 + index).padStart(8, '0')}`,
    email: `lead.${index}@example.com`,
    company: `Company ${index % 500}`,
    city: 'Mumbai',
    status: statuses[index % statuses.length],
    source: 'website',
    tags: [tags[index % tags.length], 'seeded'],
    fields: { budget: 1_000_000 + (index % 100) * 50_000, purpose: 'own' },
  };
}
