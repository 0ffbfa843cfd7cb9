import { Schema } from 'mongoose';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { invalid } from '../../lib/errors.ts';
import { type ObjectId, parseId } from '../../lib/ids.ts';
import { type Money, toMoney } from '../../lib/money.ts';
import { requirePhone } from '../../lib/phone.ts';
import {
  customFields as customFieldsGiven,
  customFieldsOut,
  dateTime as dateTimeGiven,
  dateTimeOut,
  email as emailGiven,
  longText as longTextGiven,
  phoneNumber,
  shortText,
  tagList,
} from '../../lib/schemas.ts';
import { assertMembers } from '../../tenancy/members/service.ts';
import { assertCustomFields } from '../../tenancy/workspaces/custom-fields.ts';
import type { Workspace } from '../../tenancy/workspaces/model.ts';
import { field, type Kind, type Options, type Place } from './field.ts';
import { entityNamed } from './names.ts';

/**
 * The kinds of fields. Each is a function of what the entity says about its field; a new kind is one more function here.
 */

const textKind: Kind<string, string, string> = {
  given: shortText,
  shown: z.string(),
  stored: { type: String },
  type: 'text',
  searchRule: 'words',
  sorting: 'words',
};

export const text = <const O extends Options<string>>(options: O = {} as O) => field(textKind, options);

export const longText = <const O extends Options<string>>(options: O = {} as O) =>
  field({ ...textKind, given: longTextGiven }, options);

export const email = <const O extends Options<string>>(options: O = {} as O) =>
  field(
    {
      ...textKind,
      given: emailGiven,
      searchRule: 'email',
      facetRule: 'email',
      filter: { schema: emailGiven.optional() },
    },
    options,
  );

/** A phone number as somebody wrote it. */
export const phone = <const O extends Options<string>>(options: O = {} as O) =>
  field({ ...textKind, given: phoneNumber, searchRule: 'phone' }, options);

/** The same, held against the numbering plan. */
export const checkedPhone = <const O extends Options<string>>(options: O = {} as O) =>
  field<string, string, string, O>(
    {
      ...textKind,
      given: phoneNumber,
      searchRule: 'phone',
      async check(_ctx, { field: name, workspace }, value) {
        if (value) requirePhone(name, value, workspace.defaultCountry);
      },
    },
    options,
  );

/** The normalised form of a phone number in another field, by which duplicates are found. */
export const e164Of = <const O extends Options<string>>(from: string, options: O) =>
  field(
    {
      ...textKind,
      derived: {
        from,
        make: (value: string, { defaultCountry }: Workspace) => requirePhone(from, value, defaultCountry),
      },
    },
    { ...options, hidden: true },
  );

/** One of some values that the entity names. */
export const choice = <const V extends readonly [string, ...string[]], const O extends Options<V[number]>>(
  values: V,
  options: O = {} as O,
) => {
  const given = z.enum(values);
  return field<V[number], V[number], V[number], O>(
    {
      given,
      shown: given,
      stored: { type: String, enum: values },
      type: 'select',
      choices: () => values,
      filter: { schema: given.optional() },
    },
    options,
  );
};

const lists = {
  leadStatuses: { discovers: 'status', choices: ({ leadStatuses }: Workspace) => leadStatuses },
  leadStages: { choices: ({ leadStages }: Workspace) => leadStages.map(({ stageKey }) => stageKey) },
  sources: { discovers: 'source', choices: ({ sources }: Workspace) => sources },
} as const;

/** Text that the workspace has a list for: other values are taken too. */
export const listed = <const O extends Options<string>>(list: keyof typeof lists, options: O = {} as O) =>
  field<string, string, string, O>({ ...textKind, type: 'select', ...lists[list] }, options);

/** Tags; the workspace's list gets to know new ones. */
export const tags = <const O extends Options<string[]>>(options: O = {} as O) =>
  field<string[], string[], string[], O>(
    {
      given: tagList,
      shown: z.array(z.string()),
      stored: { type: [String], default: undefined },
      type: 'multiselect',
      choices: (workspace) => workspace.tags,
      filter: { name: 'tag' },
      discovers: 'tags',
    },
    options,
  );

export const texts = <const O extends Options<string[]>>(options: O = {} as O) =>
  field<string[], string[], string[], O>(
    {
      given: z.array(shortText).max(textsMax),
      shown: z.array(z.string()),
      stored: { type: [String], default: undefined },
      type: 'multiselect',
    },
    options,
  );
const textsMax = 20;

/** Yes or no. */
export const flag = <const O extends Options<boolean>>(options: O = {} as O) =>
  field<boolean, boolean, boolean, O>(
    { given: z.boolean(), shown: z.boolean(), stored: { type: Boolean }, type: 'boolean' },
    options,
  );

/** A point in time. */
export const dateTime = <const O extends Options<Date>>(options: O = {} as O) =>
  field<Date, Date, string, O>(
    {
      given: dateTimeGiven,
      shown: dateTimeOut,
      stored: { type: Date },
      type: 'date',
      sorting: 'time',
      show: (value) => value.toISOString(),
    },
    options,
  );

/** Kept exactly as given: within this bound a double holds whole numbers and two decimals. */
const amountMax = 1e13;

