import type { Context } from '../../context.ts';
import type { Pipeline } from '../../features/sales/boards/record.ts';
import type { Stage } from '../../features/sales/boards/stages.ts';
import { dealMetrics } from '../../features/sales/deal-numbers/metrics.ts';
import { mainCurrency, noSums, numberIn, type Sums } from '../../features/sales/deal-numbers/sums.ts';
import type { Workspace } from '../../tenancy/workspaces/model.ts';

/** How many opportunities a pipeline, or one of its stages, has and what they are worth, closed ones too. */
export type StageTotals = (pipeline: Pipeline, stage?: Stage) => { count: number; value: number };

/** They lag behind by some seconds at most. @throws AppError unavailable while they are counted for the first time */
export async function stageTotals(ctx: Context, workspace: Workspace): Promise<StageTotals> {
  const { summary, pipelines, stages } = await dealMetrics(ctx, workspace._id, {});
  const currency = mainCurrency(summary.all, workspace.currency);
  return (pipeline, stage) => {
    const known: Sums | undefined = stage
      ? stages.find((one) => one.stage.stageId === stage.stageId)?.deals
      : pipelines.find((one) => one.pipeline._id.equals(pipeline._id))?.all;
    const { count, value } = known ?? noSums();
    return { count, value: numberIn(value, currency) };
  };
}
