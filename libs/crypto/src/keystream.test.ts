/**
 * Claims: (1) the words are those of the design's known answers, little-endian; (2) adding and subtracting, for any number
 * of terms, any length (also where a block ends inside) and any starting point, is arithmetic modulo 2^32 on those words;
 * (3) a part of a stream is the same words as the whole; (4) keys that differ in one bit give unrelated streams; (5) no
 * word is out of reach; (6) bad arguments change nothing; (7) no keystream stays behind in the kernel;
 * (8) the product of a stream with words is the sum of products modulo 2^32; (9) so is the sum of two vectors.
 * Oracle: vectors/keystream of the design (node:crypto by an independent script, 2026-11-22), one-shot AES-256-CTR of
 * node:crypto, and BigInt arithmetic.
 *
 * Statistical: (4) and (5) fail by chance less than once in 10^9 runs each (bounds beside them).
 */
import { createCipheriv } from 'node:crypto';
import { fromHex } from '@consilium/bytes';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addKeystreams, addWords, keystreamDots, keystreamWords, type MaskTerm } from './keystream.js';
import { BLOCK_BYTES, kernel } from './ring-kernel.js';
import { secretBytes } from './secretbox.js';

const BLOCK_WORDS = BLOCK_BYTES / 4;
const key = fromHex('63958393bca672d8545f280ccc81364cc84773b873b9b386c6eb522d1d6b5781');

function oneShot(streamKey: Uint8Array, words: number): Uint32Array {
  const bytes = createCipheriv('aes-256-ctr', streamKey, Buffer.alloc(16)).update(Buffer.alloc(4 * words));
  return Uint32Array.from({ length: words }, (_, k) => bytes.readUInt32LE(4 * k));
}

const sameWords = (a: Uint32Array, b: Uint32Array): boolean =>
  Buffer.compare(new Uint8Array(a.buffer), new Uint8Array(b.buffer)) === 0;

describe('the stream', () => {
  it('1. has the words of the known answer', () => {
    expect([...keystreamWords(key, 8)]).toEqual([
      3306159234, 3020213244, 2229799277, 2275320116, 1783399118, 865198940, 3299051566, 809712687,
    ]);
  });

  it.each([1, 3, 4, BLOCK_WORDS - 1, BLOCK_WORDS, BLOCK_WORDS + 1, 70_001])(
    'is AES-256-CTR of zeros: %i words',
    (words) => {
      expect(sameWords(keystreamWords(key, words), oneShot(key, words))).toBe(true);
    },
  );

  it('can be entered at any counter, also beyond 2^32 bytes', () => {
    const whole = oneShot(key, 40_000);
    for (const start of [4, 16_384, 32_000]) {
      expect(sameWords(keystreamWords(key, 100, start), whole.slice(start, start + 100))).toBe(true);
    }
    const counter = Buffer.from('00000000000000000000000140000000', 'hex');
    const far = createCipheriv('aes-256-ctr', key, counter).update(Buffer.alloc(16));
    expect(keystreamWords(key, 1, 4 * 0x1_4000_0000)[0]).toBe(far.readUInt32LE());
  });

  it('1. of a key with one bit flipped has nothing in common', () => {
    const other = Uint8Array.from(key, (byte, at) => (at === 31 ? byte ^ 1 : byte));
    const [a, b] = [keystreamWords(key, 32_768), keystreamWords(other, 32_768)];
    let bits = 0;
    for (let k = 0; k < a.length; k++) {
      for (let word = ((a[k] ?? 0) ^ (b[k] ?? 0)) >>> 0; word !== 0; word &= word - 1) bits += 1;
    }
    // Binomial(2^20, 1/2): standard deviation 512; 6.5 of them are exceeded with probability 8e-11.
    expect(Math.abs(bits - 2 ** 19)).toBeLessThan(6.5 * 512);
  });

  it('2. reaches both ends of the ring: the highest byte of a word takes all its values, evenly', () => {
    const words = keystreamWords(secretBytes(32), 1_000_000);
    const seen = new Float64Array(256);
    for (const word of words) seen[word >>> 24] = (seen[word >>> 24] ?? 0) + 1;
    const expected = words.length / 256;
    const chiSquare = seen.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 255 degrees of freedom: above 410 with probability below 1e-9 (Wilson-Hilferty: z = 6.1).
    expect(chiSquare).toBeLessThan(410);
  });
});

