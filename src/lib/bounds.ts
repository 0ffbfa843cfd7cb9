import type { z } from 'zod';
import { AppError, issuesMax } from './errors.ts';

/**
 * Validation that costs no more than the answer is worth. zod looks at every item of a list before it looks at the
 * list's length, and has an issue for each: half a million wrong items froze the process. So lists and maps are counted
 * first, along the same schema, and only what is within its bounds is validated.
 */

/** Of a list or map about which its schema says nothing narrower. */
const itemsMax = 1_000;
/** Of all lists and maps of a request together: more than any of its schemas needs. */
const itemsTotalMax = 20_000;
export interface Issue {
  path: string[];
  message: string;
}

export type Parsed<T> = { success: true; data: T } | { success: false; issues: Issue[] };

/** Like `schema.safeParse`, but bounded in time and in the number of issues. */
export function parseBounded<T extends z.ZodType>(schema: T, value: unknown): Parsed<z.output<T>> {
  const breach = checkOf(schema)(value, { items: 0 });
  if (breach) return { success: false, issues: [breach] };
  const parsed = schema.safeParse(value);
  if (parsed.success) return { success: true, data: parsed.data };
  const issues = parsed.error.issues.slice(0, issuesMax);
  return { success: false, issues: issues.map(({ path, message }) => ({ path: path.map(String), message })) };
}

/** The 422 of these issues. @param root names the value itself */
export function invalidInput(issues: readonly Issue[], root: string): AppError {
  // A map, because a client names the paths: `constructor` is one like any other.
  const details = new Map<string, string[]>();
  for (const { path, message } of issues) {
    const name = path.join('.') || root;
    details.set(name, [...(details.get(name) ?? []), message]);
  }
  return new AppError('invalid', { details: Object.fromEntries(details) });
}

/** Says where a value is larger than its schema allows. */
type Check = (value: unknown, total: { items: number }) => Issue | undefined;

const checks = new WeakMap<z.core.$ZodType, Check>();
const unbounded: Check = () => undefined;

/** The check that follows from a schema, made when it is first needed. */
function checkOf(schema: z.core.$ZodType): Check {
  let check = checks.get(schema);
  if (!check) {
    // A schema that holds itself finds this.
    checks.set(schema, (value, total) => checkOf(schema)(value, total));
    check = makeCheck(schema);
    checks.set(schema, check);
  }
  return check;
}

function makeCheck(schema: z.core.$ZodType): Check {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'array':
      return checkList(maximumOf(def) ?? itemsMax, checkOf(def.element));
    case 'record':
      return checkMap(new Map(), checkOf(def.valueType));
    case 'object': {
      const shape = Object.entries(def.shape).map(([key, field]) => [key, checkOf(field)] as const);
      return checkMap(new Map(shape), def.catchall ? checkOf(def.catchall) : unbounded);
    }
    case 'union':
      return checkUnion(def.options.map(checkOf));
    case 'intersection':
      return (value, total) => checkOf(def.left)(value, total) ?? checkOf(def.right)(value, total);
    case 'pipe':
      // What a preprocess makes of the value is bounded where it arrives.
      return checkOf(def.in._zod.def.type === 'transform' ? def.out : def.in);
    case 'lazy':
      return checkOf(def.getter());
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return checkOf(def.innerType);
    default:
      return unbounded;
  }
}

function maximumOf({ checks = [] }: z.core.$ZodArrayDef): number | undefined {
  const maxima = checks.flatMap(({ _zod: { def } }) =>
    def.check === 'max_length' ? [(def as z.core.$ZodCheckMaxLengthDef).maximum] : [],
  );
  return maxima.length > 0 ? Math.min(...maxima) : undefined;
}

const tooMany = (max: number): Issue => ({ path: [], message: `Too many entries: at most ${max}` });

const within = (key: string | number, breach: Issue | undefined): Issue | undefined =>
  breach && { ...breach, path: [String(key), ...breach.path] };

function checkList(max: number, checkItem: Check): Check {
  return (value, total) => {
    if (!Array.isArray(value)) return undefined;
    total.items += value.length;
    if (value.length > max) return tooMany(max);
    if (total.items > itemsTotalMax) return tooMany(itemsTotalMax);
    if (checkItem === unbounded) return undefined;
    for (const [index, item] of value.entries()) {
      const breach = within(index, checkItem(item, total));
      if (breach) return breach;
    }
    return undefined;
  };
}

function checkMap(known: Map<string, Check>, checkOther: Check): Check {
  const bounded = [...known].filter(([, check]) => check !== unbounded);
  return (value, total) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    let count = 0;
    for (const _ in value) {
      count += 1;
      if (count > itemsMax) return tooMany(itemsMax);
    }
    for (const [key, check] of bounded) {
      if (!Object.hasOwn(value, key)) continue;
      const breach = within(key, check((value as Record<string, unknown>)[key], total));
      if (breach) return breach;
    }
    if (checkOther === unbounded) return undefined;
    for (const [key, item] of Object.entries(value)) {
      const breach = known.has(key) ? undefined : within(key, checkOther(item, total));
      if (breach) return breach;
    }
    return undefined;
  };
}

/** Within the bounds of one of them is within bounds. */
function checkUnion(options: Check[]): Check {
  const bounded = options.filter((check) => check !== unbounded);
  if (bounded.length === 0) return unbounded;
  return (value, total) => {
    let first: Issue | undefined;
    for (const check of bounded) {
      const before = total.items;
      const breach = check(value, total);
      first ??= breach;
      if (!breach && total.items > before) return undefined;
      total.items = before;
    }
    return first;
  };
}
