import { z } from 'zod';
import { email } from '../../lib/schemas.ts';

/** An address under which an account is found: one account, however the address is written. */
export const accountEmail = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(email)
  .meta({ type: 'string', format: 'email' });

/** Long enough to resist guessing, short enough to hash. */
export const newPassword = z.string().min(8).max(200);

/** One that is compared with what is stored. */
export const knownPassword = z.string().min(1).max(200);

export const userOut = z.object({ id: z.string(), email: z.string(), name: z.string() });
