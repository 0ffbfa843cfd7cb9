import { Schema } from 'mongoose';
import { z } from 'zod';
import { canonicalDomain } from '../../lib/domain.ts';
import { canonicalLinkedinUrl } from '../../lib/linkedin.ts';
import { calendarDay, shortText, storable } from '../../lib/schemas.ts';
import { field, type Options } from './field.ts';

/** Kinds of fields whose values have a form of their own, or parts. */

/** A day, in nobody's time zone. */
export const day = <const O extends Options<string>>(options: O = {} as O) =>
  field<string, string, string, O>(
    {
      given: calendarDay,
      shown: z.string().meta({ format: 'date' }),
      stored: { type: String },
      type: 'date',
      sorting: 'day',
      filter: { schema: calendarDay.optional() },
    },
    options,
  );

/** A number within bounds, in steps of `step` if there is one. */
export const number = <const O extends Options<number>>(
  { min, max, step }: { min: number; max: number; step?: number },
  options: O = {} as O,
) => {
  const bounded = z.number().min(min).max(max);
  return field<number, number, number, O>(
    {
      given: step === undefined ? bounded : bounded.multipleOf(step),
      shown: z.number(),
      stored: { type: Number },
      type: 'number',
      sorting: 'number',
    },
    options,
  );
};

type Parts<S extends z.ZodRawShape> = { [K in keyof S]?: z.output<S[K]> | undefined };
type GivenParts<S extends z.ZodRawShape> = { [K in keyof S]?: z.output<S[K]> | null | undefined };

/** Several values under one name, each of which may be missing. @param component names it in the API document */
export const parts = <const S extends z.ZodRawShape, const O extends Options<never>>(
  component: string,
  shape: S,
  options: O = {} as O,
) => {
  const entries = Object.entries(shape) as [string, z.ZodType][];
  const each = (make: (schema: z.ZodType) => z.ZodType) =>
    z.object(Object.fromEntries(entries.map(([name, schema]) => [name, make(schema)])));
  const given = each((schema) => schema.nullish()).meta({ id: `${component}Input` });
  const shown = each((schema) => schema.optional()).meta({ id: component });
  return field<Parts<S>, GivenParts<S>, Parts<S>, O>(
    {
      given: given as z.ZodType<unknown> as z.ZodType<GivenParts<S>>,
      shown: shown as z.ZodType<unknown> as z.ZodType<Parts<S>>,
      stored: { type: Schema.Types.Mixed },
      type: 'hierarchy',
      keep: (value) =>
        Object.fromEntries(Object.entries(value).filter(([, part]) => part != null)) as Parts<S>,
    },
    options,
  );
};

const addressParts = {
  street: shortText,
  city: shortText,
  state: shortText,
  zip: shortText,
  country: shortText,
};

/** Where somebody lives or works. */
export const address = <const O extends Options<never>>(options: O = {} as O) => field(addressKind, options);

/** One for all, as a body may hold two addresses and the API document has one component of that name. */
const addressKind = parts('Address', addressParts);

/** What an integration keeps with a record for itself. */
export const metadata = <const O extends Options<Record<string, unknown>>>(options: O = {} as O) =>
  field<Record<string, unknown>, Record<string, unknown>, Record<string, unknown>, O>(
    {
      given: storable(z.record(z.string(), z.unknown())).refine(fitsMetadata, tooLargeMetadata),
      shown: z.record(z.string(), z.unknown()),
      stored: { type: Schema.Types.Mixed },
      type: 'hierarchy',
      describe: `Kept as it is; at most ${metadataKibMax} KiB`,
    },
    options,
  );

const metadataKibMax = 16;
export const tooLargeMetadata = `Must be at most ${metadataKibMax} KiB`;

/** Also for what a merge makes of it. */
export const fitsMetadata = (value: Record<string, unknown>): boolean =>
  Buffer.byteLength(JSON.stringify(value)) <= metadataKibMax * 1_024;

const linkedinGiven = shortText
  .transform((text, context) => {
    const url = canonicalLinkedinUrl(text);
    if (url) return url;
    context.addIssue({ code: 'custom', message: 'Must be an address at linkedin.com' });
    return z.NEVER;
  })
  .meta({ type: 'string' });

/** An address at LinkedIn, kept and found in one spelling. */
export const linkedinUrl = <const O extends Options<string>>(options: O = {} as O) =>
  field<string, string, string, O>(
    {
      given: linkedinGiven,
      shown: z.string(),
      stored: { type: String },
      type: 'text',
      filter: { schema: linkedinGiven.optional() },
    },
    options,
  );

/** What stands behind the @ of an email address in another field. */
export const domainOf = <const O extends Options<string>>(from: string, options: O = {} as O) =>
  field<string, never, string, O & { managed: true }>(
    {
      given: z.never(),
      shown: z.string(),
      stored: { type: String },
      type: 'text',
      derived: { from, make: (email) => email.slice(email.lastIndexOf('@') + 1).toLowerCase() },
    },
    { ...options, managed: true },
  );

const domainGiven = shortText
  .transform((text, context) => {
    const domain = canonicalDomain(text);
    if (domain) return domain;
    context.addIssue({ code: 'custom', message: 'Must be a domain such as example.com' });
    return z.NEVER;
  })
  .meta({ type: 'string' });

/** A domain of the internet, kept and found in one spelling. */
export const domain = <const O extends Options<string>>(options: O = {} as O) =>
  field<string, string, string, O>(
    {
      given: domainGiven,
      shown: z.string(),
      stored: { type: String },
      type: 'text',
      filter: { schema: domainGiven.optional() },
    },
    options,
  );
