import type { Context } from '../../../context.ts';
import type { Samples, SampleWorld } from '../../../feature.ts';
import { createCustomer } from './service.ts';

/** The last of the leads has bought. */
export async function sampleCustomers(ctx: Context, { caller, made }: SampleWorld): Promise<Samples> {
  const leadId = made.leads?.at(-1);
  if (!leadId) return {};
  const { record } = await createCustomer(ctx, caller, {
    leadId: leadId.toHexString(),
    name: 'Arjun Mehta',
    dealAmount: 9_800_000,
  });
  return { customers: [record._id] };
}
