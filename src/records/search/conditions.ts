import mongoose from 'mongoose';
import { invalid } from '../../lib/errors.ts';
import { parseId } from '../../lib/ids.ts';
import { startOfDay } from '../../lib/time-zone.ts';
import { facet, facetPrefixes, wordsMax, wordsOf } from '../facets.ts';
import { check } from '../list.ts';
import type { Comparison, SearchField } from './fields.ts';
import type { Operator, Scalar, SearchFilter } from './schema.ts';

const { Decimal128 } = mongoose.mongo;

/**
 * What a filter asks of a record. Records that meet it are among those that have one of its facets, where it names any;
 * the check decides, and is said so that no index is tempted to serve it.
 */
export interface Condition {
  check: object;
  /** Facets, or patterns of the way that they begin. */
  facets?: string[] | RegExp[];
  /** Whoever has one of the facets meets it. */
  isDecided?: boolean;
  /** Bounds of a time by which an index has the records in order. */
  bounds?: { field: string; range: Range };
}

export type Range = Partial<Record<'$gt' | '$gte' | '$lt' | '$lte', unknown>>;

/** Where a filter stands in the body, and the workspace's time zone, in which a day is a day. */
export interface Setting {
  path: string;
  timezone: string;
}

/** @throws AppError invalid for a value that the field can't be compared with */
export function conditionOf(field: SearchField, filter: SearchFilter, setting: Setting): Condition {
  const { operator } = filter;
  if (operator === 'exists') return { check: { [field.path]: { $nin: nothing } } };
  if (operator === 'missing') return { check: { [field.path]: { $in: nothing } } };
  if (field.comparison === 'nothing') {
    throw invalid(`${setting.path}.operator`, `${field.name} can only be searched by exists and missing`);
  }
  const values = valuesOf(filter, setting);
  return conditions[operator](field, values, setting);
}

const nothing = [null, '', []];

/** As many values as the operator takes. */
function valuesOf({ operator, value }: SearchFilter, { path }: Setting): Scalar[] {
  const fail = (message: string) => invalid(`${path}.value`, message);
  if (value === undefined) throw fail('Required');
  const isList = Array.isArray(value);
  if (operator === 'in' || operator === 'nin') {
    if (!isList) throw fail('Must be a list');
  } else if (operator === 'between') {
    if (!isList || value.length !== 2) throw fail('Must be a list of the first value and the last');
  } else if (isList) throw fail('Must be one value');
  return [value].flat();
}

type Make = (field: SearchField, values: Scalar[], setting: Setting) => Condition;

const not = ({ check: met }: Condition): Condition => ({ check: { $nor: [met] } });

const conditions: Record<Exclude<Operator, 'exists' | 'missing'>, Make> = {
  eq: equal,
  in: equal,
  neq: (...given) => not(equal(...given)),
  nin: (...given) => not(equal(...given)),
  gt: (field, [value], setting) => within(field, after(field, value, setting)),
  gte: (field, [value], setting) => within(field, from(field, value, setting)),
  lt: (field, [value], setting) => within(field, before(field, value, setting)),
  lte: (field, [value], setting) => within(field, upTo(field, value, setting)),
  between: (field, [first, last], setting) =>
    within(field, { ...from(field, first, setting), ...upTo(field, last, setting) }),
  contains: containing,
  prefix: beginning,
};

/** Has one of the values, in whichever case. */
function equal(field: SearchField, values: Scalar[], setting: Setting): Condition {
  const { path, facets } = field;
  if (facets === 'value' || facets === 'map' || facets === 'email') {
    const wanted = values.map((value) => facet(path, String(storedForm(field, value, setting))));
    return { check: check(wanted), facets: wanted, isDecided: true };
  }
  if (facets === 'phone') {
    const wanted = values.map((value) => facet(path, String(value).replace(/\D/g, '')));
    return { check: check(wanted), facets: wanted, isDecided: true };
  }
  const alternatives = values.map((value) => equalOne(field, value, setting));
  const met = alternatives.length === 1 ? (alternatives[0] ?? {}) : { $or: alternatives };
  return { check: met, ...(facets === 'words' ? wordFacets(field, values) : {}) };
}

function equalOne(field: SearchField, value: Scalar | undefined, setting: Setting): object {
  const { path, comparison } = field;
  if (comparison === 'text') return { [path]: pattern(`^${literal(textOf(value, setting))}\\z`) };
  if (comparison === 'date' || comparison === 'decimal') {
    return within(field, { ...from(field, value, setting), ...upTo(field, value, setting) }).check;
  }
  return { [path]: storedForm(field, value, setting) };
}

/** A word of each value: whoever has the value has that. */
function wordFacets({ path }: SearchField, values: Scalar[]): { facets?: string[] } {
  const words = values.map((value) => wordsOf(String(value)));
  if (words.some(({ length }) => length === 0)) return {};
  return { facets: words.map((ofValue) => facet(path, longest(ofValue))) };
}

/** A long word is rarer than a short one. */
const longest = (words: string[]): string =>
  words.reduce((one, other) => (other.length > one.length ? other : one));

/** Has all the words, each as a whole. */
function containing(field: SearchField, [value]: Scalar[], setting: Setting): Condition {
  const { path, facets } = field;
  assertText(field, setting);
  const text = textOf(value, setting);
  const words = facets === 'words' ? wordsOf(text) : plainWords(text);
  if (words.length === 0 || words.length > wordsMax) {
    throw invalid(`${setting.path}.value`, `Must have 1 to ${wordsMax} words`);
  }
  if (facets !== 'words') {
    const whole = (word: string) => pattern(`${notInWord}${literal(word)}${wordEnds}`);
    return { check: { $and: words.map((word) => ({ [path]: whole(word) })) } };
  }
  const wanted = words.map((word) => facet(path, word));
  return {
    check: { $and: wanted.map((one) => check([one])) },
    facets: [longest(wanted)],
    isDecided: wanted.length === 1,
  };
}

