import { z } from 'zod';
import { actionSuccess, dateTimeOut, envelope, shortText } from '../../lib/schemas.ts';
import { mailedToken } from '../mail/schema.ts';
import { accountEmail, knownPassword, newPassword, userOut } from '../users/schema.ts';

const success = z.literal(true).meta({ type: 'boolean' });

export const registration = z
  .object({ workspaceName: shortText, name: shortText, email: accountEmail, password: newPassword })
  .meta({ id: 'RegistrationInput' });

export const credentials = z
  .object({ email: accountEmail, password: knownPassword })
  .meta({ id: 'LoginInput' });

const workspaceSummary = z.object({
  workspaceId: z.string(),
  workspaceName: z.string(),
  role: z.string().describe("The user's role in the workspace"),
});

const token = z.string().describe('Session token of the Developer Portal routes; the cookie carries it too');

export const registered = z
  .object({
    success,
    user: userOut,
    workspace: workspaceSummary.omit({ role: true }),
    token,
    verification: mailedToken.optional(),
  })
  .meta({ id: 'RegistrationResponse' });

export const loggedIn = z
  .object({ success, user: userOut, workspaces: z.array(workspaceSummary), token })
  .meta({ id: 'LoginResponse' });

export const currentUser = z
  .object({ success, user: userOut, workspaces: z.array(workspaceSummary) })
  .meta({ id: 'CurrentUserResponse' });

const tokenInput = z.string().min(1).max(200).describe('From the mail');

export const acceptance = z
  .object({
    token: tokenInput,
    name: shortText.optional(),
    password: knownPassword
      .optional()
      .describe('Set for an address without an account, with at least 8 characters; else shows who accepts'),
  })
  .meta({ id: 'InvitationAcceptance' });

export const accepted = z
  .object({ success, user: userOut, workspace: workspaceSummary, token })
  .meta({ id: 'InvitationAcceptedResponse' });

export const forgottenPassword = z.object({ email: accountEmail }).meta({ id: 'ForgottenPasswordInput' });
export const resetPromised = actionSuccess.extend({ reset: mailedToken.optional() });
export const passwordReset = z
  .object({ token: tokenInput, password: newPassword })
  .meta({ id: 'PasswordResetInput' });
export const passwordChange = z
  .object({ currentPassword: knownPassword, newPassword })
  .meta({ id: 'PasswordChangeInput' });
export const verificationRequest = z.object({ email: accountEmail }).meta({ id: 'EmailVerificationRequest' });
export const verificationPromised = actionSuccess.extend({ verification: mailedToken.optional() });
export const emailVerification = z.object({ token: tokenInput }).meta({ id: 'EmailVerificationInput' });

export const sessionList = envelope(
  z.array(
    z.object({
      _id: z.string(),
      address: z.string().describe('Where it was opened'),
      userAgent: z.string().optional(),
      isCurrent: z.boolean().describe('Whether it is the one that asks'),
      createdAt: dateTimeOut,
      expiresAt: dateTimeOut,
    }),
  ),
).meta({ id: 'SessionListResponse' });
