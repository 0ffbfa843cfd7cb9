import type { Routes } from '../../http.ts';
import { actionSuccess, done } from '../../lib/schemas.ts';
import { callerOf } from './caller.ts';
import {
  changePassword,
  requestReset,
  requestVerification,
  resetPassword,
  verifyEmail,
} from './passwords.ts';
import { withToken } from './present.ts';
import { sessionOf } from './request-session.ts';
import {
  emailVerification,
  forgottenPassword,
  passwordChange,
  passwordReset,
  resetPromised,
  verificationPromised,
  verificationRequest,
} from './schema.ts';

const tags = ['Accounts'];
const open = { access: 'public', limitByAddress: true } as const;

/** What shows whose an account is: its address and its password. */
export const passwordRoutes: Routes = async (app, { ctx }) => {
  app.post(
    '/api/password/forgot',
    {
      config: open,
      schema: {
        operationId: 'forgotPassword',
        summary:
          'Ask for a mail with which the password can be set anew; the answer is the same for any address',
        tags,
        body: forgottenPassword,
        response: { 200: resetPromised },
      },
    },
    async (request) => {
      const token = await requestReset(ctx, request.body.email, callerOf(request));
      return { ...done('If the address has an account, a mail is on its way'), ...withToken('reset', token) };
    },
  );

  app.post(
    '/api/password/reset',
    {
      config: open,
      schema: {
        operationId: 'resetPassword',
        summary: 'Set a new password by the token of a mail; every session of the account ends',
        tags,
        body: passwordReset,
        response: { 200: actionSuccess },
      },
    },
    async ({ body }) => {
      await resetPassword(ctx, body.token, body.password);
      return done('Password set; sign in with it');
    },
  );

  app.post(
    '/api/email/verification',
    {
      config: open,
      schema: {
        operationId: 'requestEmailVerification',
        summary:
          "Ask once more for the mail that shows that the account's address is yours; the answer is the same for any address",
        tags,
        body: verificationRequest,
        response: { 200: verificationPromised },
      },
    },
    async (request) => {
      const token = await requestVerification(ctx, request.body.email, callerOf(request));
      return {
        ...done('If the address waits to be verified, a mail is on its way'),
        ...withToken('verification', token),
      };
    },
  );

  app.post(
    '/api/email/verify',
    {
      config: open,
      schema: {
        operationId: 'verifyEmail',
        summary: "Show by the token of a mail that the account's address is yours",
        tags,
        body: emailVerification,
        response: { 200: actionSuccess },
      },
    },
    async ({ body }) => {
      await verifyEmail(ctx, body.token);
      return done('Address verified');
    },
  );

  app.put(
    '/api/account/password',
    {
      config: { access: 'session' },
      schema: {
        operationId: 'changePassword',
        summary: 'Change the password; the other sessions of the account end',
        tags,
        body: passwordChange,
        response: { 200: actionSuccess },
      },
    },
    async (request) => {
      await changePassword(ctx, sessionOf(request), request.body, callerOf(request));
      return done('Password changed');
    },
  );
};
