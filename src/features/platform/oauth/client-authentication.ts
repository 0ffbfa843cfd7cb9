import type { FastifyRequest } from 'fastify';
import { AppError } from '../../../lib/errors.ts';

/** The challenge that an answer to a wrong `Authorization: Basic` carries (RFC 6749, 5.2). */
export const basicChallenge = 'Basic realm="oauth"';

export const usesBasic = (request: FastifyRequest): boolean =>
  /^Basic(?: |$)/i.test(request.headers.authorization ?? '');

/**
 * Puts client credentials that came as HTTP Basic into the body, where validation and handlers look for them. Runs
 * before validation.
 * @throws AppError unauthorized when the header can't be read
 */
export async function acceptBasicCredentials(request: FastifyRequest): Promise<void> {
  if (!usesBasic(request)) return;
  const [clientId, clientSecret] = parseBasic(request.headers.authorization ?? '');
  const body = request.body ?? {};
  // A body of another kind is left to validation.
  if (typeof body !== 'object' || Array.isArray(body)) return;
  request.body = { ...body, client_id: clientId, client_secret: clientSecret };
}

/** Id and secret, each form-encoded before they were joined (RFC 6749, 2.3.1). */
function parseBasic(header: string): [clientId: string, clientSecret: string] {
  const text = Buffer.from(header.slice('Basic'.length).trim(), 'base64').toString('utf8');
  const colon = text.indexOf(':');
  try {
    if (colon > 0) return [formDecode(text.slice(0, colon)), formDecode(text.slice(colon + 1))];
  } catch {
    // falls through: bad percent-encoding is as unreadable as a missing colon
  }
  throw new AppError('unauthorized', { message: 'Invalid client credentials' });
}

const formDecode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
