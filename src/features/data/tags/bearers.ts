import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { entitiesOf } from '../../../records/entity/all.ts';
import { facet } from '../../../records/facets.ts';
import type { Entity, RecordDocument } from '../../../records/record.ts';

/** A field of some entity that holds tags. */
export interface Bearer {
  entity: Entity<RecordDocument> & { path: string };
  field: string;
}

/** Wherever records bear tags, as their entities declare it. */
export const bearersOf = (ctx: Context): Bearer[] =>
  entitiesOf(ctx).flatMap((entity) =>
    Object.entries(entity.fields)
      .filter(([name, { discovers }]) => discovers === 'tags' && entity.facets[name])
      .map(([field]) => ({ entity, field })),
  );

const countedMax = 100_000;

/** How many live records bear the tag, by the path of their entity; counted up to a hundred thousand each. */
export async function countBearers(
  ctx: Context,
  workspaceId: ObjectId,
  name: string,
): Promise<Record<string, number>> {
  const counts = await Promise.all(
    bearersOf(ctx).map(async ({ entity, field }) => {
      const filter = { archived: false, facets: facet(field, name) };
      const options = { hint: 'filtered_list', limit: countedMax };
      const count = await entity.collection(ctx.db).count(workspaceId, filter, options);
      return [entity.path.slice(1), count] as const;
    }),
  );
  return Object.fromEntries(counts);
}

/** Whether any record bears the tag, archived ones included. */
export async function isBorne(ctx: Context, workspaceId: ObjectId, name: string): Promise<boolean> {
  for (const { entity, field } of bearersOf(ctx)) {
    for (const archived of [false, true]) {
      const filter = { archived, facets: facet(field, name) };
      const options = { hint: 'filtered_list', projection: { _id: 1 } };
      if (await entity.collection(ctx.db).findOne(workspaceId, filter, options)) return true;
    }
  }
  return false;
}
