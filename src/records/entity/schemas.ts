import { z } from 'zod';
import { dateTimeOut, filterText, nullable } from '../../lib/schemas.ts';
import {
  constantOf,
  type Field,
  type Fields,
  isAlwaysThere,
  isClearable,
  isGivenAtFirst,
  isServerSide,
  isShown,
} from './field.ts';
import { type RangeParameter, rangesOf } from './orders.ts';
import type { EntityTypes } from './types.ts';

/** What goes in and out, as zod checks it and the API document shows it. */
export interface EntitySchemas<X extends EntityTypes> {
  /** The body of a create. */
  input: z.ZodType<X['input']>;
  /** The body of a PUT. */
  replace: z.ZodType<X['patch']>;
  patch: z.ZodType<X['patch']>;
  out: z.ZodType<X['out']>;
  /** An answer that shows some fields only. */
  part: z.ZodType<Partial<X['out']>>;
  /** Query parameters that filter lists, and the field that each looks at. */
  filters: Record<string, { schema: z.ZodType; field: string }>;
  /** Query parameters that bound lists. */
  ranges: Record<string, RangeParameter>;
}

/** What an entity adds to a schema that follows from its fields. */
export interface Refinements {
  input?(schema: z.ZodObject): z.ZodType;
  replace?(schema: z.ZodObject): z.ZodType;
  patch?(schema: z.ZodObject): z.ZodType;
  out?(schema: z.ZodObject): z.ZodType;
}

type Shape = Record<string, z.ZodType>;

/** @param label names the components of the API document: Lead, LeadInput, LeadPatch, and LeadUpdate where PUT differs */
export function schemasOf<X extends EntityTypes>(
  label: string,
  fields: Fields,
  refine: Refinements,
  extraFilters: Record<string, string>,
): EntitySchemas<X> {
  const entries = Object.entries(fields);
  const given = entries.filter(([, field]) => !isServerSide(field));
  const object = (shape: Shape, part: keyof Refinements, component: string) =>
    (refine[part] ?? ((schema) => schema))(z.object(shape)).meta({ id: component });

  const input = object(
    shapeOf(
      given.filter(([, field]) => isGivenAtFirst(field)),
      (field) => inputOf(label, field),
    ),
    'input',
    `${label}Input`,
  );
  const hasOwnReplace = given.some(([, { options }]) => options.given !== undefined);
  const replace = hasOwnReplace
    ? object(
        shapeOf(given, (field) => replaceOf(label, field)),
        'replace',
        `${label}Update`,
      )
    : input;
  const patch = object(shapeOf(given, patchOf), 'patch', `${label}Patch`);
  const shown = shapeOf(
    entries.filter(([, field]) => isShown(field)),
    outOf,
  );
  const out = object({ _id: z.string(), workspaceId: z.string(), ...shown, ...shownTimes }, 'out', label);
  // A refined schema still is one of an object, which only a transform would change.
  const part = (out as z.ZodObject)
    .partial()
    .required({ _id: true })
    .meta({ id: `${label}Part` });
  // The one place where what was put together by name gets the types that the fields have.
  return {
    input,
    replace,
    patch,
    out,
    part,
    filters: filtersOf(fields, extraFilters),
    ranges: rangesOf(fields),
  } as EntitySchemas<X>;
}

const shownTimes = { archivedAt: dateTimeOut.optional(), createdAt: dateTimeOut, updatedAt: dateTimeOut };

const shapeOf = (entries: [string, Field][], schemaOf: (field: Field) => z.ZodType): Shape =>
  Object.fromEntries(entries.map(([name, field]) => [name, schemaOf(field)]));

/** Without a zod default: PUT takes this body too, and a default would reset what it leaves out. */
function inputOf(label: string, field: Field): z.ZodType {
  const { required } = field.options;
  const schema = required ? field.given : field.given.optional();
  const initial = constantOf(field);
  const description =
    initial === undefined
      ? describe(field)
      : `A new ${label.toLowerCase()} is ${initial} unless it says otherwise`;
  return description === undefined ? schema : schema.describe(description);
}

const restated = 'Can be restated, not changed';

const replaceOf = (label: string, field: Field): z.ZodType =>
  field.options.given === 'once' ? field.given.optional().describe(restated) : inputOf(label, field);

function patchOf(field: Field): z.ZodType {
  if (field.options.given === 'once') return field.given.optional().describe(restated);
  const schema = isClearable(field) ? nullable(field.given) : field.given.optional();
  const description = describe(field);
  return description === undefined ? schema : schema.describe(description);
}

const outOf = (field: Field): z.ZodType => (isAlwaysThere(field) ? field.shown : field.shown.optional());

const describe = (field: Field): string | undefined => field.options.describe ?? field.describe;

function filtersOf(fields: Fields, extra: Record<string, string>): EntitySchemas<EntityTypes>['filters'] {
  const filters: EntitySchemas<EntityTypes>['filters'] = {};
  for (const [name, { options, filter }] of Object.entries(fields)) {
    if (!options.filter) continue;
    const own = options.filter === true ? {} : options.filter;
    const { name: parameter = name, schema = filterText } = { ...filter, ...own };
    filters[parameter] = { schema, field: name };
  }
  for (const [parameter, path] of Object.entries(extra))
    filters[parameter] = { schema: filterText, field: path };
  return filters;
}
