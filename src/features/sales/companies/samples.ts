import type { Context } from '../../../context.ts';
import type { Samples, SampleWorld } from '../../../feature.ts';
import { createCompany } from './service.ts';

export async function sampleCompanies(ctx: Context, { caller, memberId }: SampleWorld): Promise<Samples> {
  const { record: group } = await createCompany(ctx, caller, {
    name: 'Mehta Group',
    domain: 'mehta.example',
    industry: 'Textiles',
    employees: 1_200,
    assignedTo: memberId,
  });
  const { record: subsidiary } = await createCompany(ctx, caller, {
    name: 'Mehta Logistics',
    domain: 'logistics.mehta.example',
    industry: 'Logistics',
    parentId: group._id.toHexString(),
  });
  return { companies: [group._id, subsidiary._id] };
}
