import type { Place } from '../boards/board.ts';

/** What a deal's stays in one stage came to. A deal has one for each stage that it was ever in. */
export interface Step {
  pipelineId: string;
  stageId: string;
  /** How many of its stays there ended, and how long these were together. */
  ended: number;
  endedMs: number;
  /** From there it came into a later stage that is not lost, or was won. */
  wentOn: boolean;
}

/** The stages that a deal has been in; nobody goes through more on purpose, and the first ones are forgotten then. */
const stepsMax = 100;

interface Before {
  path?: Step[];
  stageId: string;
  stageEnteredAt: Date;
}

/** A deal's path with the stage that it enters now. @param before the deal that leaves a stage for it, unless it is new */
export function pathInto({ pipeline, stage }: Place, now: Date, before?: Before): Step[] {
  const { _id, stages } = pipeline;
  const pipelineId = _id.toHexString();
  const position = new Map(stages.map(({ stageId }, index) => [stageId, index]));
  const entered = position.get(stage.stageId) ?? 0;
  const steps = (before?.path ?? []).map((step): Step => {
    const isLater =
      step.pipelineId === pipelineId && entered > (position.get(step.stageId) ?? Number.POSITIVE_INFINITY);
    const wentOn = step.wentOn || stage.isWon || (isLater && !stage.isLost);
    if (!before || step.stageId !== before.stageId) return { ...step, wentOn };
    const stayedMs = Math.max(0, now.getTime() - before.stageEnteredAt.getTime());
    return { ...step, wentOn, ended: step.ended + 1, endedMs: step.endedMs + stayedMs };
  });
  if (!steps.some(({ stageId }) => stageId === stage.stageId)) {
    steps.push({ pipelineId, stageId: stage.stageId, ended: 0, endedMs: 0, wentOn: stage.isWon });
  }
  return steps.slice(-stepsMax);
}

/** The path of a deal that is won where it is. */
export const pathWon = (path: Step[] = []): Step[] => path.map((step) => ({ ...step, wentOn: true }));
