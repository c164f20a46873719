/**
 * Claims: (1) what is sealed opens to the same bytes, in the exact size announced, at every chunk border; (2) with any
 * field of the context or the round key changed it does not open; (3) no bit, cut, extension, swap, repetition or
 * omission of a chunk goes unnoticed, and no byte of an unauthentic chunk is given out; (4) nothing repeats between two
 * sealings; (5) low-order keys are refused where tweetnacl alone would let anyone open or forge; (6) secrets are zero
 * afterwards. Oracle: the plaintext itself; for the format an independent program, in vectors.test.ts.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { concatBytes } from '@consilium/bytes';
import nacl from 'tweetnacl';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { generateRoundKey } from './agreement.js';
import { boxKey, lowlevel } from './box-key.js';
import type { CryptoErrorCode } from './errors.js';
import type { SealContext } from './seal-context.js';
import { chunkKey } from './seal-context.js';
import { HEAD_BYTES, parseSealed, sealedSizeBytes, writeHead } from './sealed-layout.js';
import { openSealedChunks, openSealedUpdate, sealUpdate } from './sealed-update.js';
import { sealStream } from './stream.js';

const context: SealContext = {
  planDigest: 'ab'.repeat(32),
  runId: 'run-7',
  round: 3,
  attempt: 1,
  hospitalId: 'hospital-north',
};
const roundKey = generateRoundKey();
const FULL = 65_536 + 16;

/** Incompressible and different for each seed. */
const plaintextOf = (sizeBytes: number, seed = 0) =>
  sizeBytes === 0
    ? new Uint8Array(0)
    : new Uint8Array(createHash('shake256', { outputLength: sizeBytes }).update(String(seed)).digest());
const open = (sealed: Uint8Array, secretKey = roundKey.secretKey, at = context) =>
  openSealedUpdate(sealed, secretKey, at);
function codeOf(act: () => unknown): CryptoErrorCode | 'opened' {
  try {
    act();
    return 'opened';
  } catch (error) {
    return (error as { code: CryptoErrorCode }).code;
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('sealing and opening', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, 131_072, 200_000])('%i bytes return whole, in the size announced', (size) => {
    const plaintext = plaintextOf(size);
    const sealed = sealUpdate(plaintext, roundKey.publicKey, context);
    expect(sealed.length).toBe(sealedSizeBytes(size));
    expect(sealed.length).toBe(112 + size + 16 * Math.max(1, Math.ceil(size / 65_536)));
    expect(Buffer.compare(open(sealed), plaintext)).toBe(0);
    const chunks = [...openSealedChunks(sealed, roundKey.secretKey, context)];
    expect(chunks.map(({ length }) => length).slice(0, -1)).toEqual(chunks.slice(1).map(() => 65_536));
    expect(Buffer.compare(concatBytes(...chunks), plaintext)).toBe(0);
  });

  it('takes any bytes and any context that a plan can have', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    const anyContext = fc.record({
      planDigest: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => Buffer.from(b).toString('hex')),
      runId: word,
      round: fc.maxSafeNat(),
      attempt: fc.maxSafeNat(),
      hospitalId: word,
    });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), anyContext, (plaintext, where) => {
        const sealed = sealUpdate(plaintext, roundKey.publicKey, where);
        expect(open(sealed, roundKey.secretKey, where)).toEqual(plaintext);
      }),
      { numRuns: 40 },
    );
  });

  it('reads a view at an offset and leaves it alone', () => {
    const backing = plaintextOf(90_000);
    const copy = Uint8Array.from(backing);
    const sealed = sealUpdate(backing.subarray(7, 80_000), roundKey.publicKey, context);
    const shifted = new Uint8Array(sealed.length + 5);
    shifted.set(sealed, 5);
    expect(Buffer.compare(open(shifted.subarray(5)), copy.subarray(7, 80_000))).toBe(0);
    expect(Buffer.compare(backing, copy)).toBe(0);
    expect(Buffer.compare(shifted.subarray(5), sealed)).toBe(0);
  });

  it('repeats nothing between two sealings of the same update', () => {
    const [a, b] = [1, 2].map(() => parseSealed(sealUpdate(plaintextOf(64), roundKey.publicKey, context)));
    for (const part of ['ephemeralPublicKey', 'nonce', 'box', 'chunks'] as const) {
      expect(a?.[part]).not.toEqual(b?.[part]);
    }
  });
});

