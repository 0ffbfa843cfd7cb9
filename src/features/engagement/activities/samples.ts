import type { Context } from '../../../context.ts';
import type { Samples, SampleWorld } from '../../../feature.ts';
import { createActivity } from './service.ts';

/** What was said to the first of the leads. */
export async function sampleActivities(ctx: Context, { caller, made }: SampleWorld): Promise<Samples> {
  const [leadId] = made.leads ?? [];
  if (!leadId) return {};
  const { record } = await createActivity(ctx, caller, leadId, {
    type: 'comment',
    description: 'Asked for a sea view, budget 1.2 crore',
  });
  return { activities: [record._id] };
}