/**
 * An amount in the workspace's currency. With `currency` another field names it, the workspace's where a create leaves it
 * out; such an amount is always there, so that neither is without the other.
 */
export const money = <
  const O extends Options<number> & { min?: number; max?: number; currency?: string; decimals?: number },
>(
  options: O = {} as O,
) => {
  const { max = amountMax, min = -max, currency, decimals, required, initial } = options;
  const amount = z.number().min(min).max(max);
  if (currency !== undefined && required !== true && initial === undefined)
    throw new Error(`The amount in ${currency} must be required or have an initial value`);
  const kind: Kind<Money, number, number> = {
    given: decimals === undefined ? amount : amount.refine(...withDecimals(decimals)),
    shown: z.number(),
    stored: { _id: false, type: { amount: String, currency: String }, default: undefined },
    type: 'number',
    sorting: 'amount',
    show: ({ amount }) => Number(amount),
    keep: (value, { workspace }, body) =>
      toMoney(value, String((currency && body[currency]) ?? workspace.currency)),
  };
  if (currency !== undefined)
    kind.reach = (value, { field: name }) => ({ [`${name}.amount`]: String(value) });
  return field(kind, options);
};

const withDecimals = (decimals: number) =>
  [
    (value: number) => Number(value.toFixed(decimals)) === value,
    `Must have at most ${decimals} decimals`,
  ] as const;

/** The currency of the money in another field, given and shown beside it. */
export const currencyOf = <const O extends Options<string> & { schema?: z.ZodType<string> }>(
  from: string,
  options: O = {} as O,
) =>
  field<never, string, string, O>(
    {
      given: options.schema ?? shortText,
      shown: z.string(),
      type: 'text',
      source: from,
      show: ({ currency }: Money) => currency,
      reach: (value) => ({ [`${from}.currency`]: value }),
    },
    options,
  );

/** The user id of a team member. */
export const member = <const O extends Options<string>>(options: O = {} as O) =>
  field<string, string, string, O>(
    {
      ...textKind,
      given: z.string(),
      describe: 'User id of a team member',
      check: checkMembers,
    },
    options,
  );

const membersMax = 100;

/** User ids of team members: one, or several. */
export const members = <const O extends Options<string | string[]>>(options: O = {} as O) =>
  field<string | string[], string | string[], string | string[], O>(
    {
      given: z.union([z.string(), z.array(z.string()).max(membersMax)]),
      shown: z.union([z.string(), z.array(z.string())]),
      stored: { type: Schema.Types.Mixed },
      type: 'multiselect',
      describe: 'User id of a team member, or several',
      check: checkMembers,
    },
    options,
  );

const checkMembers = (
  ctx: Context,
  { workspace, field: name }: Place,
  value: string | string[] | null | undefined,
) => assertMembers(ctx, workspace._id, name, value ?? undefined);

/** The id of a record of an entity, which has to be in the workspace; `live`: and not archived. */
export const reference = <const O extends Options<string> & { live?: true }>(
  entity: string,
  options: O = {} as O,
) =>
  field<string, string, string, O>(
    {
      ...textKind,
      given: z.string(),
      refersTo: entity,
      async check(_ctx, { references, field: name }, value) {
        if (typeof value !== 'string') return;
        const id = parseId(value);
        const found = id && (await references.find(entity, id));
        if (found && !(options.live && found.archived)) return;
        const { noun } = entityNamed(entity);
        throw invalid(name, `Must be the id of a ${options.live ? 'live ' : ''}${noun} of this workspace`);
      },
      keep: (value) => value.toLowerCase(),
    },
    options,
  );

/** An id that the server sets. */
export const recordId = <const O extends Options<ObjectId>>(options: O = {} as O) =>
  field<ObjectId, never, string, O>(
    {
      given: z.never(),
      shown: z.string(),
      stored: { type: Schema.Types.ObjectId },
      type: 'text',
      show: (value) => value.toHexString(),
    },
    options,
  );

/** What the given schema takes, kept and shown as it is. */
export const json = <Value, const O extends Options<Value>>(
  schemas: { given: z.ZodType<Value>; shown: z.ZodType<Value> },
  options: O = {} as O,
) =>
  field<Value, Value, Value, O>(
    { ...schemas, stored: { type: Schema.Types.Mixed }, type: 'hierarchy' },
    options,
  );

/** What the server keeps for itself. */
export const internal = <Value>() =>
  field<Value, never, never, { hidden: true }>(
    { given: z.never(), shown: z.never(), stored: { type: Schema.Types.Mixed }, type: 'hierarchy' },
    { hidden: true },
  );

/** Values of the workspace's own fields, by key. A change merges them key by key. */
export const customFields = () =>
  field<Values, Values, Values, { kept: true; facet: true }>(
    {
      given: customFieldsGiven,
      shown: customFieldsOut,
      stored: { type: Schema.Types.Mixed },
      type: 'hierarchy',
      facetRule: 'map',
      async check(_ctx, { workspace, entity, mode }, value) {
        assertCustomFields(workspace, entity, value ?? undefined, mode);
      },
    },
    { kept: true, facet: true },
  );
type Values = Record<string, unknown>;
