import '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import type { Context } from '../../context.ts';
import { bearerOf } from '../../lib/bearer.ts';
import { AppError } from '../../lib/errors.ts';
import type { Session } from './model.ts';
import { assertOwnOrigin } from './origin.ts';
import { sessionCookie } from './session-cookie.ts';
import { findSession } from './sessions.ts';

/**
 * The live session of a request, by token or by cookie. A browser sends the cookie whoever makes it ask, so what would
 * change something is held against where it comes from. @throws AppError forbidden
 */
export async function findRequestSession(ctx: Context, request: FastifyRequest) {
  const bearer = bearerOf(request);
  const token = bearer ?? request.cookies[sessionCookie];
  const session = token ? await findSession(ctx, token) : undefined;
  if (session && bearer === undefined) assertOwnOrigin(ctx.config, request);
  return session;
}

/** Authentication has set it on every route for signed-in people. */
export function sessionOf(request: Pick<FastifyRequest, 'session'>): Session {
  if (!request.session) throw new AppError('unauthorized');
  return request.session;
}
