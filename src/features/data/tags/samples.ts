import type { Context } from '../../../context.ts';
import type { Samples, SampleWorld } from '../../../feature.ts';
import { createTag, updateTag } from './service.ts';

/** A tag that has just got a better name, and the job that carries it to the records. */
export async function sampleTags(ctx: Context, { caller }: SampleWorld): Promise<Samples> {
  const { record } = await createTag(ctx, caller, { name: 'investor', color: 'green' });
  const renamed = { ifMatch: undefined, isMergePatch: true };
  const tag = await updateTag(ctx, caller, record._id, { name: 'Investor' }, renamed);
  return { tags: [tag._id], jobs: tag.jobId ? [tag.jobId] : [] };
}
