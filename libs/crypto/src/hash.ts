/** SHA-256 as bytes and at native speed, for trees and commitments; {@link digestBlob} gives hex. */
import { createHash } from 'node:crypto';

/** SHA-256 of the parts, joined without any border between them: 32 bytes. */
export function sha256Of(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
