import { type DocumentOf, type EntityTypesOf, entity } from '../../../records/entity/entity.ts';
import { flag, internal, longText, text } from '../../../records/entity/kinds.ts';
import { type Closing, stages } from './stages.ts';

/** The way that deals of one sort go: its stages stand in it, in their order. */
export const pipelineEntity = entity({
  name: 'pipeline',
  path: '/pipelines',
  module: 'deals',
  scopes: { read: 'deal.read', write: 'deal.write' },
  right: 'structure.change',
  fields: {
    name: text({ required: true, search: true }),
    description: longText(),
    stages: stages(),
    isDefault: flag({
      initial: false,
      given: 'later',
      filter: true,
      describe: 'Where deals begin that name no pipeline; true takes it from the one that has it',
    }),
    createdBy: text({ managed: true, describe: 'User id of who made it, or made the key that did' }),
    /** Stands exactly while it is the default, of which a workspace has one. */
    defaultKey: text({ hidden: true, unique: { index: 'unique_default', reason: 'Duplicate default' } }),
    /** Stages that are gone → those that took their deals; so a late one finds its way. */
    formerStages: internal<Record<string, string>>(),
    /** It is being archived: no deal becomes open in it. `moveTo` is a stage of another. */
    closing: internal<Closing>(),
  },
});

export type Pipeline = DocumentOf<typeof pipelineEntity>;
export type PipelineTypes = EntityTypesOf<typeof pipelineEntity>;

/** The value of `defaultKey`. */
export const isTheDefault = 'default';
