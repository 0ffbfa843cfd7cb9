import type { Context } from './context.ts';
import { createActivity } from './features/engagement/activities/service.ts';
import { createTask } from './features/engagement/tasks/service.ts';
import { createContact } from './features/people/contacts/service.ts';
import { createCustomer } from './features/people/customers/service.ts';
import { createLead } from './features/people/leads/service.ts';
import { createApiKey } from './features/platform/api-keys/service.ts';
import { createProperty } from './features/sales/properties/service.ts';
import { randomToken } from './lib/crypto.ts';
import type { Caller } from './records/api/service.ts';
import { createUser, findUserByEmail } from './tenancy/accounts/users.ts';
import type { Actor } from './tenancy/actor.ts';
import { scopes } from './tenancy/actor.ts';
import { createMember } from './tenancy/members/service.ts';
import { createWorkspace } from './tenancy/workspaces/service.ts';

/** What a person needs to try the demo workspace; the password and the key are known only now. */
export interface Demo {
  workspaceId: string;
  email: string;
  password: string;
  apiKey: string;
}

const email = 'demo@example.com';

/**
 * On the first start over a database: a workspace with sample records, an admin and an API key. The admin's account
 * comes last and marks the demo as made, so that a start that died half-way is made good by the next one.
 * @returns undefined when the demo exists already
 */
export async function createDemo(ctx: Context): Promise<Demo | undefined> {
  if (await findUserByEmail(ctx, email)) return undefined;
  const workspace = await createWorkspace(ctx, 'Demo Realty');
  const { apiKey, secrets } = await createApiKey(ctx, workspace._id, 'demo', {
    name: 'Demo key',
    scopes: [...scopes],
  });
  const actor: Actor = {
    kind: 'apiKey',
    id: apiKey._id.toHexString(),
    workspaceId: workspace._id,
    scopes: new Set(scopes),
    limits: ctx.config.rateLimit,
  };
  await createSamples(ctx, { actor, workspace });
  const password = randomToken(9);
  await createUser(ctx, { name: 'Demo Admin', email, password });
  await createMember(ctx, workspace._id, { name: 'Demo Admin', email, role: 'admin' });
  return { workspaceId: workspace._id.toHexString(), email, password, apiKey: secrets.apiKey };
}

async function createSamples(ctx: Context, caller: Caller): Promise<void> {
  const agent = await createMember(ctx, caller.workspace._id, {
    name: 'Meera Iyer',
    email: `meera.${caller.workspace._id.toHexString()}@example.com`,
    role: 'agent',
    phone: '+919820012345',
  });
  const assignedTo = agent.userId.toHexString();
  const samples = [
    { name: 'Rahul Sharma', mobileNumber: '+919876543210', status: 'new', tags: ['vip'], source: 'website' },
    {
      name: 'Priya Nair',
      mobileNumber: '+919876543211',
      status: 'contacted',
      source: 'referral',
      assignedTo,
    },
    { name: 'Arjun Mehta', mobileNumber: '+919876543212', status: 'interested', email: 'arjun@example.com' },
  ];
  const leads = [];
  for (const sample of samples) leads.push((await createLead(ctx, caller, sample)).record);
  const [rahul, , arjun] = leads;
  if (rahul) {
    await createActivity(ctx, caller, rahul._id, {
      type: 'comment',
      description: 'Asked for a sea view, budget 1.2 crore',
    });
  }
  await createProperty(ctx, caller, {
    title: 'Ocean Breeze Apartments',
    price: 12_500_000,
    currency: 'INR',
    propertyType: 'Apartment',
    salesType: ['sale'],
    subtype: '3BHK',
    city: 'Mumbai',
    state: 'Maharashtra',
    country: 'India',
    area: 'Worli',
    towers: [{ towerId: 'A', name: 'Tower A' }],
    units: [
      { unitId: 'A-402', unitNumber: '402', tower: 'A', status: 'available', price: 12_500_000 },
      { unitId: 'A-403', unitNumber: '403', tower: 'A', status: 'sold', price: 12_900_000 },
    ],
  });
  await createContact(ctx, caller, {
    name: 'Kavya Rao',
    mobileNumber: '+919876543220',
    email: 'kavya@example.com',
  });
  if (arjun) {
    await createCustomer(ctx, caller, {
      leadId: arjun._id.toHexString(),
      name: arjun.name,
      dealAmount: 9_800_000,
    });
  }
  await createTask(ctx, caller, {
    title: 'Call Rahul about the site visit',
    assignedTo,
    status: 'TODO',
    priority: 'High',
  });
}
