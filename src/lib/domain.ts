/** A name, or several with dots between them, as in DNS; in the letters that browsers send. */
const domainPattern = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

/**
 * The one spelling of a company's domain: small letters, no scheme, path or `www.`, however somebody wrote it.
 * Undefined for what is none.
 */
export function canonicalDomain(text: string): string | undefined {
  const written = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(written)) return undefined;
  const { hostname } = new URL(written);
  const domain = hostname.replace(/^www\.(?=.*\.)/, '').replace(/\.$/, '');
  return domainPattern.test(domain) ? domain : undefined;
}
