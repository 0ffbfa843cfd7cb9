import type { FastifyRequest } from 'fastify';
import type { Routes } from '../../http.ts';
import { AppError } from '../../lib/errors.ts';
import { actionSuccess, done } from '../../lib/schemas.ts';
import type { Session } from './model.ts';
import { presentUser } from './present.ts';
import { credentials, currentUser, loggedIn, registered, registration } from './schema.ts';
import { getUser, listWorkspaces, login, logout, register } from './service.ts';
import { clearSessionCookie, setSessionCookie } from './session-cookie.ts';

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
      const { user, workspace, token } = await register(ctx, request.body);
      setSessionCookie(ctx, reply, token);
      reply.code(201);
      return { success: true as const, user: presentUser(user), workspace, token };
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
      const { user, token } = await login(ctx, request.body, request.ip);
      setSessionCookie(ctx, reply, token);
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
      await logout(ctx, sessionOf(request)._id);
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
};

/** Authentication has set it on every route for signed-in people. */
function sessionOf(request: Pick<FastifyRequest, 'session'>): Session {
  if (!request.session) throw new AppError('unauthorized');
  return request.session;
}
