import { recordId, reference } from './kinds.ts';

/** What a record shows of its merge into another; for entities whose records can be merged. */
export const mergeFields = (entity: string) => ({
  mergedInto: reference(entity, {
    managed: true,
    describe: `The ${entity} that this one became part of; all that pointed here points there`,
  }),
  mergeJobId: recordId({ managed: true, describe: 'The job that has all that pointed here point there' }),
});
