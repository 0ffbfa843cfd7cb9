import { z } from 'zod';
import { cursor, limitOf } from '../../lib/schemas.ts';

export const operators = [
  'eq',
  'neq',
  'in',
  'nin',
  'gt',
  'gte',
  'lt',
  'lte',
  'between',
  'contains',
  'prefix',
  'exists',
  'missing',
] as const;
export type Operator = (typeof operators)[number];

const groupsMax = 5;
const filtersPerGroupMax = 10;
/** Alternatives of one filter; an index looks each of them up. */
const valuesMax = 100;
const textLengthMax = 300;

const scalar = z.union([z.string().max(textLengthMax), z.number(), z.boolean()]);
export type Scalar = z.output<typeof scalar>;

const filter = z
  .object({
    field: z
      .string()
      .min(1)
      .max(200)
      .describe('A field that answers show, or `fields.<key>` for a custom one'),
    operator: z.enum(operators),
    value: z
      .union([scalar, z.array(scalar).min(1).max(valuesMax)])
      .optional()
      .describe(
        'A list for `in` and `nin`, the first and last for `between`, nothing for `exists` and `missing`',
      ),
  })
  .meta({ id: 'SearchFilter' });
export type SearchFilter = z.output<typeof filter>;

export const searchOrders = ['createdAt', '-createdAt', 'updatedAt', '-updatedAt'] as const;

/** What a search asks for: groups are alternatives, the filters of a group all have to be met. */
export const searchBody = z
  .object({
    filterGroups: z
      .array(z.object({ filters: z.array(filter).min(1).max(filtersPerGroupMax) }))
      .max(groupsMax)
      .optional()
      .describe('A record has to meet all filters of one of the groups; without groups all are found'),
    sort: z.enum(searchOrders).optional().describe('-createdAt unless it says otherwise'),
    limit: limitOf(10),
    cursor,
    fields: z
      .array(z.string().min(1).max(200))
      .min(1)
      .max(100)
      .optional()
      .describe('Show only these fields, and `_id`'),
    archived: z.boolean().optional().describe('Search the archived records in place of the live ones'),
  })
  .meta({ id: 'SearchRequest' });
export type SearchRequest = z.output<typeof searchBody>;
