import { sha256 } from '../lib/crypto.ts';
import { invalid } from '../lib/errors.ts';
import { ObjectId } from '../lib/ids.ts';

/**
 * Every value that a list can be filtered by is stored once more in the record's `facets` array as `field=value`,
 * in lower case. One multikey index {workspaceId, archived, facets, createdAt, _id} then serves each filter together
 * with the list's order, custom fields included, without an index per field. Several filters at once use the index
 * for one and check the others on the candidates.
 */
export type FacetRule =
  /** The value itself; each item of an array. */
  | 'value'
  /** Each word, for search by name. */
  | 'words'
  /** The address and its parts. */
  | 'email'
  /** The digits with and without the country prefix. */
  | 'phone'
  /** A map of custom fields: each entry as `fields.<key>=value`. */
  | 'map';

/** Rules by field, or by path (`extra.status`) for one entry of a map. */
export type FacetRules = Readonly<Record<string, FacetRule>>;

/** The rule that looks after a path. */
const ruleOf = (rules: FacetRules, path: string): FacetRule | undefined =>
  rules[path] ?? rules[path.split('.', 1)[0] ?? ''];

/** Whether a top-level field, or an entry of it, has facets. */
export const hasFacets = (rules: FacetRules, root: string): boolean =>
  root in rules || Object.keys(rules).some((path) => path.startsWith(`${root}.`));

/** Every facet is an entry of the index: with more, one record would cost what a hundred do. */
export const facetsMax = 500;

/** Of a text that somebody looks for. */
export const wordsMax = 12;
const tokenLengthMax = 100;

/** Without marks and capitals. */
export const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** Most text is plain ASCII, for which the simple pattern finds the same words in a fifth of the time. */
export const wordsOf = (text: string): string[] =>
  (/^[ -~]*$/.test(text) ? text.toLowerCase().match(/[a-z0-9]+/g) : fold(text).match(/[\p{L}\p{N}]+/gu)) ??
  [];

/** Long values are told apart by their hash: an index key must stay small. */
const token = (text: string): string => (text.length > tokenLengthMax ? `#${sha256(text)}` : text);

/** A path as the part of a facet before the `=`, whatever a custom field is called. */
const facetField = (path: string): string =>
  /[%=]/.test(path) ? path.replaceAll('%', '%25').replaceAll('=', '%3D') : path;

/** The facet that a filter `field` = `value` looks for. */
export const facet = (field: string, value: string | number | boolean): string =>
  `${facetField(field)}=${token(String(value).toLowerCase())}`;

/** How the facets of values that begin so begin; and of those that are too long to tell how they begin. */
export const facetPrefixes = (field: string, prefix: string): string[] =>
  ['#', prefix.toLowerCase()].map((start) => `${facetField(field)}=${start.slice(0, tokenLengthMax)}`);

const tooMany = (path: string) =>
  invalid(path, `At most ${facetsMax} values of a record can be searched for; leave some out or nest them`);

function scalars(value: unknown): (string | number | boolean)[] {
  if (value instanceof ObjectId) return [value.toHexString()];
  if (Array.isArray(value)) return value.flatMap((item) => (Array.isArray(item) ? [] : scalars(item)));
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [value] : [];
}

function tokensOf(rule: FacetRule, value: unknown): (string | number | boolean)[] {
  if (typeof value !== 'string' || rule === 'value' || rule === 'map') return scalars(value);
  if (rule === 'words') return wordsOf(value);
  if (rule === 'email') return [value, ...wordsOf(value)];
  const digits = value.replace(/\D/g, '');
  // Ten digits are the subscriber number in most plans; shorter numbers are only found whole.
  return digits.length > 10 ? [digits, digits.slice(-10)] : [digits];
}

/**
 * Facets of one path: `status`, or `fields.budget` within a map.
 * @returns nothing for a path that no rule names
 * @throws AppError invalid for too many
 */
export function facetsOf(rules: FacetRules, path: string, value: unknown): string[] {
  const rule = ruleOf(rules, path);
  if (!rule || value === undefined || value === null) return [];
  // Counted before anything is made of them.
  if (typeof value === 'object' && Object.keys(value).length > facetsMax) throw tooMany(path);
  if (rule === 'map' && !path.includes('.')) {
    return Object.entries(value).flatMap(([name, item]) => facetsOf(rules, `${path}.${name}`, item));
  }
  const facets = tokensOf(rule, value).map((item) => facet(path, item));
  return facets.length > 1 ? [...new Set(facets)] : facets;
}

/** Facets of a whole record. @throws AppError invalid for too many */
export function facetsOfRecord(rules: FacetRules, record: object): string[] {
  const facets: string[] = [];
  for (const path of Object.keys(rules)) {
    const [root = '', key] = path.split('.', 2);
    const value = (record as Record<string, unknown>)[root];
    const entry = key === undefined ? value : (value as Record<string, unknown> | undefined)?.[key];
    for (const one of facetsOf(rules, path, entry)) facets.push(one);
    if (facets.length > facetsMax) throw tooMany(root);
  }
  return facets;
}

/** For each word of a search text, the facets any of which satisfies it; all words have to be satisfied. */
export function searchFacets(rules: FacetRules, text: string): string[][] {
  const fields = Object.entries(rules).filter(
    ([, rule]) => rule === 'words' || rule === 'email' || rule === 'phone',
  );
  const isPhone = /^[+\d\s().-]{7,}$/.test(text);
  const terms = isPhone
    ? [text.replace(/\D/g, '')]
    : text.includes('@')
      ? [text.trim()]
      : wordsOf(text).slice(0, wordsMax);
  return terms.map((term) => fields.map(([field]) => facet(field, term)));
}
