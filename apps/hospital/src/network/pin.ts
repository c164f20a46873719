/**
 * The pin of a server's key: SHA-256 over its SubjectPublicKeyInfo, as `sha256/BASE64`. It stays when the certificate is
 * renewed with the same key, and no authority can vouch for another.
 *
 * @see RFC 7469, section 2.4
 */
import { createHash, X509Certificate } from 'node:crypto';
import { z } from 'zod';

export const pinSchema = z
  .string()
  .regex(
    /^sha256\/[A-Za-z0-9+/]{43}=$/,
    'expected sha256/ and 44 characters of base64; consilium-hospital doctor prints it',
  );

/** @param certificate - DER. */
export function pinOf(certificate: Uint8Array): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(key).digest('base64')}`;
}

/** Ends a handshake with a server whose key is none of those pinned. */
export class PinMismatch extends Error {
  readonly code = 'PIN_MISMATCH';
  constructor(readonly presented: string) {
    super('the server holds none of the pinned keys');
  }
}
