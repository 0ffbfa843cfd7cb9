import '@fastify/cookie';
import type { FastifyReply } from 'fastify';
import type { Context } from '../../context.ts';
import { sessionSeconds } from './service.ts';

export const sessionCookie = 'session';

/** Never readable by scripts, never sent across sites. */
const attributesOf = ({ config }: Context) => ({
  httpOnly: true,
  sameSite: 'strict' as const,
  secure: config.publicUrl?.startsWith('https:') ?? config.isProduction,
  path: '/',
});

export function setSessionCookie(ctx: Context, reply: FastifyReply, token: string): void {
  reply.setCookie(sessionCookie, token, { ...attributesOf(ctx), maxAge: sessionSeconds });
}

export function clearSessionCookie(ctx: Context, reply: FastifyReply): void {
  reply.clearCookie(sessionCookie, attributesOf(ctx));
}
