import { z } from 'zod';
import type { Pipeline } from '../../features/sales/boards/record.ts';
import type { Stage } from '../../features/sales/boards/stages.ts';
import { longText, shortText } from '../../lib/schemas.ts';
import { toUuid } from '../../lib/uuid.ts';
import { clearable, optional, timeOut, uuidOf, uuidOut, workspaceGiven } from './schema.ts';
import type { StageTotals } from './totals.ts';

/** Pipelines and their stages between this contract's words and the native ones. */

const color = z.string().regex(/^#[0-9a-f]{6}$/i, 'Must be a color such as #3B82F6');
const defaultColor = '#3B82F6';
const percent = z.number().min(0).max(100);
const defaultProbability = 50;
const position = z.int().min(1).describe('From 1 on; beyond the last is the end');

export const stageInput = z
  .object({
    name: shortText,
    description: optional(shortText),
    color: optional(color).describe(`${defaultColor} unless it is given`),
    pipeline_id: z.string().max(100),
    default_probability: optional(percent).describe(`${defaultProbability} unless it is given`),
    position: optional(position),
    is_won_stage: optional(z.boolean()),
    is_lost_stage: optional(z.boolean()),
    workspace_id: optional(workspaceGiven),
  })
  .meta({ id: 'StageInput' });

export const stageChanges = z
  .object({
    name: optional(shortText),
    description: clearable(shortText),
    color: optional(color),
    default_probability: optional(percent),
    position: optional(position),
    is_won_stage: optional(z.boolean()),
    is_lost_stage: optional(z.boolean()),
    workspace_id: optional(workspaceGiven),
  })
  .meta({ id: 'StageChanges' });

export const pipelineInput = z
  .object({
    name: shortText,
    description: optional(longText),
    workspace_id: optional(workspaceGiven),
  })
  .meta({ id: 'PipelineInput' });

export const pipelineChanges = z
  .object({
    name: optional(shortText),
    description: clearable(longText),
    is_active: optional(z.boolean()).describe('false is what DELETE does, true undoes it'),
    workspace_id: optional(workspaceGiven),
  })
  .meta({ id: 'PipelineChanges' });

export const stageOut = z
  .object({
    id: uuidOut,
    pipeline_id: uuidOut,
    workspace_id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    position: z.int(),
    color: z.string(),
    default_probability: z.number(),
    is_won_stage: z.boolean(),
    is_lost_stage: z.boolean(),
    opportunity_count: z.int(),
    total_value: z.number(),
    created_at: timeOut,
    updated_at: timeOut,
    created_by: uuidOut.nullable(),
    pipeline: z.object({ id: uuidOut, name: z.string() }),
  })
  .meta({ id: 'Stage' });

export const pipelineOut = z
  .object({
    id: uuidOut,
    name: z.string(),
    description: z.string().nullable(),
    workspace_id: z.string(),
    is_default: z.boolean(),
    is_active: z.boolean(),
    created_at: timeOut,
    updated_at: timeOut,
    created_by: uuidOut.nullable(),
    opportunity_count: z.int(),
    total_value: z.number(),
    stages: z.array(stageOut),
  })
  .meta({ id: 'Pipeline' });

/** What a new stage is made of. */
export const toNativeStage = (given: z.output<typeof stageInput>) => ({
  name: given.name,
  description: given.description,
  color: given.color ?? defaultColor,
  probability: given.default_probability ?? defaultProbability,
  position: given.position,
  isWon: given.is_won_stage ?? false,
  isLost: given.is_lost_stage ?? false,
});

/** What a change of a stage gives; an empty description is none. */
export const toNativeStageChanges = (given: z.output<typeof stageChanges>) => ({
  name: given.name,
  description: given.description === null ? '' : given.description,
  color: given.color,
  probability: given.default_probability,
  position: given.position,
  isWon: given.is_won_stage,
  isLost: given.is_lost_stage,
});

export function toStage(stage: Stage, pipeline: Pipeline, totals: StageTotals): z.output<typeof stageOut> {
  const { count, value } = totals(pipeline, stage);
  return {
    id: uuidOf(stage.stageId) ?? '',
    pipeline_id: toUuid(pipeline._id),
    workspace_id: pipeline.workspaceId.toHexString(),
    name: stage.name,
    description: stage.description ?? null,
    position: pipeline.stages.indexOf(stage) + 1,
    color: stage.color,
    default_probability: stage.probability,
    is_won_stage: stage.isWon,
    is_lost_stage: stage.isLost,
    opportunity_count: count,
    total_value: value,
    created_at: stage.createdAt.toISOString(),
    updated_at: stage.updatedAt.toISOString(),
    created_by: uuidOf(stage.createdBy ?? pipeline.createdBy),
    pipeline: { id: toUuid(pipeline._id), name: pipeline.name },
  };
}

export function toPipeline(
  pipeline: Pipeline,
  totals: StageTotals,
  isDefault = pipeline.isDefault,
): z.output<typeof pipelineOut> {
  const { count, value } = totals(pipeline);
  return {
    id: toUuid(pipeline._id),
    name: pipeline.name,
    description: pipeline.description ?? null,
    workspace_id: pipeline.workspaceId.toHexString(),
    is_default: isDefault,
    is_active: !pipeline.archived,
    created_at: pipeline.createdAt.toISOString(),
    updated_at: pipeline.updatedAt.toISOString(),
    created_by: uuidOf(pipeline.createdBy),
    opportunity_count: count,
    total_value: value,
    stages: pipeline.stages.map((stage) => toStage(stage, pipeline, totals)),
  };
}
