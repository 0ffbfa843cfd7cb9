import { z } from 'zod';
import { email, shortText } from '../../lib/schemas.ts';

const success = z.literal(true).meta({ type: 'boolean' });

/** An address under which an account is found: one account, however the address is written. */
export const accountEmail = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(email)
  .meta({ type: 'string', format: 'email' });

/** Long enough to resist guessing, short enough to hash. */
export const newPassword = z.string().min(8).max(200);

export const registration = z
  .object({ workspaceName: shortText, name: shortText, email: accountEmail, password: newPassword })
  .meta({ id: 'RegistrationInput' });

export const credentials = z
  .object({ email: accountEmail, password: z.string().min(1).max(200) })
  .meta({ id: 'LoginInput' });

const user = z.object({ id: z.string(), email: z.string(), name: z.string() });

const workspaceSummary = z.object({
  workspaceId: z.string(),
  workspaceName: z.string(),
  role: z.string().describe("The user's role in the workspace"),
});

const token = z.string().describe('Session token of the Developer Portal routes; the cookie carries it too');

export const registered = z
  .object({ success, user, workspace: workspaceSummary.omit({ role: true }), token })
  .meta({ id: 'RegistrationResponse' });

export const loggedIn = z
  .object({ success, user, workspaces: z.array(workspaceSummary), token })
  .meta({ id: 'LoginResponse' });

export const currentUser = z
  .object({ success, user, workspaces: z.array(workspaceSummary) })
  .meta({ id: 'CurrentUserResponse' });
