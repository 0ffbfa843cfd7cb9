import '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import { deviceCookie } from './device.ts';

/** Who asks to be let in, as far as it shows. */
export interface Caller {
  address: string;
  userAgent?: string | undefined;
  /** What the browser was given when it last signed in. */
  deviceToken?: string | undefined;
}

export const callerOf = ({ ip, headers, cookies }: FastifyRequest): Caller => ({
  address: ip,
  userAgent: headers['user-agent'],
  deviceToken: cookies[deviceCookie],
});
