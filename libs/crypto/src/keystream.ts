/**
 * AES-256 in counter mode as a stream of ring elements: word k is bytes 4k to 4k + 3 of the keystream, u32 little-endian,
 * counter from zero. One key is one stream: a key that masks a vector does nothing else.
 */
import { createCipheriv, type Cipher } from 'node:crypto';
import { endianness } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import { requireKey } from './raw-keys.js';
import { BLOCK_BYTES, kernel, STRIDE_BYTES } from './ring-kernel.js';

// Typed arrays are of the machine's order: on a big-endian one the masks of two hospitals would not cancel.
if (endianness() !== 'LE') throw new Error('masks need a little-endian machine');

const CIPHER = 'aes-256-ctr';
const COUNTER_BYTES = 16;
const WORD_BYTES = 4;
/** A stream may start at any multiple of this: the words of one AES block. */
export const WORDS_PER_COUNTER = COUNTER_BYTES / WORD_BYTES;

const zeros = new Uint8Array(BLOCK_BYTES);
const memory = new Uint8Array(kernel.memory.buffer);
const [sum, block] = [memory.subarray(0, BLOCK_BYTES), memory.subarray(BLOCK_BYTES, 2 * BLOCK_BYTES)];

/** A port that is closed takes what is transferred to it, and frees it at once. */
const { port1: nowhere } = new MessageChannel();
nowhere.close();

/**
 * The next bytes of a stream, into `block`. Node has no encryption into a given buffer: each block is a new one, which
 * would wait for the collector and be cold memory. Given back here, the same bytes are used again while they are in the
 * cache: a third less time for a mask, and no collections. The result is the same where an engine should not do so.
 */
function nextBlock(cipher: Cipher, byteLength: number): void {
  const fresh = cipher.update(zeros.subarray(0, byteLength));
  block.set(fresh);
  if (fresh.buffer.byteLength === byteLength) nowhere.postMessage(null, [fresh.buffer]);
}

/** One term of a masked vector or of its unmasking. */
export interface MaskTerm {
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly sign: 1 | -1;
}

function openStream(key: Uint8Array, startWord: number): Cipher {
  requireKey(key, 'mask key');
  if (!Number.isSafeInteger(startWord) || startWord < 0 || startWord % WORDS_PER_COUNTER !== 0) {
    throw new RangeError(`a stream starts at a multiple of ${WORDS_PER_COUNTER} words`);
  }
  const counter = Buffer.alloc(COUNTER_BYTES);
  counter.writeBigUInt64BE(BigInt(startWord / WORDS_PER_COUNTER), COUNTER_BYTES / 2);
  return createCipheriv(CIPHER, key, counter);
}

/**
 * Words `startWord` to `startWord + words - 1` of a key's stream.
 *
 * @param key - 32 bytes, uniform (out of HKDF or the CSPRNG).
 * @param startWord - a multiple of {@link WORDS_PER_COUNTER}.
 * @returns u32, shape (words,).
 */
export function keystreamWords(key: Uint8Array, words: number, startWord = 0): Uint32Array {
  const stream = new Uint32Array(words);
  addKeystreams(stream, [{ key, sign: 1 }], startWord);
  return stream;
}

/**
 * target[k] += sum over terms of sign * stream[startWord + k], modulo 2^32. Costs about 1 ms for a million words and term;
 * block by block, so that the sum stays in the cache whatever the number of terms.
 *
 * @param target - u32, shape (d,); changed in place.
 * @param startWord - where in its streams `target` begins, a multiple of {@link WORDS_PER_COUNTER}.
 * @throws RangeError before anything is changed, for a key that is not 32 bytes or another `startWord`.
 */
export function addKeystreams(target: Uint32Array, terms: readonly MaskTerm[], startWord = 0): void {
  const streams = terms.map(({ key, sign }) => ({ cipher: openStream(key, startWord), sign }));
  inBlocks(target, (part) => {
    sum.set(part);
    for (const { cipher, sign } of streams) {
      nextBlock(cipher, part.length);
      if (sign === 1) kernel.add(part.length);
      else kernel.subtract(part.length);
    }
    part.set(sum.subarray(0, part.length));
  });
}

/**
 * target[k] += term[k], modulo 2^32, both u32, shape (d,). A quarter of the time of a loop in JavaScript.
 *
 * @throws RangeError if one is longer than the other.
 */
export function addWords(target: Uint32Array, term: Uint32Array): void {
  if (target.length !== term.length) throw new RangeError('vectors that are added have one length');
  const bytes = bytesOf(term);
  inBlocks(target, (part, start) => {
    sum.set(part);
    block.set(bytes.subarray(start, start + part.length));
    kernel.add(part.length);
    part.set(sum.subarray(0, part.length));
  });
}

/**
 * For each key, the sum over k of stream[k] * words[k], modulo 2^32: checksum words under public keys.
 *
 * @param keys - 32 bytes each.
 * @param words - u32, shape (d,). Not modified.
 * @returns 0 to 2^32 - 1, in the order of the keys.
 */
export function keystreamDots(keys: readonly Uint8Array[], words: Uint32Array): number[] {
  const ciphers = keys.map((key) => openStream(key, 0));
  const totals = keys.map(() => 0);
  inBlocks(words, (part) => {
    sum.set(part);
    sum.fill(0, part.length, part.length + STRIDE_BYTES); // the kernel rounds up
    ciphers.forEach((cipher, i) => {
      nextBlock(cipher, part.length);
      totals[i] = ((totals[i] as number) + kernel.dot(part.length)) | 0;
    });
  });
  return totals.map((total) => total >>> 0);
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function inBlocks(words: Uint32Array, work: (part: Uint8Array, start: number) => void): void {
  const bytes = bytesOf(words);
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    work(bytes.subarray(start, start + BLOCK_BYTES), start);
  }
  memory.fill(0); // the last block of a stream is as secret as its key, and the words may be a raw vector
}
