import { z } from 'zod';
import { whyNotStorable } from './json-value.ts';

/** Building blocks that all features' schemas share. Ids register the component's name in the API document. */

const limitMax = 100;

export const limitOf = (fallback: number) =>
  z.coerce
    .number()
    .int()
    .min(1)
    .max(limitMax)
    .default(fallback)
    .describe(`How many records, at most ${limitMax}`);

export const cursor = z.string().min(1).max(1_024).optional().describe('`nextCursor` of the previous page');

/** A point in time in a query or body: ISO 8601 with offset, as a Date. */
export const dateTime = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .meta({ type: 'string', format: 'date-time' });

/** A day that people mean: what lies centuries off is a slip. */
export const calendarDay = z.iso
  .date()
  .refine((day) => day >= '1900-01-01' && day < '2200-01-01', 'Must be a day between 1900 and 2199');

export const dateTimeOut = z.string().meta({ format: 'date-time' });

export const shortText = z.string().trim().min(1).max(300);
export const currencyCode = z
  .string()
  .trim()
  .toUpperCase()
  .regex(/^[A-Z]{3}$/, 'Must be an ISO 4217 code such as INR');
export const longText = z.string().max(20_000);
export const email = z.email().max(254);
export const phoneNumber = z.string().trim().min(1).max(32);
export const tagList = z.array(z.string().trim().min(1).max(100)).max(50);
/** In a merge patch: absent leaves the field, null clears it. */
export const nullable = <T extends z.ZodType>(schema: T) => schema.nullable().optional();

export const idParams = <const K extends string>(...names: K[]) =>
  z.object(
    Object.fromEntries(['workspaceId', ...names].map((name) => [name, z.string()])) as Record<
      K | 'workspaceId',
      z.ZodString
    >,
  );

export const workspaceParams = idParams();

/** {success: true, data}. */
export const envelope = <T extends z.ZodType>(data: T) =>
  z.object({ success: z.literal(true).meta({ type: 'boolean' }), data });

/** {success: true, data: […], nextCursor}. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({
    success: z.literal(true).meta({ type: 'boolean' }),
    data: z.array(item),
    nextCursor: z.string().nullable().describe('Pass as `cursor` for the next page; null on the last one'),
  });

export const actionSuccess = z
  .object({ success: z.literal(true).meta({ type: 'boolean' }), message: z.string() })
  .meta({ id: 'ActionSuccessResponse' });

/** The answer to an action that returns no record. */
export const done = (message: string) => ({ success: true as const, message });

/** Values of the workspace's own fields, by field key. */
const customFieldValue = z.unknown().meta({
  oneOf: [
    { type: 'string' },
    { type: 'number' },
    { type: 'boolean' },
    { type: 'array', items: { type: 'string' } },
    { type: 'object', description: 'A hierarchical field' },
  ],
});

/** Free-form values under storable names. */
export const storable = <T extends z.ZodType>(schema: T): T =>
  schema.superRefine((value, context) => {
    const reason = whyNotStorable(value);
    if (reason) context.addIssue({ code: 'custom', message: reason });
  }) as T;

// A list filters by `fields.<key>=<value>`, so a key holds no =.
const customFieldKey = z.string().regex(/^[^=]*$/);

export const customFields = storable(z.record(customFieldKey, customFieldValue)).describe(
  "Values of the workspace's custom fields by field key",
);
export const customFieldsOut = z.record(z.string(), customFieldValue);

/**
 * Filters of every list beyond the document's limit and cursor. Custom fields filter as `fields.<key>`.
 * @param orders that its records can be in besides those by the store's times
 */
export const listQueryOf = <T extends z.ZodRawShape>(filters: T, orders: readonly string[] = []) =>
  z.looseObject({
    limit: limitOf(10),
    cursor,
    sort: z.enum(['createdAt', 'updatedAt', ...orders].flatMap((order) => [order, `-${order}`])).optional(),
    archived: z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .optional()
      .meta({ type: 'boolean' }),
    q: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('Whole words of the name, an email address or a phone number'),
    createdAfter: dateTime.optional(),
    createdBefore: dateTime.optional(),
    updatedAfter: dateTime.optional(),
    ...filters,
  });

export const filterText = z.string().min(1).max(300).optional();

export const syncQuery = z.object({
  limit: limitOf(20),
  cursor,
  updated_since: dateTime.optional().describe('Only what changed at this time or later'),
});

export const recentQuery = z.object({
  hours: z.coerce.number().int().min(1).max(8_760).default(12),
  limit: limitOf(100),
  cursor,
});

/** Bodies of more rows should be several requests. */
export const bulkRowsMax = 500;
export const bulkBodyBytesMax = 5 * 1_024 * 1_024;

/** Rows are validated one by one, so that an invalid row is an `error` in the results instead of a 422 for all. */
export const bulkRows = (component: string) =>
  z
    .array(z.unknown().meta({ $ref: `#/components/schemas/${component}` }))
    .min(1)
    .max(bulkRowsMax);

export const bulkResponse = z
  .object({
    success: z.literal(true).meta({ type: 'boolean' }),
    count: z.int().describe('Records created'),
    skippedDuplicates: z.int().describe('Rows skipped as duplicates or invalid'),
    data: z.array(z.looseObject({})),
    results: z.array(
      z.object({
        index: z.int(),
        status: z.enum(['created', 'skipped', 'error']),
        leadId: z.string().nullable().optional(),
        id: z.string().nullable().optional(),
        error: z.string().nullable().optional(),
      }),
    ),
  })
  .meta({ id: 'BulkImportResponse' });
