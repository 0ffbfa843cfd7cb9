import type { Context } from '../context.ts';
import type { ObjectId } from '../lib/ids.ts';
import type { Author } from '../tenancy/actor.ts';
import { entitiesOf } from './entity/all.ts';
import { facet } from './facets.ts';
import type { Entity, RecordDocument } from './record.ts';
import { updateRecord } from './update.ts';

/** A record as others refer to it. */
export interface Referred {
  /** Its entity's name. */
  type: string;
  id: ObjectId;
}

/** Records that may refer to records of some entity. */
export interface ReferenceHolder {
  /** Tells it from all others, from version to version. */
  readonly name: string;
  readonly entity: Entity<RecordDocument>;
  /** What finds those that refer to this one; undefined where they refer to others only. */
  facet(to: Referred): string | undefined;
  /** Has one of them refer to another record; does nothing where it does already. */
  repoint(
    ctx: Context,
    author: Author,
    record: RecordDocument,
    from: Referred,
    to: ObjectId,
  ): Promise<unknown>;
}

/** Archived records are kept in step as well; and what a reference adds to a record is no reason to refuse it. */
export const repointing = { isArchivedToo: true, isMark: true } as const;

/** Every place that refers to other records: the fields that say so, save those for which a feature has rules, and what features name. */
export function holdersOf(ctx: Context): ReferenceHolder[] {
  const named = ctx.features.flatMap(({ references = [] }) => references);
  const names = new Set(named.map(({ name }) => name));
  const declared = entitiesOf(ctx).flatMap((entity) =>
    Object.entries(entity.fields).flatMap(([field, { refersTo }]) =>
      refersTo ? [holderOf(entity, field, refersTo)] : [],
    ),
  );
  return [...declared.filter(({ name }) => !names.has(name)), ...named];
}

/** `<entity>.<field>`. */
const holderOf = (
  entity: Entity<RecordDocument> & { name: string },
  field: string,
  refersTo: string,
): ReferenceHolder => ({
  name: `${entity.name}.${field}`,
  entity,
  facet: ({ type, id }) => (type === refersTo ? facet(field, id.toHexString()) : undefined),
  repoint: (ctx, author, record, { id }, to) =>
    updateRecord(
      ctx,
      entity,
      author,
      record._id,
      (current) =>
        (current as unknown as Record<string, unknown>)[field] === id.toHexString()
          ? { set: { [field]: to.toHexString() } }
          : undefined,
      { ...repointing, known: record },
    ),
});
