import type { Context } from '../../context.ts';
import { invalid } from '../../lib/errors.ts';
import type { Workspace } from '../../tenancy/workspaces/model.ts';
import { discoverMetadata } from '../../tenancy/workspaces/service.ts';
import { type Change, changeOf } from '../change.ts';
import type { Managed } from '../record.ts';
import type { DeclaredEntity } from './entity.ts';
import type { Field, Fields, Place } from './field.ts';
import { type References, referencesIn } from './references.ts';
import type { EntityTypes } from './types.ts';

/** How what a body gives becomes what is stored: each value's check against the workspace, then its stored form. */

export type Body = Record<string, unknown>;

/** The fields of which more is to be done than to store what was given. */
export const activeFieldsOf = (fields: Fields): [string, Field][] =>
  Object.entries(fields).filter(
    ([, { check, keep, reach, derived, discovers, stored, options }]) =>
      check ||
      keep ||
      reach ||
      derived ||
      discovers ||
      !stored ||
      options.given === 'once' ||
      'initial' in options,
  );

/** The fields of a new record. @param known what the body refers to, where it was read before. @throws AppError invalid */
export async function prepareFields<X extends EntityTypes>(
  ctx: Context,
  entity: DeclaredEntity<X>,
  workspace: Workspace,
  body: Body,
  known?: References,
): Promise<Omit<X['document'], Managed>> {
  const references = known ?? (await referencesIn(ctx, workspace._id, entity.activeFields, [body]));
  await checkFields(ctx, entity, { workspace, references, mode: 'create' }, body);
  const prepared = { ...body };
  for (const [name, field] of entity.activeFields) {
    const place: Place = { workspace, references, entity: entity.name, field: name, mode: 'create' };
    const value = body[name] ?? initialOf(field, workspace);
    if (!field.stored) delete prepared[name];
    else if (field.derived) prepared[name] = derive(field.derived, body, workspace);
    else prepared[name] = field.keep && value !== undefined ? field.keep(value, place, body) : value;
  }
  return prepared as Omit<X['document'], Managed>;
}

/** What a body changes, and what it restates of what never changes. @throws AppError invalid */
export async function changeFields<X extends EntityTypes>(
  ctx: Context,
  entity: DeclaredEntity<X>,
  workspace: Workspace,
  body: Body,
  isMergePatch: boolean,
): Promise<{ change: Required<Change>; restated: Body }> {
  const references = await referencesIn(ctx, workspace._id, entity.activeFields, [body]);
  await checkFields(ctx, entity, { workspace, references, mode: 'change' }, body);
  const change = changeOf(body, { isMergePatch, map: entity.map });
  const restated: Body = {};
  for (const [name, field] of entity.activeFields) {
    const place: Place = { workspace, references, entity: entity.name, field: name, mode: 'change' };
    const { derived, keep, reach, options } = field;
    const isFixed = options.given === 'once';
    if (!derived && !keep && !reach && !isFixed) continue;
    if (derived && body[derived.from] === null) change.unset.push(name);
    const value = derived ? derive(derived, body, workspace) : body[name];
    if (value === undefined || value === null) continue;
    // What is merged stays a patch until there is something to merge it into.
    if (name in change.merge && !reach) continue;
    delete change.merge[name];
    delete change.set[name];
    const kept = keep ? keep(value, place, body) : value;
    if (isFixed) restated[name] = kept;
    else Object.assign(change.set, reach ? reach(value, place) : { [name]: kept });
  }
  return { change, restated };
}

/** @throws AppError invalid when the record has another value than the body says again */
export function assertRestated<X extends EntityTypes>(
  { label, fields }: DeclaredEntity<X>,
  record: object,
  restated: Body,
): void {
  for (const [name, value] of Object.entries(restated)) {
    if ((record as Body)[name] === value) continue;
    const what = fields[name]?.options.title?.toLowerCase() ?? name;
    throw invalid(name, `${indefinite(label.toLowerCase())} stays with its ${what}`);
  }
}

const indefinite = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'An' : 'A'} ${noun}`;

/** Every value that the workspace has a say in; its lists get to know what is new to them. */
async function checkFields(
  ctx: Context,
  { name: entity, activeFields }: Pick<DeclaredEntity<EntityTypes>, 'name' | 'activeFields'>,
  { workspace, references, mode }: Omit<Place, 'entity' | 'field'>,
  body: Body,
): Promise<void> {
  const used: Body = {};
  for (const [name, { check, discovers, options }] of activeFields) {
    const value = body[name];
    if (discovers) used[discovers] = value ?? undefined;
    // What never changes was held against the workspace once; what it names may be gone since.
    const isDue = mode === 'create' || (value !== undefined && options.given !== 'once');
    if (check && isDue) await check(ctx, { workspace, references, entity, field: name, mode }, value);
  }
  if (Object.values(used).some((value) => value !== undefined)) await discoverMetadata(ctx, workspace, used);
}

const derive = ({ from, make }: NonNullable<Field['derived']>, body: Body, workspace: Workspace): unknown => {
  const value = body[from];
  return typeof value === 'string' ? make(value, workspace) : undefined;
};

const initialOf = ({ options: { initial } }: Field, workspace: Workspace): unknown =>
  typeof initial === 'function' ? initial(workspace) : initial;
