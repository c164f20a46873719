/** SHA-256 for small inputs, everywhere that JavaScript runs. Large blobs on Node: `digestBlob` of libs/crypto. */
import { sha256 as noble } from '@noble/hashes/sha2.js';
import { utf8 } from './bytes.js';
import { toHex } from './text.js';

export const sha256 = (input: string | Uint8Array): Uint8Array =>
  noble(typeof input === 'string' ? utf8(input) : input);

/** @returns 64 lower-case hex digits. */
export const sha256Hex = (input: string | Uint8Array): string => toHex(sha256(input));
