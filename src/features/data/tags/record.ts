import { z } from 'zod';
import { type DocumentOf, entity } from '../../../records/entity/entity.ts';
import { internal, recordId, text } from '../../../records/entity/kinds.ts';
import type { Author } from '../../../tenancy/actor.ts';

/** What a change of the tag still owes to the records that bear it. */
export interface Carry {
  /** What they may still call it, in lower case. */
  names: string[];
  /** Who changed it. */
  author: Omit<Author, 'workspaceId'>;
}

/** A tag as the workspace knows it; its records keep its name. */
export const tagEntity = entity({
  name: 'tag',
  path: '/tags',
  right: 'structure.change',
  bulk: true,
  fields: {
    name: text({ required: true, search: true, describe: 'No two tags have the same name in any case' }),
    color: text({ filter: true }),
    description: text(),
    /**
     * The names that are the tag's in lower case: its own, and those that records are still being rid of. They stay
     * while it is archived until no record bears them any more, so that a new tag of that name begins without records.
     */
    keys: internal<string[]>(),
    carry: internal<Carry>(),
    jobId: recordId({
      managed: true,
      describe: 'The job that carries the last change of the name, or the end of the tag, to the records',
    }),
  },
  events: {
    types: ['tag.created', 'tag.updated', 'tag.deleted'],
    created: 'tag.created',
    updated: (before, after) => [after.archived && !before.archived ? 'tag.deleted' : 'tag.updated'],
  },
  refine: { input: withTagName, patch: withTagName },
  indexes: [
    {
      name: 'unique_name',
      serves: 'the one tag with a name',
      keys: { keys: 1 },
      unique: true,
      having: 'keys',
    },
  ],
});

export type Tag = DocumentOf<typeof tagEntity>;

/** A tag's name is what records bear. */
function withTagName(schema: z.ZodObject): z.ZodType {
  const name = z.string().trim().min(1).max(100);
  return schema.extend({ name: schema.shape.name?.safeParse(undefined).success ? name.optional() : name });
}

/** By which names are the same. */
export const tagKey = (name: string): string => name.toLowerCase();
