import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';
import { invalid } from './errors.ts';

/**
 * E.164 form of a phone number, read with the workspace's default country when it has no country prefix.
 * Text that is no phone number of any plan (short codes, extensions, test numbers) normalises to its digits, so that
 * duplicates are still found; text with fewer than four digits has no normal form.
 */
export function normalisePhone(text: string, defaultCountry: string): string | undefined {
  const country = isSupportedCountry(defaultCountry) ? (defaultCountry as CountryCode) : undefined;
  const parsed = parsePhoneNumberFromString(text, country);
  if (parsed?.isPossible()) return parsed.number;
  const digits = text.replace(/\D/g, '');
  if (digits.length < 4) return undefined;
  return text.trim().startsWith('+') ? `+${digits}` : digits;
}

/** The same for a given field, which has to be a phone number. @throws AppError invalid */
export function requirePhone(field: string, text: string, defaultCountry: string): string {
  const normalised = normalisePhone(text, defaultCountry);
  if (!normalised) throw invalid(field, 'Must be a phone number');
  return normalised;
}

/** Whether the text names a country whose numbering plan is known, as an ISO 3166 code. */
export const isCountry = (code: string): boolean => isSupportedCountry(code);
