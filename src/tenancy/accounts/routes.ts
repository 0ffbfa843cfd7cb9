import type { Routes } from '../../http.ts';
import { actionSuccess, done } from '../../lib/schemas.ts';
import { presentUser } from '../users/present.ts';
import { callerOf } from './caller.ts';
import { acceptInvitation } from './invitations.ts';
import { withToken } from './present.ts';
import { findRequestSession, sessionOf } from './request-session.ts';
import {
  acceptance,
  accepted,
  credentials,
  currentUser,
  loggedIn,
  registered,
  registration,
} from './schema.ts';
import { getUser, listWorkspaces, login, register } from './service.ts';
import { clearSessionCookie, setSessionCookie } from './session-cookie.ts';
import { endSession } from './sessions.ts';

const tags = ['Accounts'];

export const accountRoutes: Routes = async (app, { ctx }) => {
  app.post(
    '/api/register',
    {
      config: { access: 'public', limitByAddress: true },
      schema: {
        operationId: 'register',
        summary: 'Open an account with a workspace of its own',
        tags,
        body: registration,
        response: { 201: registered },
      },
    },
    async (request, reply) => {
      const registration = await register(ctx, request.body, callerOf(request));
      const { user, workspace, token, verificationToken } = registration;
      setSessionCookie(ctx, reply, registration);
      reply.code(201);
      const verification = withToken('verification', verificationToken);
      return { success: true as const, user: presentUser(user), workspace, token, ...verification };
    },
  );

  app.post(
    '/api/login',
    {
      config: { access: 'public', limitByAddress: true },
      schema: {
        operationId: 'login',
        summary: 'Sign in: a session token, and a cookie with it',
        tags,
        body: credentials,
        response: { 200: loggedIn },
      },
    },
    async (request, reply) => {
      const signedIn = await login(ctx, request.body, callerOf(request));
      const { user, token } = signedIn;
      setSessionCookie(ctx, reply, signedIn);
      const workspaces = await listWorkspaces(ctx, user._id);
      return { success: true as const, user: presentUser(user), workspaces, token };
    },
  );

  app.post(
    '/api/logout',
    {
      config: { access: 'session' },
      schema: {
        operationId: 'logout',
        summary: 'Sign out: the session ends everywhere at once',
        tags,
        response: { 200: actionSuccess },
      },
    },
    async (request, reply) => {
      const { userId, _id } = sessionOf(request);
      await endSession(ctx, userId, _id);
      clearSessionCookie(ctx, reply);
      return done('Signed out');
    },
  );

  app.get(
    '/api/auth/user',
    {
      config: { access: 'session' },
      schema: {
        operationId: 'getCurrentUser',
        summary: 'The signed-in user and their workspaces',
        tags,
        response: { 200: currentUser },
      },
    },
    async (request) => {
      const user = await getUser(ctx, sessionOf(request).userId);
      const workspaces = await listWorkspaces(ctx, user._id);
      return { success: true as const, user: presentUser(user), workspaces };
    },
  );

  app.post(
    '/api/invitations/accept',
    {
      config: { access: 'public', limitByAddress: true },
      schema: {
        operationId: 'acceptInvitation',
        summary: 'Join the team that sent an invitation, with a new account or an existing one',
        tags,
        body: acceptance,
        response: { 200: accepted },
      },
    },
    async (request, reply) => {
      const session = await findRequestSession(ctx, request);
      const joined = await acceptInvitation(ctx, request.body, session, callerOf(request));
      const { user, workspace, token } = joined;
      setSessionCookie(ctx, reply, joined);
      return { success: true as const, user: presentUser(user), workspace, token };
    },
  );
};
