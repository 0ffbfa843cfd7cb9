import type { Context } from '../../../context.ts';
import type { Samples, SampleWorld } from '../../../feature.ts';
import { createTask } from './service.ts';

export async function sampleTasks(ctx: Context, { caller, memberId }: SampleWorld): Promise<Samples> {
  const { record } = await createTask(ctx, caller, {
    title: 'Call Rahul about the site visit',
    assignedTo: memberId,
    status: 'TODO',
    priority: 'High',
  });
  return { tasks: [record._id] };
}
