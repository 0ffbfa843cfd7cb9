import { randomBytes } from 'node:crypto';
import { hmacSha256 } from '../../../lib/crypto.ts';

/** Signatures as https://www.standardwebhooks.com describes them (symmetric, version 1). */

const secretPrefix = 'whsec_';
const secretBytes = 32;

export const createSecret = (): string => `${secretPrefix}${randomBytes(secretBytes).toString('base64')}`;

/** The key that a secret's text stands for. */
export const signingKeyOf = (secret: string): Buffer =>
  Buffer.from(secret.slice(secretPrefix.length), 'base64');

/** One signature per key; a receiver accepts a message that any of them fits. */
export function signatureHeader(
  keys: readonly Buffer[],
  message: { id: string; timestamp: number; body: string },
): string {
  const signed = `${message.id}.${message.timestamp}.${message.body}`;
  return keys.map((key) => `v1,${hmacSha256(key, signed).toString('base64')}`).join(' ');
}
