import type { Context } from '../../context.ts';
import { type ObjectId, parseId } from '../../lib/ids.ts';
import type { RecordDocument } from '../record.ts';
import type { Field } from './field.ts';
import { entityNamed } from './names.ts';

/** What a reference has to know of the record that it names. */
type Referred = Pick<RecordDocument, '_id' | 'workspaceId' | 'archived'>;

/** The records that bodies refer to, read with one command for each entity, however many bodies there are. */
export interface References {
  find(entity: string, id: ObjectId): Promise<Referred | null>;
}

const projection = { workspaceId: 1, archived: 1 };

/** @param fields of the bodies, which have not been checked yet */
export async function referencesIn(
  ctx: Context,
  workspaceId: ObjectId,
  fields: readonly [string, Field][],
  bodies: readonly unknown[],
): Promise<References> {
  const wanted = new Map<string, Map<string, ObjectId>>();
  for (const [name, { refersTo }] of fields) {
    if (!refersTo) continue;
    const ids = wanted.get(refersTo) ?? new Map<string, ObjectId>();
    wanted.set(refersTo, ids);
    for (const body of bodies) {
      const id = parseId((body as Record<string, unknown> | null | undefined)?.[name]);
      if (id) ids.set(id.toHexString(), id);
    }
  }
  const collectionOf = (entity: string) => ctx.db.tenant<RecordDocument>(entityNamed(entity).collection);
  const found = new Map<string, Map<string, Referred>>();
  await Promise.all(
    [...wanted].map(async ([entity, ids]) => {
      if (ids.size === 0) return;
      const filter = { _id: { $in: [...ids.values()] } };
      const options = { limit: ids.size, hint: '_id_', projection };
      const records = await collectionOf(entity).findPage(workspaceId, filter, options);
      found.set(entity, new Map(records.map((record) => [record._id.toHexString(), record])));
    }),
  );
  return {
    async find(entity, id) {
      const key = id.toHexString();
      if (wanted.get(entity)?.has(key)) return found.get(entity)?.get(key) ?? null;
      return collectionOf(entity).findById(workspaceId, id, { projection });
    },
  };
}
