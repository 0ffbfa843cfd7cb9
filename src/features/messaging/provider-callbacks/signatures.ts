import { createHmac } from 'node:crypto';
import { hmacSha256, isEqualConstantTime } from '../../../lib/crypto.ts';

/** Meta signs the bytes of the body with the app's secret: `X-Hub-Signature-256: sha256=<hex>`. */
export function isSignedByMeta(appSecret: string, body: Buffer, signature: string | undefined): boolean {
  return isEqualConstantTime(signature ?? '', `sha256=${hmacSha256(appSecret, body).toString('hex')}`);
}

/** Twilio signs the address that it calls, followed by the form's names and values in the order of the names. */
export function isSignedByTwilio(
  authToken: string,
  url: string,
  form: URLSearchParams,
  signature: string | undefined,
): boolean {
  const names = [...new Set(form.keys())].sort();
  const fields = names.flatMap((name) => [...new Set(form.getAll(name))].sort().map((value) => name + value));
  const expected = createHmac('sha1', authToken)
    .update(url + fields.join(''))
    .digest('base64');
  return isEqualConstantTime(signature ?? '', expected);
}