describe('the context', () => {
  const plaintext = plaintextOf(40);
  const sealed = sealUpdate(plaintext, roundKey.publicKey, context);

  it.each<[string, Partial<SealContext>]>([
    ['plan', { planDigest: 'ab'.repeat(31) + 'ac' }],
    ['run', { runId: 'run-8' }],
    ['round', { round: 4 }],
    ['attempt', { attempt: 2 }],
    ['hospital', { hospitalId: 'hospital-south' }],
    ['border between two fields', { runId: 'run-73', round: 0 }],
    ['order of round and attempt', { round: 1, attempt: 3 }],
  ])('with another %s does not open', (_, change) => {
    expect(codeOf(() => open(sealed, roundKey.secretKey, { ...context, ...change }))).toBe('SEAL_AUTHENTICATION');
    expect(open(sealed)).toEqual(plaintext);
  });

  it('opens with no other context that differs at all', () => {
    const change = fc.oneof(
      fc.record({ runId: fc.string({ minLength: 1 }).filter((id) => id.isWellFormed() && id !== context.runId) }),
      fc.record({
        hospitalId: fc.string({ minLength: 1 }).filter((id) => id.isWellFormed() && id !== context.hospitalId),
      }),
      fc.record({ round: fc.maxSafeNat().filter((n) => n !== context.round) }),
      fc.record({ attempt: fc.maxSafeNat().filter((n) => n !== context.attempt) }),
    );
    fc.assert(
      fc.property(change, (changed) => {
        expect(codeOf(() => open(sealed, roundKey.secretKey, { ...context, ...changed }))).toBe('SEAL_AUTHENTICATION');
      }),
      { numRuns: 40 },
    );
  });

  it('with another round key does not open', () => {
    expect(codeOf(() => open(sealed, generateRoundKey().secretKey))).toBe('SEAL_AUTHENTICATION');
  });

  it.each<[string, Partial<SealContext>]>([
    ['an upper-case digest', { planDigest: 'AB'.repeat(32) }],
    ['a short digest', { planDigest: 'ab' }],
    ['a digest with a byte more', { planDigest: 'ab'.repeat(33) }],
    ['a digest behind something else', { planDigest: `:${'ab'.repeat(32)}` }],
    ['a fraction', { round: 1.5 }],
    ['a negative attempt', { attempt: -1 }],
    ['no run', { runId: '' }],
    ['a lone surrogate', { hospitalId: '\ud800' }],
  ])('with %s is refused on both sides as misuse', (_, change) => {
    const wrong = { ...context, ...change };
    expect(() => sealUpdate(plaintext, roundKey.publicKey, wrong)).toThrow(RangeError);
    expect(() => open(sealed, roundKey.secretKey, wrong)).toThrow(RangeError);
  });
});

describe('altered bytes', () => {
  it('any flipped bit of a short update is refused', () => {
    const sealed = sealUpdate(plaintextOf(3), roundKey.publicKey, context);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = Uint8Array.from(sealed);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(
        codeOf(() => open(flipped)),
        `bit ${bit}`,
      ).toBe(bit < 64 ? 'SEAL_FORMAT' : 'SEAL_AUTHENTICATION');
    }
  });

  it('any cut of a short update, and any extension, is refused', () => {
    const sealed = sealUpdate(plaintextOf(20), roundKey.publicKey, context);
    for (let length = 0; length < sealed.length; length += 1) {
      const code = length < 128 ? 'SEAL_TRUNCATED' : 'SEAL_AUTHENTICATION';
      expect(
        codeOf(() => open(sealed.subarray(0, length))),
        `${length} bytes`,
      ).toBe(code);
    }
    for (const more of [1, 16, 17, 1000]) {
      expect(codeOf(() => open(concatBytes(sealed, new Uint8Array(more))))).toBe('SEAL_AUTHENTICATION');
    }
  });

  const sealed = sealUpdate(plaintextOf(200_000), roundKey.publicKey, context);
  const head = sealed.subarray(0, HEAD_BYTES);
  const chunks = [0, 1, 2, 3].map((i) => sealed.subarray(HEAD_BYTES + i * FULL, HEAD_BYTES + (i + 1) * FULL));
  it.each([
    ['in order', [0, 1, 2, 3], 'opened'],
    ['cut after the first', [0], 'SEAL_AUTHENTICATION'],
    ['cut before the last', [0, 1, 2], 'SEAL_AUTHENTICATION'],
    ['the last one alone', [3], 'SEAL_AUTHENTICATION'],
    ['one missing', [0, 2, 3], 'SEAL_AUTHENTICATION'],
    ['two swapped', [1, 0, 2, 3], 'SEAL_AUTHENTICATION'],
    ['one repeated', [0, 0, 1, 2, 3], 'SEAL_AUTHENTICATION'],
    ['the last one repeated', [0, 1, 2, 3, 3], 'SEAL_AUTHENTICATION'],
  ])('chunks %s', (_, order, code) => {
    const reordered = concatBytes(head, ...order.map((i) => chunks[i] ?? head));
    expect(codeOf(() => open(reordered))).toBe(code);
  });

  it('chunks of another sealing to the same hospital and round do not fit', () => {
    const other = sealUpdate(plaintextOf(200_000), roundKey.publicKey, context);
    expect(codeOf(() => open(concatBytes(head, other.subarray(HEAD_BYTES))))).toBe('SEAL_AUTHENTICATION');
  });

  it('gives out true chunks only, and then the error', () => {
    const altered = Uint8Array.from(sealed);
    altered[HEAD_BYTES + 2 * FULL] = (altered[HEAD_BYTES + 2 * FULL] ?? 0) ^ 1;
    const given: Uint8Array[] = [];
    const iterate = () => {
      for (const chunk of openSealedChunks(altered, roundKey.secretKey, context)) given.push(chunk);
    };
    expect(codeOf(iterate)).toBe('SEAL_AUTHENTICATION');
    expect(Buffer.compare(concatBytes(...given), plaintextOf(200_000).subarray(0, 2 * 65_536))).toBe(0);
  });

  it('an empty last chunk after a full one has no sealed size, although it is well sealed', () => {
    expect(codeOf(() => parseSealed(concatBytes(head, new Uint8Array(FULL + 16))))).toBe('SEAL_TRUNCATED');
    expect(codeOf(() => parseSealed(concatBytes(head, new Uint8Array(FULL + 17))))).toBe('opened');
  });
});

