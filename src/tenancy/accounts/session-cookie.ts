import '@fastify/cookie';
import type { FastifyReply } from 'fastify';
import type { Context } from '../../context.ts';
import { deviceCookie, deviceSeconds, deviceToken } from './device.ts';
import type { SignedIn } from './service.ts';
import { sessionSeconds } from './sessions.ts';

export const sessionCookie = 'session';

/** Never readable by scripts, never sent across sites. */
const attributesOf = ({ config }: Context) => ({
  httpOnly: true,
  sameSite: 'strict' as const,
  secure: config.publicUrl?.startsWith('https:') ?? config.isProduction,
  path: '/',
});

/** Signs the browser in, and lets it be recognised when its owner signs in again. */
export function setSessionCookie(ctx: Context, reply: FastifyReply, { user, token }: SignedIn): void {
  const attributes = attributesOf(ctx);
  reply.setCookie(sessionCookie, token, { ...attributes, maxAge: sessionSeconds });
  reply.setCookie(deviceCookie, deviceToken(ctx, user.email), { ...attributes, maxAge: deviceSeconds });
}

export function clearSessionCookie(ctx: Context, reply: FastifyReply): void {
  reply.clearCookie(sessionCookie, attributesOf(ctx));
}
