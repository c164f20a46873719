/** Vectors as they travel, and the digests that are signed: who dealt, who survived, what was uploaded (SPEC 4 and 5). */
import { fromHex, lengthPrefixed, toHex } from '@consilium/bytes';
import { sha256Of } from '@consilium/crypto';
import { LABEL } from './keys.js';
import { merkleTree, rootOf, type Tree } from './merkle.js';
import type { ShareType, Survivor } from './messages.js';

export const CHUNK_BYTES = 65_536;

const digest = (label: string, ...parts: (string | Uint8Array)[]): string =>
  toHex(sha256Of(lengthPrefixed(LABEL + label, ...parts)));

export function dealtSetDigest(sessionId: string, dealt: readonly { readonly x: number }[]): string {
  return digest(
    'dealt-set',
    fromHex(sessionId),
    Uint8Array.from(dealt, ({ x }) => x),
  );
}

export function survivorsDigest(sessionId: string, survivors: readonly Survivor[]): string {
  const entries = survivors.flatMap(({ x, yRoot }) => [Uint8Array.of(x), fromHex(yRoot)]);
  return digest('survivors', fromHex(sessionId), ...entries);
}

export function recoveredDigest(sessionId: string, type: ShareType, x: number, secret: Uint8Array): string {
  return digest('recovered', fromHex(sessionId), type, Uint8Array.of(x), secret);
}

/** A view of the words as they travel: little-endian, as every machine that starts here has them. */
export function wordBytes(words: Uint32Array | Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** RFC 6962 over chunks of 64 KiB, so that one chunk can be checked alone. */
export function vectorTree(words: Uint32Array): Tree {
  const bytes = wordBytes(words);
  return merkleTree(
    Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, i) =>
      bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
    ),
  );
}

export const vectorRoot = (words: Uint32Array): string => toHex(rootOf(vectorTree(words)));
