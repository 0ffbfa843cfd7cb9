import type { FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import { AppError } from '../../lib/errors.ts';

type Asked = Pick<FastifyRequest, 'method' | 'headers' | 'host'>;

const readingMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** `none`: a person typed the address or followed a bookmark. */
const ownSites = new Set(['same-origin', 'none']);

/**
 * Refuses to let another site's page change something with the cookie of the person who looks at it. Every browser of
 * the last years tells where such a request comes from in Origin, in Sec-Fetch-Site or in both; what tells neither is a
 * script with a cookie jar, which no page can make ask. SameSite=Strict keeps the cookie from foreign sites besides;
 * this holds against pages on other names below the same domain too. @throws AppError forbidden
 */
export function assertOwnOrigin(config: Pick<Config, 'publicUrl' | 'corsOrigins'>, request: Asked): void {
  if (readingMethods.has(request.method)) return;
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (origin !== undefined && config.corsOrigins.includes(origin)) return;
  const isOwn = origin === undefined || isOriginOf(origin, request.host, config.publicUrl);
  if (!isOwn || (site !== undefined && !ownSites.has(String(site)))) {
    throw new AppError('forbidden', { message: 'The request comes from another site' });
  }
}

function isOriginOf(origin: string, host: string, publicUrl: string | undefined): boolean {
  if (!URL.canParse(origin)) return false;
  return new URL(origin).host === host || (publicUrl !== undefined && new URL(publicUrl).origin === origin);
}
