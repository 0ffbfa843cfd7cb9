import type { Context } from '../../context.ts';
import type { DeclaredEntity } from './entity.ts';
import type { EntityTypes } from './types.ts';

/** Every entity that the features declare, for what is done with the records of all of them alike. */
export const entitiesOf = ({ features }: Context): DeclaredEntity<EntityTypes>[] =>
  // What an entity's own functions take, its own records are.
  features.flatMap(({ entities = [] }) => entities as unknown as DeclaredEntity<EntityTypes>[]);
