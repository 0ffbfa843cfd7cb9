import { z } from 'zod';
import type { Scale } from '../../lib/cursor.ts';
import type { Money } from '../../lib/money.ts';
import { calendarDay, dateTime } from '../../lib/schemas.ts';
import { fold } from '../facets.ts';
import type { Order, Orders, SortKey, Within } from '../orders.ts';
import { type Field, type Fields, isAlwaysThere } from './field.ts';

/** How the values of a kind of field sort. */
export type Sorting = 'time' | 'day' | 'number' | 'amount' | 'words';

interface SortingRule {
  scale: Scale;
  /** What stands for a value that doesn't sort as it is stored. */
  sortKey?(stored: unknown): SortKey | undefined;
  /** Query parameters that bound it. */
  bounds?(name: string): Record<string, { schema: z.ZodType; operator: '$gte' | '$lt' | '$lte' }>;
}

/** A longer text is put where its beginning is; an index key and a cursor must stay small. */
const sortedLength = 100;

const amount = z
  .string()
  .max(40)
  .regex(/^-?\d+(\.\d+)?$/, 'Must be a number')
  .transform(Number)
  .optional()
  .meta({ type: 'number' });

const betweenNumbers: SortingRule['bounds'] = (name) => ({
  [`min${capitalised(name)}`]: { schema: amount, operator: '$gte' },
  [`max${capitalised(name)}`]: { schema: amount, operator: '$lte' },
});

/** "dueAt" → dueAfter, dueBefore. */
const betweenTimes =
  (schema: z.ZodType): SortingRule['bounds'] =>
  (name) => {
    const stem = name.replace(/(At|Date)$/, '');
    return {
      [`${stem}After`]: { schema: schema.optional(), operator: '$gte' },
      [`${stem}Before`]: { schema: schema.optional(), operator: '$lt' },
    };
  };

const rules: Record<Sorting, SortingRule> = {
  time: { scale: 'time', bounds: betweenTimes(dateTime) },
  day: { scale: 'text', bounds: betweenTimes(calendarDay) },
  number: { scale: 'number', bounds: betweenNumbers },
  amount: {
    scale: 'number',
    sortKey: (money) => Number((money as Money).amount),
    bounds: betweenNumbers,
  },
  words: {
    scale: 'text',
    sortKey: (text) =>
      fold(text as string)
        .trim()
        .slice(0, sortedLength),
  },
};

/** @throws Error for a field whose values have no order, or a filter within whose values there can be none */
export function ordersOf(fields: Fields): Orders {
  return Object.fromEntries(
    orderedFields(fields).map(([name, field, { scale, sortKey }]) => {
      const path = sortKey ? `sortKeys.${name}` : name;
      const order: Order = {
        path,
        scale,
        isOptional: !isAlwaysThere(field),
        index: `by_${name}`,
        within: withinOf(name, field, fields),
        ...(sortKey ? { sortKey: { field: name, of: sortKey } } : {}),
      };
      return [name, order];
    }),
  );
}

/** A query parameter that bounds the values of an order. */
export interface RangeParameter {
  schema: z.ZodType;
  order: string;
  operator: '$gte' | '$lt' | '$lte';
}

/** The query parameters that bound the values of the entity's orders. */
export function rangesOf(fields: Fields): Record<string, RangeParameter> {
  const parameters: Record<string, RangeParameter> = {};
  for (const [name, , { bounds }] of orderedFields(fields)) {
    for (const [parameter, bound] of Object.entries(bounds?.(name) ?? {}))
      parameters[parameter] = { ...bound, order: name };
  }
  return parameters;
}

const orderedFields = (fields: Fields): [string, Field, SortingRule][] =>
  Object.entries(fields).flatMap(([name, field]) => {
    if (!field.options.order) return [];
    if (!field.sorting) throw new Error(`The values of ${name} have no order`);
    return [[name, field, rules[field.sorting]]];
  });

function withinOf(name: string, { options: { order } }: Field, fields: Fields): Record<string, Within> {
  const names = typeof order === 'object' ? order.within : [];
  return Object.fromEntries(
    names.map((within) => {
      const field = fields[within];
      const isChoice = field?.stored !== undefined && 'enum' in field.stored;
      if (!field?.options.filter || !(field.refersTo || isChoice))
        throw new Error(`An order within ${within} needs a filter by a reference or a choice`);
      const storedAs = (wanted: string) => (field.refersTo ? wanted.toLowerCase() : wanted);
      return [within, { index: `${within}_by_${name}`, storedAs }];
    }),
  );
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
