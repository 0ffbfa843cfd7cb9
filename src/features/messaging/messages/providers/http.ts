import { ProviderUnavailable, ProviderUncertain } from './provider.ts';

/**
 * From the name to the last byte of the answer. Longer than it takes to give up connecting (ten seconds, the name
 * included), so that a server that can't be reached shows as such.
 */
const callTimeoutMs = 15_000;

/** A page of a thousand templates has less; of what answers with more nothing is read on. */
const answerBytesMax = 4 * 1_024 * 1_024;

export interface ProviderAnswer {
  status: number;
  headers: Headers;
  /** The parsed JSON; undefined when it is none, or beyond all bounds. */
  body: unknown;
}

/** The request did not leave: no name, no route, nobody listening, or a certificate that does not fit. */
const notSentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/**
 * One request to a provider's HTTP API. Redirects are not followed: a credential would travel with them.
 * @throws ProviderUnavailable when the request did not leave; ProviderUncertain when it may have
 */
export async function callProvider(
  url: string,
  init: RequestInit,
  timeoutMs = callTimeoutMs,
): Promise<ProviderAnswer> {
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await textOf(response);
    return { status: response.status, headers: response.headers, body: parse(text) };
  } catch (error) {
    const code = (error as { cause?: { code?: string } }).cause?.code ?? '';
    if (notSentCodes.has(code)) throw new ProviderUnavailable('The provider can’t be reached', { code });
    throw new ProviderUncertain('The connection to the provider was lost', { cause: error });
  }
}

/** The answer's text; nothing of one that is too long. */
async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop ends the connection.
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How long a Retry-After header asks to wait, given in seconds. */
export function retryAfterMs(headers: Headers): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
}
