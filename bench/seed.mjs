import { leadEntity } from '../dist/features/people/leads/record.js';
import { prepareLead } from '../dist/features/people/leads/service.js';
import { createApiKey } from '../dist/features/platform/api-keys/service.js';
import { dealEntity } from '../dist/features/sales/deals/record.js';
import { dealService } from '../dist/features/sales/deals/service.js';
import { ObjectId } from '../dist/lib/ids.js';
import { newRecord } from '../dist/records/insert.js';
import { systemIn } from '../dist/tenancy/actor.js';
import { createWorkspace, discoverMetadata } from '../dist/tenancy/workspaces/service.js';

const comparedLeads = 10_000;
/** The other way to grow than one large workspace. */
export const manyTenants = { workspaces: 1_000, leadsEach: 100 };
const batchSize = 1_000;

const firstNames = ['Asha', 'Rahul', 'Meera', 'Vikram', 'Priya', 'Arjun', 'Divya', 'Karan', 'Neha', 'Rohan'];
const lastNames = ['Sharma', 'Patel', 'Iyer', 'Khan', 'Reddy', 'Gupta', 'Nair', 'Singh'];
const cities = ['Mumbai', 'Pune', 'Delhi', 'Chennai', 'Kochi'];
const statuses = ['new', 'contacted', 'interested', 'lost', 'won'];
const sources = ['website', 'referral', 'manual'];
const tags = ['vip', 'hot', 'cold', 'investor', 'first-home', 'nri', 'repeat', 'event'];

const pick = (list, index) => list[index % list.length];

let leadsBuilt = 0;

/** The body of a lead that no other call returns. */
export function buildLead() {
  const index = leadsBuilt++;
  const name = `${pick(firstNames, index)} ${pick(lastNames, index >> 3)}`;
  return {
    name,
    mobileNumber: `+9170${String(10_000_000 + index).padStart(8, '0')}`,
    email: `lead.${index}@example.com`,
    company: `Company ${index % 500}`,
    city: pick(cities, index >> 1),
    status: pick(statuses, index),
    source: pick(sources, index),
    tags: [pick(tags, index), pick(tags, (index >> 3) + 3)].filter((tag, at, all) => all.indexOf(tag) === at),
    fields: { budget: 1_000_000 + (index % 100) * 50_000, purpose: index % 2 === 0 ? 'own' : 'invest' },
  };
}

/** A workspace with an API key, both of them the server's own. */
export async function seedTenant(ctx) {
  const workspace = await createWorkspace(ctx, 'Benchmark');
  const { apiKey, secrets } = await createApiKey(ctx, workspace._id, 'bench', {
    name: 'Benchmark',
    scopes: [...ctx.scopes],
  });
  return {
    workspace,
    path: `/api/v1/workspaces/${workspace._id.toHexString()}`,
    key: secrets.apiKey,
    clientId: apiKey.clientId,
    clientSecret: secrets.clientSecret,
  };
}

/** Fills a workspace through the server's own making of records, into each of the databases. */
export async function seedLeads(ctx, workspace, count, databases) {
  const ids = [];
  for (let done = 0; done < count; done += batchSize) {
    const records = [];
    for (let index = done; index < Math.min(count, done + batchSize); index++) {
      const fields = await prepareLead(ctx, { workspace }, buildLead());
      // What they owe nobody waits for.
      const {
        owed: _,
        owedSince: _since,
        ...record
      } = await newRecord(ctx, leadEntity, systemIn(workspace._id), fields);
      records.push(record);
    }
    await Promise.all(databases.map((db) => leadEntity.collection(db).insertMany(workspace._id, records)));
    for (const { _id } of records) ids.push(_id.toHexString());
  }
  return ids;
}

const currencies = ['INR', 'INR', 'INR', 'USD'];
const dealTemplates = 1_000;
const dayMs = 86_400_000;
const createdWithinDays = 730;

/** Fills a workspace with deals of two years, made by the server once and then copied under other ids and days. */
export async function seedDeals(ctx, workspace, count) {
  const templates = [];
  for (let index = 0; index < dealTemplates; index++) {
    const draft = {
      title: `${pick(firstNames, index)}'s deal`,
      value: 1_000 + index * 7.25,
      currency: pick(currencies, index),
    };
    const fields = await dealService.prepare(ctx, { workspace }, draft);
    templates.push(await newRecord(ctx, dealEntity, systemIn(workspace._id), fields));
  }
  for (let done = 0; done < count; done += batchSize) {
    const deals = [];
    for (let index = done; index < Math.min(count, done + batchSize); index++) {
      const { owed: _, owedSince: _since, ...template } = pick(templates, index);
      const createdAt = new Date(template.createdAt.getTime() - (index % createdWithinDays) * dayMs);
      const created = `${createdAt.toISOString().slice(0, 10)}${template.tally.created.slice(10)}`;
      const deal = { ...template, _id: new ObjectId(), createdAt, tally: { ...template.tally, created } };
      deals.push(deal);
    }
    await dealEntity.collection(ctx.db).insertMany(workspace._id, deals);
  }
}

/**
 * Two workspaces of equal size, one to read and one to write, so that what is written never shows in what is read; and
 * one whose events somebody wants.
 */
export async function seedComparison({ ctx, baselineDatabase }) {
  const databases = [ctx.db, baselineDatabase];
  const [reads, writes, events] = [await seedTenant(ctx), await seedTenant(ctx), await seedTenant(ctx)];
  // Known tags, as in a workspace that has been in use: discovering one is a write of its own.
  for (const { workspace } of [reads, writes, events]) await learnTags(ctx, workspace);
  await seedDeals(ctx, reads.workspace, comparedLeads);
  return {
    reads: { ...reads, ids: await seedLeads(ctx, reads.workspace, comparedLeads, databases) },
    writes: { ...writes, ids: await seedLeads(ctx, writes.workspace, comparedLeads, databases) },
    events,
  };
}

/** Many workspaces with a lead of each to ask for. */
export async function seedManyTenants(ctx, databases) {
  const seeded = [];
  for (let index = 0; index < manyTenants.workspaces; index++) {
    const tenant = await seedTenant(ctx);
    await learnTags(ctx, tenant.workspace);
    const [id] = await seedLeads(ctx, tenant.workspace, manyTenants.leadsEach, databases);
    seeded.push({ tenant, id });
  }
  return seeded;
}

async function learnTags(ctx, workspace) {
  await discoverMetadata(ctx, workspace, { tags });
  workspace.tags = tags;
}
