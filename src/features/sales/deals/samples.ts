import type { Context } from '../../../context.ts';
import type { Samples, SampleWorld } from '../../../feature.ts';
import { defaultPipelineOf } from '../boards/board.ts';
import { createDeal } from './service.ts';

export async function sampleDeals(ctx: Context, { caller, memberId, made }: SampleWorld): Promise<Samples> {
  const { stages } = await defaultPipelineOf(ctx, caller.workspace._id);
  const inputs = [
    {
      title: 'Office floor for Mehta Group',
      value: 12_500_000,
      stageId: stages.at(1)?.stageId,
      companyId: made.companies?.at(0)?.toHexString(),
      expectedCloseDate: '2027-03-31',
    },
    { title: 'Flat for Priya Nair', value: 9_800_000, leadId: made.leads?.at(1)?.toHexString() },
  ];
  const deals = [];
  for (const input of inputs)
    deals.push((await createDeal(ctx, caller, { ...input, assignedTo: memberId })).record._id);
  return { deals };
}
