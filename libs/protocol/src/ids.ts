/** Names and digests as they travel. Brands keep one kind from being passed for another. */
import { z } from 'zod';

/** A DNS-like label: it is part of folder names and log lines, so it can hold neither `/` nor a control character. */
const label = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'expected a-z, 0-9 and inner hyphens, at most 63');

export const hospitalIdSchema = label.brand<'HospitalId'>();
export const runIdSchema = label.brand<'RunId'>();
/** SHA-256, 64 lower-case hex digits. */
export const digestSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand<'Digest'>();
/** An Ed25519 or X25519 public key, or 32 bytes of nonce, as hex. */
export const hex32Schema = z.string().regex(/^[0-9a-f]{64}$/);

export type HospitalId = z.infer<typeof hospitalIdSchema>;
export type RunId = z.infer<typeof runIdSchema>;
export type Digest = z.infer<typeof digestSchema>;
