import type { Context } from '../../../context.ts';
import type { Samples, SampleWorld } from '../../../feature.ts';
import { createContact } from './service.ts';

export async function sampleContacts(ctx: Context, { caller }: SampleWorld): Promise<Samples> {
  const { record } = await createContact(ctx, caller, {
    name: 'Kavya Rao',
    mobileNumber: '+919876543220',
    email: 'kavya@example.com',
  });
  return { contacts: [record._id] };
}