describe('keys', () => {
  const zeroKey = new Uint8Array(32);

  it('a low-order round key is refused before anything is sealed to it', () => {
    expect(codeOf(() => sealUpdate(plaintextOf(1), zeroKey, context))).toBe('LOW_ORDER_KEY');
  });

  it('an update from a low-order ephemeral key is refused, although all of it is well made', () => {
    const nonce = new Uint8Array(24);
    const contentKey = new Uint8Array(32).fill(5);
    // X25519 with the zero point is zero for every secret: this box opens with any round key.
    const boxKey = nacl.box.before(zeroKey, generateRoundKey().secretKey);
    const box = nacl.box.after(contentKey, nonce, boxKey);
    expect(nacl.box.open(box, nonce, zeroKey, roundKey.secretKey)).toEqual(contentKey);
    const publics = { ephemeralPublicKey: zeroKey, nonce, roundPublicKey: roundKey.publicKey };
    const forged = new Uint8Array(sealedSizeBytes(9));
    writeHead(forged, { ephemeralPublicKey: zeroKey, nonce, box });
    sealStream(chunkKey(contentKey, publics, context), plaintextOf(9), forged.subarray(HEAD_BYTES));
    expect(codeOf(() => open(forged))).toBe('LOW_ORDER_KEY');
  });

  it('of a box are those of tweetnacl', () => {
    const [ours, theirs] = [generateRoundKey(), generateRoundKey()];
    expect(boxKey(theirs.publicKey, ours.secretKey)).toEqual(nacl.box.before(theirs.publicKey, ours.secretKey));
  });

  it.each([0, 31, 33])('of %i bytes are refused as misuse', (length) => {
    const sealed = sealUpdate(plaintextOf(1), roundKey.publicKey, context);
    expect(() => sealUpdate(plaintextOf(1), new Uint8Array(length).fill(9), context)).toThrow(RangeError);
    expect(() => open(sealed, new Uint8Array(length).fill(9))).toThrow(RangeError);
  });

  it('are zero afterwards, also when opening fails or stops early', () => {
    const secrets: Uint8Array[] = [];
    const randomBytes = nacl.randomBytes.bind(nacl);
    const hsalsa20 = lowlevel.crypto_core_hsalsa20.bind(lowlevel);
    const after = nacl.box.after.bind(nacl.box);
    const openAfter = nacl.box.open.after.bind(nacl.box.open);
    const kept = <T extends Uint8Array | null>(secret: T): T => {
      if (secret) secrets.push(secret);
      return secret;
    };
    vi.spyOn(nacl, 'randomBytes').mockImplementation((length) => kept(randomBytes(length)));
    vi.spyOn(lowlevel, 'crypto_core_hsalsa20').mockImplementation((out, input, shared, constant) => {
      hsalsa20(out, input, kept(shared), constant);
      kept(out);
    });
    vi.spyOn(nacl.box, 'after').mockImplementation((message, nonce, key) => after(kept(message), nonce, key));
    vi.spyOn(nacl.box.open, 'after').mockImplementation((box, nonce, key) => kept(openAfter(box, nonce, key)));

    const sealed = sealUpdate(plaintextOf(200_000), roundKey.publicKey, context);
    expect(secrets).toHaveLength(4);
    open(sealed);
    codeOf(() => open(sealed.subarray(0, -1)));
    for (const chunk of openSealedChunks(sealed, roundKey.secretKey, context)) {
      expect(chunk).toHaveLength(65_536);
      break;
    }
    expect(secrets).toHaveLength(13);
    for (const secret of secrets) expect(secret.every((byte) => byte === 0)).toBe(true);
  });
});

describe('sealedSizeBytes', () => {
  it('has exactly one plaintext size for each sealed size that is accepted', () => {
    const head = sealUpdate(new Uint8Array(0), roundKey.publicKey, context).subarray(0, HEAD_BYTES);
    const sizes = [0, 1, 16, 17, 65_535, 65_536, 65_537, 131_072, 131_073];
    for (const size of sizes) {
      const parts = parseSealed(concatBytes(head, new Uint8Array(sealedSizeBytes(size) - HEAD_BYTES)));
      expect(parts.plaintextBytes).toBe(size);
    }
  });

  it.each([-1, 0.5, Number.NaN, Infinity, 2 ** 53])('refuses %d', (size) => {
    expect(() => sealedSizeBytes(size)).toThrow(RangeError);
  });
});
