import type { mongo } from 'mongoose';
import type { Context } from '../context.ts';
import { duplicate } from '../lib/errors.ts';
import type { ObjectId } from '../lib/ids.ts';
import { normalisePhone } from '../lib/phone.ts';
import type { Workspace } from '../tenancy/workspaces/model.ts';
import type { DeclaredEntity } from './entity/entity.ts';
import type { EntityTypes } from './entity/types.ts';

/** The record with this value of a unique field that is not archived. @throws Error for a field that is not unique */
export async function findLive<X extends EntityTypes>(
  ctx: Context,
  entity: DeclaredEntity<X>,
  workspaceId: ObjectId,
  field: string,
  value: unknown,
): Promise<X['document'] | null> {
  const unique = entity.uniqueFields.find((one) => one.field === field);
  if (!unique) throw new Error(`${entity.label}.${field} is not unique`);
  const filter = { [field]: value, archived: false } as mongo.Filter<X['document']>;
  return entity.collection(ctx.db).findOne(workspaceId, filter, { hint: unique.index });
}

/** The same by a phone number, written in any way. */
export async function findLiveByPhone<X extends EntityTypes & { document: { mobileE164?: string } }>(
  ctx: Context,
  entity: DeclaredEntity<X>,
  workspace: Workspace,
  phone: string,
): Promise<X['document'] | null> {
  const normalised = normalisePhone(phone, workspace.defaultCountry);
  return normalised ? findLive(ctx, entity, workspace._id, 'mobileE164', normalised) : null;
}

/**
 * The error for a record that broke a unique rule, naming the one that is in the way.
 * @param broken the fields of the index that refused it
 * @param values what the record was to have
 */
export async function duplicateError<X extends EntityTypes>(
  ctx: Context,
  entity: DeclaredEntity<X>,
  workspaceId: ObjectId,
  broken: string[],
  values: Record<string, unknown>,
): Promise<Error> {
  const unique = entity.uniqueFields.find(({ field }) => broken.includes(field));
  const message = unique?.message ?? `Duplicate ${entity.label.toLowerCase()} found`;
  if (!unique) return duplicate(message);
  const { field } = unique;
  const value = values[field];
  const existing = value === undefined ? null : await findLive(ctx, entity, workspaceId, field, value);
  if (!existing) return duplicate(message);
  const { _id: id, [field]: shared, name, createdAt } = entity.present(existing);
  return duplicate(message, {
    [`${entity.name}Id`]: id,
    ...(shared === undefined ? {} : { [field]: shared }),
    name,
    createdAt,
  });
}
