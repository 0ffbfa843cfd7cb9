import { Schema } from 'mongoose';
import { z } from 'zod';
import { withoutUndefined } from '../../../lib/clean.ts';
import { invalid } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { dateTimeOut, shortText } from '../../../lib/schemas.ts';
import { field } from '../../../records/entity/field.ts';

/** A step on a deal's way. They stand in their pipeline's document, in their order. */
export interface Stage {
  stageId: string;
  name: string;
  description?: string;
  color: string;
  /** Of a deal that enters it, in percent. */
  probability: number;
  isWon: boolean;
  isLost: boolean;
  createdAt: Date;
  updatedAt: Date;
  /** User id of who added it to its pipeline. */
  createdBy?: string | undefined;
  /** It is being removed: what would enter it enters another stage. */
  closing?: Closing;
}

/** Where deals go instead, and since when; without a place there must be none. */
export interface Closing {
  moveTo?: string | undefined;
  at: Date;
  /** The job that sees it through. */
  jobId: ObjectId;
}

const stagesMax = 50;
const defaultColor = '#3B82F6';

const parts = {
  name: shortText,
  description: shortText.nullish(),
  color: z.string().regex(/^#[0-9a-f]{6}$/i, 'Must be a color such as #3B82F6'),
  probability: z.number().min(0).max(100).describe('Of a deal that enters the stage, in percent'),
  isWon: z.boolean().describe('A deal that enters the stage is won'),
  isLost: z.boolean().describe('A deal that enters the stage is lost'),
};
const { name, ...others } = parts;

const position = z.int().min(1).describe('From 1 on; beyond the last is the end').optional();

export const stageInput = z.object({ name, ...z.object(others).partial().shape }).meta({ id: 'StageInput' });
export const newStage = stageInput.extend({ position }).meta({ id: 'NewStageInput' });
export const stagePatch = z
  .object({ ...z.object(parts).partial().shape, position })
  .meta({ id: 'StagePatch' });

const stagesGiven = z
  .array(
    stageInput
      .extend({ stageId: z.string().optional().describe('Of a stage that is there already') })
      .meta({ id: 'PipelineStageInput' }),
  )
  .min(1)
  .max(stagesMax);

export const stageOut = z
  .object({
    stageId: z.string(),
    name: z.string(),
    description: z.string().optional(),
    color: z.string(),
    position: z.int(),
    probability: z.number(),
    isWon: z.boolean(),
    isLost: z.boolean(),
    isBeingRemoved: z.boolean().optional(),
    createdAt: dateTimeOut,
    updatedAt: dateTimeOut,
  })
  .meta({ id: 'Stage' });

export type StageInput = z.output<typeof stageInput>;
type GivenStage = z.output<typeof stagesGiven>[number];
type StageOut = z.output<typeof stageOut>;

export const presentStage = (stage: Stage, index: number): StageOut => ({
  stageId: stage.stageId,
  name: stage.name,
  description: stage.description,
  color: stage.color,
  position: index + 1,
  probability: stage.probability,
  isWon: stage.isWon,
  isLost: stage.isLost,
  isBeingRemoved: stage.closing ? true : undefined,
  createdAt: stage.createdAt.toISOString(),
  updatedAt: stage.updatedAt.toISOString(),
});

const describe =
  'In their order. A change gives all of them, those that are there by their stageId; a stage goes by its own operation';

export const stages = () =>
  field<Stage[], GivenStage[], StageOut[], { always: true }>(
    {
      given: stagesGiven,
      shown: z.array(stageOut),
      stored: { type: [Schema.Types.Mixed] },
      type: 'hierarchy',
      describe,
      show: (all) => all.map(presentStage),
    },
    { always: true },
  );

/** The stages of a pipeline whose creator gave none. */
export const initialStages = (now: Date): Stage[] =>
  [
    { name: 'New', color: '#4299E1', probability: 10 },
    { name: 'Pending', color: '#F6AD55', probability: 50 },
    { name: 'Done', color: '#48BB78', probability: 90, isWon: true },
  ].map((stage) => createStage(stage, now));

/** @throws AppError invalid */
export function createStage(given: StageInput, now: Date): Stage {
  const { isWon = false, isLost = false, description } = given;
  return {
    stageId: new ObjectId().toHexString(),
    name: given.name,
    ...(description ? { description } : {}),
    color: given.color ?? defaultColor,
    probability: given.probability ?? (isWon ? 100 : isLost ? 0 : 50),
    isWon,
    isLost,
    createdAt: now,
    updatedAt: now,
  };
}

/** The stage with what a change gives; the same one where that is nothing new. */
export function changeStage(stage: Stage, given: Partial<StageInput>, now: Date): Stage {
  const { description = stage.description, ...rest } = withoutUndefined(given);
  const { description: _, ...kept } = stage;
  const changed = { ...kept, ...(description ? { description } : {}), ...rest } as Stage;
  const isChanged = (Object.keys(parts) as (keyof typeof parts)[]).some((key) => changed[key] !== stage[key]);
  return isChanged ? { ...changed, updatedAt: now } : stage;
}

/** A pipeline's stages after a change that gives all of them. @throws AppError invalid */
export function changeStages(current: Stage[], given: GivenStage[], now: Date): Stage[] {
  const all = given.map(({ stageId, ...stage }, index) => {
    if (stageId === undefined) return createStage(stage, now);
    const known = current.find((one) => one.stageId === stageId.toLowerCase());
    if (!known) throw invalid(`stages.${index}.stageId`, 'Must be a stage of this pipeline');
    return changeStage(known, stage, now);
  });
  if (current.some(({ stageId }) => !all.some((stage) => stage.stageId === stageId)))
    throw invalid('stages', 'A stage goes by POST …/stages/{stageId}/remove; give those that are there');
  return assertStages(all, 'stages.');
}

/** What holds for the stages of one pipeline together. @param path where the input had them @throws AppError invalid */
export function assertStages(all: Stage[], path = ''): Stage[] {
  const at = (index: number, part: string) => (path ? `${path}${index}.${part}` : part);
  if (all.length > stagesMax) throw invalid(path ? 'stages' : 'name', `At most ${stagesMax} stages`);
  const names = new Set<string>();
  const ids = new Set<string>();
  for (const [index, { stageId, name, isWon, isLost }] of all.entries()) {
    if (isWon && isLost) throw invalid(at(index, 'isLost'), 'A stage is won or lost, not both');
    if (ids.has(stageId)) throw invalid(at(index, 'stageId'), 'Given twice');
    if (names.has(name.toLowerCase()))
      throw invalid(at(index, 'name'), 'The pipeline has a stage of that name');
    names.add(name.toLowerCase());
    ids.add(stageId);
  }
  return all;
}
