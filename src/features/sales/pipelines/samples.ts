import type { Context } from '../../../context.ts';
import type { Samples, SampleWorld } from '../../../feature.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { defaultPipelineOf } from '../boards/board.ts';

/** The pipeline that every workspace begins with, and its stages. */
export async function samplePipelines(ctx: Context, { caller }: SampleWorld): Promise<Samples> {
  const { _id, stages } = await defaultPipelineOf(ctx, caller.workspace._id);
  return { pipelines: [_id], stages: stages.map(({ stageId }) => new ObjectId(stageId)) };
}
