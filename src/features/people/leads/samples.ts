import type { Context } from '../../../context.ts';
import type { Samples, SampleWorld } from '../../../feature.ts';
import { createLead } from './service.ts';

export async function sampleLeads(ctx: Context, { caller, memberId }: SampleWorld): Promise<Samples> {
  const inputs = [
    { name: 'Rahul Sharma', mobileNumber: '+919876543210', status: 'new', tags: ['vip'], source: 'website' },
    {
      name: 'Priya Nair',
      mobileNumber: '+919876543211',
      status: 'contacted',
      source: 'referral',
      assignedTo: memberId,
    },
    { name: 'Arjun Mehta', mobileNumber: '+919876543212', status: 'interested', email: 'arjun@example.com' },
  ];
  const leads = [];
  // One after another, so that a list shows them in this order.
  for (const input of inputs) leads.push((await createLead(ctx, caller, input)).record._id);
  return { leads };
}