const nothingStays = (): void => {
  expect(new Uint8Array(kernel.memory.buffer).every((byte) => byte === 0)).toBe(true);
};

describe('the products with streams', () => {
  it.each([1, 3, 17, BLOCK_WORDS - 1, BLOCK_WORDS, BLOCK_WORDS + 5, BLOCK_WORDS + 17])(
    'are sums modulo 2^32: %i words',
    (count) => {
      const words = oneShot(key.toReversed(), count);
      const keys = [key, secretBytes(32)];
      const exact = keys.map((each) => {
        const stream = oneShot(each, count);
        return Number(
          BigInt.asUintN(
            32,
            words.reduce((sum, word, k) => sum + BigInt(word) * BigInt(stream[k] ?? 0), 0n),
          ),
        );
      });
      expect(keystreamDots(keys, words)).toEqual(exact);
      nothingStays();
    },
  );
});

describe('adding vectors', () => {
  it.each([1, 5, 16, 17, BLOCK_WORDS, BLOCK_WORDS + 1])('is arithmetic modulo 2^32: %i words', (count) => {
    const [target, term] = [oneShot(key, count + 2), oneShot(key.toReversed(), count)];
    const exact = target.map((word, k) => word + (k === 0 || k > count ? 0 : (term[k - 1] ?? 0)));
    addWords(target.subarray(1, count + 1), term);
    expect(sameWords(target, exact)).toBe(true);
    expect(sameWords(term, oneShot(key.toReversed(), count))).toBe(true);
    nothingStays();
  });

  it.each([3, 5])('of 4 and %i words is refused and changes nothing', (count) => {
    const target = new Uint32Array(4);
    expect(() => {
      addWords(target, new Uint32Array(count).fill(1));
    }).toThrow(RangeError);
    expect([...target]).toEqual([0, 0, 0, 0]);
  });
});

describe('adding streams', () => {
  const terms = fc.array(
    fc.record({ key: fc.uint8Array({ minLength: 32, maxLength: 32 }), sign: fc.constantFrom(1 as const, -1 as const) }),
    { maxLength: 5 },
  );

  it('is arithmetic modulo 2^32', () => {
    const lengths = fc.constantFrom(1, 5, BLOCK_WORDS, BLOCK_WORDS + 6);
    fc.assert(
      fc.property(terms, lengths, fc.nat(0xffffffff), (list: MaskTerm[], length, first) => {
        const target = Uint32Array.from({ length }, (_, k) => first + k);
        addKeystreams(target, list);
        const streams = list.map(({ key: streamKey, sign }) => ({ sign, words: oneShot(streamKey, length) }));
        for (const k of [0, length >> 1, length - 1]) {
          const exact = streams.reduce((sum, s) => sum + BigInt(s.sign) * BigInt(s.words[k] ?? 0), BigInt(first + k));
          expect(BigInt(target[k] ?? 0)).toBe(BigInt.asUintN(32, exact));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('works on a view into a larger array and leaves the rest alone', () => {
    const all = new Uint32Array(20);
    addKeystreams(all.subarray(3, 10), [{ key, sign: 1 }]);
    expect([...all.subarray(0, 3), ...all.subarray(10)]).toEqual(new Array(13).fill(0));
    expect([...all.subarray(3, 10)]).toEqual([...oneShot(key, 7)]);
  });

  it('cancels', () => {
    const target = new Uint32Array(BLOCK_WORDS + 1).fill(7);
    addKeystreams(target, [{ key, sign: 1 }]);
    addKeystreams(target, [{ key, sign: -1 }]);
    expect(target.every((word) => word === 7)).toBe(true);
  });

  it.each([
    ['a short key', { key: new Uint8Array(31), sign: 1 } as const, 0],
    ['a start inside a block', { key, sign: 1 } as const, 2],
    ['a negative start', { key, sign: 1 } as const, -4],
  ])('refuses %s before it changes anything', (_, term, start) => {
    const target = new Uint32Array(4);
    expect(() => {
      addKeystreams(target, [{ key, sign: 1 }, term], start);
    }).toThrow(RangeError);
    expect([...target]).toEqual([0, 0, 0, 0]);
  });

  it('leaves no keystream in the memory of the kernel', () => {
    addKeystreams(new Uint32Array(100), [{ key, sign: 1 }]);
    nothingStays();
  });
});
