const host = 'linkedin.com';

/**
 * The one spelling of an address at LinkedIn: https, the plain host, the path in small letters, no query, no slash at
 * the end. However somebody wrote it, it is found by this. Undefined for what is no address there.
 */
export function canonicalLinkedinUrl(text: string): string | undefined {
  const written = /^https?:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(written)) return undefined;
  const { hostname, pathname } = new URL(written);
  if (hostname !== host && !hostname.endsWith(`.${host}`)) return undefined;
  const path = pathname.toLowerCase().replace(/\/+$/, '');
  return path ? `https://${host}${path}` : undefined;
}
