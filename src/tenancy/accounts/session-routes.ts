import { z } from 'zod';
import type { Routes } from '../../http.ts';
import { requireId } from '../../lib/ids.ts';
import { actionSuccess, done } from '../../lib/schemas.ts';
import { presentSession } from './present.ts';
import { sessionOf } from './request-session.ts';
import { sessionList } from './schema.ts';
import { endSession, listSessions } from './sessions.ts';

const tags = ['Accounts'];
const config = { access: 'session' } as const;

/** Where an account is signed in. */
export const sessionRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/api/account/sessions',
    {
      config,
      schema: {
        operationId: 'listSessions',
        summary: 'List where the account is signed in, the newest first',
        tags,
        response: { 200: sessionList },
      },
    },
    async (request) => {
      const current = sessionOf(request);
      const found = await listSessions(ctx, current);
      return { success: true as const, data: found.map((session) => presentSession(session, current)) };
    },
  );

  app.delete(
    '/api/account/sessions/:sessionId',
    {
      config,
      schema: {
        operationId: 'endSession',
        summary: 'Sign out somewhere else: the session ends everywhere at once',
        tags,
        params: z.object({ sessionId: z.string() }),
        response: { 200: actionSuccess },
      },
    },
    async (request) => {
      const { userId } = sessionOf(request);
      await endSession(ctx, userId, requireId(request.params.sessionId, 'Session'));
      return done('Session ended');
    },
  );
};