const notInWord = '(?<![\\p{L}\\p{N}])';
const wordEnds = '(?![\\p{L}\\p{N}])';
const plainWords = (text: string): string[] => text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];

/** Begins with the text, in whichever case. */
function beginning(field: SearchField, [value]: Scalar[], setting: Setting): Condition {
  const { path, facets } = field;
  assertText(field, setting);
  const text = textOf(value, setting);
  if (text.length === 0) throw invalid(`${setting.path}.value`, 'Must not be empty');
  const met = { [path]: pattern(`^${literal(text)}`) };
  if (facets === 'words') {
    const [first, ...others] = wordsOf(text);
    if (first === undefined) return { check: met };
    // A word that is not the last is there as a whole.
    return { check: met, facets: others.length > 0 ? [facet(path, first)] : patterns(path, first) };
  }
  const isKept = facets === 'value' || facets === 'map' || facets === 'email';
  return { check: met, ...(isKept ? { facets: patterns(path, text) } : {}) };
}

const patterns = (path: string, text: string): RegExp[] =>
  facetPrefixes(path, text).map((start) => new RegExp(`^${literal(start)}`));

function assertText({ name, comparison }: SearchField, { path }: Setting): void {
  if (comparison !== 'text' && comparison !== 'any') throw invalid(`${path}.operator`, `${name} is no text`);
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
const pattern = (source: string) => ({ $regex: source, $options: 'is' });

/** Bounds between which values lie; a day is all that is in it. */
function within({ path, comparison }: SearchField, range: Range): Condition {
  if (comparison === 'decimal') {
    const number = { $toDecimal: `$${path}` };
    const bounds = Object.entries(range).map(([operator, value]) => ({ [operator]: [number, value] }));
    return { check: { [path]: { $type: 'string' }, $expr: { $and: bounds } } };
  }
  return {
    check: { [path]: range },
    ...(path === 'createdAt' || path === 'updatedAt' ? { bounds: { field: path, range } } : {}),
  };
}

type Bound = (field: SearchField, value: Scalar | undefined, setting: Setting) => Range;

const from: Bound = (field, value, setting) => ({ $gte: pointOf(field, value, setting) });
const before: Bound = (field, value, setting) => ({ $lt: pointOf(field, value, setting) });
const upTo: Bound = (field, value, setting) =>
  isWholeDay(field, value)
    ? { $lt: pointOf(field, value, setting, 1) }
    : { $lte: pointOf(field, value, setting) };
const after: Bound = (field, value, setting) =>
  isWholeDay(field, value)
    ? { $gte: pointOf(field, value, setting, 1) }
    : { $gt: pointOf(field, value, setting) };

const dayPattern = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

const isWholeDay = ({ comparison }: SearchField, value: Scalar | undefined): boolean =>
  typeof value === 'string' && dayPattern.test(value) && dayComparisons.includes(comparison);
const dayComparisons: Comparison[] = ['date', 'day', 'any'];

/** A value as the store can compare it; of a day its beginning, or that of the day so many later. */
function pointOf(field: SearchField, value: Scalar | undefined, setting: Setting, daysLater = 0): unknown {
  if (!isWholeDay(field, value)) return storedForm(field, value, setting);
  if (field.comparison === 'date') return startOfDay(String(value), setting.timezone, daysLater);
  // Kept as it was written, which sorts as the days do.
  return startOfDay(String(value), 'UTC', daysLater).toISOString().slice(0, 'YYYY-MM-DD'.length);
}

/** The value in the form that the field is kept in. @throws AppError invalid for one that it can't have */
function storedForm(field: SearchField, value: Scalar | undefined, setting: Setting): unknown {
  const form = forms[field.comparison](value ?? '');
  if (form === undefined) throw invalid(`${setting.path}.value`, `Must be ${described[field.comparison]}`);
  return form;
}

const forms: Record<Comparison, (value: Scalar) => unknown> = {
  text: (value) => (typeof value === 'boolean' ? undefined : String(value)),
  number: (value) => (typeof value === 'number' ? value : undefined),
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  date: (value) => {
    const time = typeof value === 'string' && timePattern.test(value) ? Date.parse(value) : Number.NaN;
    return Number.isNaN(time) ? undefined : new Date(time);
  },
  decimal: (value) => (decimalPattern.test(String(value)) ? Decimal128.fromString(String(value)) : undefined),
  day: (value) => (dayPattern.test(String(value)) ? value : undefined),
  id: parseId,
  any: (value) => value,
  nothing: () => undefined,
};

const described: Record<Comparison, string> = {
  text: 'text',
  number: 'a number',
  boolean: 'true or false',
  date: 'a day or a time, as 2026-01-31 or 2026-01-31T09:00:00Z',
  decimal: 'an amount',
  day: 'a day, as 2026-01-31',
  id: 'an id',
  any: 'a value',
  nothing: 'nothing',
};

const decimalPattern = /^-?\d{1,15}(\.\d{1,15})?$/;

const textOf = (value: Scalar | undefined, setting: Setting): string =>
  String(storedForm({ name: '', path: '', comparison: 'text' }, value, setting));
