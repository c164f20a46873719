/**
 * Claims: (1) signatures are those of RFC 8032 and, byte for byte, those of tweetnacl; (2) each strict check refuses
 * inputs that no other check refuses and that tweetnacl accepts, so that dropping any one of them fails a test here;
 * (3) the small-order table is complete; (4) hostile input of any length or type gives false, never an exception.
 * Oracles: RFC 8032 section 7.1; tweetnacl; the curve equation in BigInt arithmetic below.
 * For (2): Node 24 refuses the small-order inputs itself and every Node refuses S + L, so the checks are also asserted
 * apart from the engine; on Node 20 and 22 verifyStrict would accept the small-order inputs without its checks.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { concatBytes, fromHex, toHex, utf8 } from '@consilium/bytes';
import nacl from 'tweetnacl';
import { describe, expect, it } from 'vitest';
import { generateIdentity, identityFromSecretKey } from './identity.js';
import { isSafePublicKey, passesStrictChecks, signBytes, strictChecks, verifyStrict } from './signature.js';

type Point = readonly [x: bigint, y: bigint];

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (a: bigint, m: bigint): bigint => ((a % m) + m) % m;
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = mod(base, P), e = exponent; e > 0n; e >>= 1n, b = (b * b) % P) if (e & 1n) result = (result * b) % P;
  return result;
}
const inverse = (a: bigint) => power(a, P - 2n);
const D = mod(-121665n * inverse(121666n), P);
function add([a, b]: Point, [x, y]: Point): Point {
  const k = mod(D * a * b * x * y, P);
  return [mod((a * y + b * x) * inverse(1n + k), P), mod((b * y + a * x) * inverse(1n - k), P)];
}
function multiply(scalar: bigint, point: Point): Point {
  let result: Point = [0n, 1n];
  for (let s = scalar, q = point; s > 0n; s >>= 1n, q = add(q, q)) if (s & 1n) result = add(result, q);
  return result;
}
/** The point with this y and an even x, or undefined if the curve has none (p = 5 mod 8). */
function pointAt(y: bigint): Point | undefined {
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n), P);
  const root = power(square, (P + 3n) / 8n);
  const x = [root, mod(root * power(2n, (P - 1n) / 4n), P)].find((r) => mod(r * r - square, P) === 0n);
  return x === undefined ? undefined : [x & 1n ? P - x : x, y];
}
const bytesOf = (n: bigint) => fromHex(n.toString(16).padStart(64, '0')).reverse();
const numberOf = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes.toReversed())}`);
const encode = (y: bigint, sign: bigint) => bytesOf(y + (sign << 255n));
const encodePoint = ([x, y]: Point) => encode(y, x & 1n);

const base = pointAt(mod(4n * inverse(5n), P)) ?? [0n, 1n];

/** Any point times L is one of the 8 whose order divides 8; the first of order 8 generates them all. */
function smallOrderPoints(): Point[] {
  for (let y = 2n; ; y += 1n) {
    const generator = multiply(L, pointAt(y) ?? [0n, 1n]);
    const all = Array.from({ length: 8 }, (_, i) => multiply(BigInt(i), generator));
    if (new Set(all.map(String)).size === 8) return all;
  }
}
const torsion = smallOrderPoints();

const A = 0x1234567890abcdefn;
const R = 0xfedcba0987654321n;
const largeA = multiply(A, base);
const largeR = multiply(R, base);

interface Odd {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Tries messages until tweetnacl accepts S = r + h a: small-order parts vanish for one h in 8 at the least. */
function accepted(publicKey: Uint8Array, a: bigint, nonce: Uint8Array, r: bigint): Odd {
  for (let i = 0; i < 200; i += 1) {
    const message = utf8(`message ${i}`);
    const h = numberOf(createHash('sha512').update(nonce).update(publicKey).update(message).digest());
    const signature = concatBytes(nonce, bytesOf(mod(r + h * a, L)));
    if (nacl.sign.detached.verify(message, signature, publicKey)) return { publicKey, message, signature };
  }
  throw new Error('tweetnacl accepted none of 200 messages');
}

const checksOf = ({ publicKey, signature }: Odd) => ({
  scalarIsReduced: strictChecks.scalarIsReduced(signature),
  keyIsCanonical: strictChecks.keyIsCanonical(publicKey),
  keyHasLargeOrder: strictChecks.hasLargeOrder(publicKey),
  nonceHasLargeOrder: strictChecks.hasLargeOrder(signature.subarray(0, 32)),
});
function expectRefused({ publicKey, message, signature }: Odd): void {
  expect(passesStrictChecks(publicKey, message, signature)).toBe(false);
  expect(verifyStrict(publicKey, message, signature)).toBe(false);
}
const allPass = { scalarIsReduced: true, keyIsCanonical: true, keyHasLargeOrder: true, nonceHasLargeOrder: true };

describe('signatures', () => {
  it.each([
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ])('are those of RFC 8032 for the key %s', (secretKey, message, signature) => {
    const identity = identityFromSecretKey(fromHex(secretKey));
    expect(toHex(signBytes(identity, fromHex(message)))).toBe(signature);
    expect(verifyStrict(identity.publicKey, fromHex(message), fromHex(signature))).toBe(true);
  });

  it('are byte for byte those of tweetnacl, with the same public keys, and verify', () => {
    const inputs = [fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 200 })] as const;
    fc.assert(
      fc.property(...inputs, (seed, message) => {
        const theirs = nacl.sign.keyPair.fromSeed(seed);
        const identity = identityFromSecretKey(seed);
        const signature = signBytes(identity, message);
        expect(identity.publicKey).toEqual(theirs.publicKey);
        expect(signature).toEqual(nacl.sign.detached(message, theirs.secretKey));
        expect(verifyStrict(identity.publicKey, message, signature)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('fail after a flip of any bit of key, message or signature', () => {
    const { publicKey, secretKey } = generateIdentity();
    const message = utf8('plan');
    const parts = [publicKey, message, signBytes({ publicKey, secretKey }, message)];
    for (const [part, bytes] of parts.entries()) {
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = parts.map((p) => Uint8Array.from(p));
        const target = flipped[part] ?? bytes;
        target[bit >> 3] = (target[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const [key, text, signature] = flipped as [Uint8Array, Uint8Array, Uint8Array];
        expect(verifyStrict(key, text, signature), `part ${part}, bit ${bit}`).toBe(false);
      }
    }
  });
});

describe('strict checks', () => {
  it('accept the honest signature that the odd ones are made from', () => {
    const honest = accepted(encodePoint(largeA), A, encodePoint(largeR), R);
    expect(checksOf(honest)).toEqual(allPass);
    expect(passesStrictChecks(honest.publicKey, honest.message, honest.signature)).toBe(true);
    expect(verifyStrict(honest.publicKey, honest.message, honest.signature)).toBe(true);
  });

  it('S < L alone refuses S + L, and S = L is not below L', () => {
    const honest = accepted(encodePoint(largeA), A, encodePoint(largeR), R);
    const s = numberOf(honest.signature.subarray(32)) + L;
    const odd = { ...honest, signature: concatBytes(encodePoint(largeR), bytesOf(s)) };
    expect(nacl.sign.detached.verify(odd.message, odd.signature, odd.publicKey)).toBe(true);
    expect(checksOf(odd)).toEqual({ ...allPass, scalarIsReduced: false });
    expectRefused(odd);
    expect(strictChecks.scalarIsReduced(concatBytes(encodePoint(largeR), bytesOf(L)))).toBe(false);
    expect(strictChecks.scalarIsReduced(concatBytes(encodePoint(largeR), bytesOf(L - 1n)))).toBe(true);
  });

  const nonCanonical = [P, P + 1n].flatMap((y) => [encode(y, 0n), encode(y, 1n)]);
  it.each(nonCanonical.map(toHex))('canonical y alone refuses the key %s, a small-order point spelled oddly', (key) => {
    const odd = accepted(fromHex(key), 0n, encodePoint(largeR), R);
    expect(checksOf(odd)).toEqual({ ...allPass, keyIsCanonical: false });
    expectRefused(odd);
  });

  it('canonical y: p - 1 is the last, and every larger y is refused with either sign', () => {
    expect(strictChecks.keyIsCanonical(encode(P - 1n, 1n))).toBe(true);
    for (let y = P; y < 2n ** 255n; y += 1n) {
      for (const sign of [0n, 1n]) expect(isSafePublicKey(encode(y, sign))).toBe(false);
    }
  });

  // x = 0 has no sign, so y = 1 and y = p - 1 have a second spelling that decoders take.
  const smallKeys = [...torsion.map(encodePoint), encode(1n, 1n), encode(P - 1n, 1n)];
  it.each(smallKeys.map(toHex))('large order alone refuses the key %s', (key) => {
    const odd = accepted(fromHex(key), 0n, encodePoint(largeR), R);
    expect(checksOf(odd)).toEqual({ ...allPass, keyHasLargeOrder: false });
    expectRefused(odd);
  });

  // Under a key of mixed order the nonce point can be any of the eight; with an honest key only the identity.
  const mixedA = add(largeA, torsion[1] ?? base);
  it.each(torsion.map((point) => toHex(encodePoint(point))))(
    'large order alone refuses the nonce point %s',
    (nonce) => {
      const odd = accepted(encodePoint(mixedA), A, fromHex(nonce), 0n);
      expect(checksOf(odd)).toEqual({ ...allPass, nonceHasLargeOrder: false });
      expectRefused(odd);
    },
  );

  it('refuses the zero-knowledge forgery: identity key, identity nonce, S = 0, any message', () => {
    const identityPoint = encodePoint([0n, 1n]);
    const signature = concatBytes(identityPoint, new Uint8Array(32));
    expect(nacl.sign.detached.verify(utf8('anything'), signature, identityPoint)).toBe(true);
    expect(verifyStrict(identityPoint, utf8('anything'), signature)).toBe(false);
  });
});

describe('hostile input', () => {
  const { publicKey, secretKey } = generateIdentity();
  const message = utf8('m');
  const signature = signBytes({ publicKey, secretKey }, message);

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['text', toHex(publicKey)],
    ['an array', Array.from(signature)],
    ['an object with a length', { length: 32 }],
    ['a proxy', new Proxy(publicKey, {})],
    ['an ArrayBuffer', publicKey.buffer],
    ['a DataView', new DataView(new ArrayBuffer(32))],
    ['a Float64Array', new Float64Array(8)],
  ])('%s in any place gives false', (_, value) => {
    const hostile = value as Uint8Array;
    expect(isSafePublicKey(hostile)).toBe(false);
    expect(verifyStrict(hostile, message, signature)).toBe(false);
    expect(verifyStrict(publicKey, hostile, signature)).toBe(false);
    expect(verifyStrict(publicKey, message, hostile)).toBe(false);
  });

  it('bytes of any length give false, also keys that are no point', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 32, maxLength: 32 }));
    fc.assert(
      fc.property(bytes, bytes, fc.uint8Array({ minLength: 60, maxLength: 68 }), (key, text, odd) => {
        expect(verifyStrict(key, text, odd)).toBe(false);
        expect(verifyStrict(key, message, signature)).toBe(false);
        expect(verifyStrict(publicKey, message, odd)).toBe(false);
      }),
      { numRuns: 300 },
    );
    for (let length = 0; length < 64; length += 1) {
      expect(verifyStrict(publicKey, message, signature.subarray(0, length))).toBe(false);
    }
    expect(verifyStrict(publicKey, message, concatBytes(signature, Uint8Array.of(0)))).toBe(false);
    expect(verifyStrict(publicKey.subarray(1), message, signature)).toBe(false);
  });
});
