/**
 * Shamir's secret sharing over GF(2^8) with x^8 + x^4 + x^3 + x + 1 (0x11b), byte by byte.
 *
 * Every product here is a secret times a public number (an x, or a Lagrange coefficient made of x's), so the loops may
 * follow the bits of the public factor, and no table is read at a secret index. Four bytes travel in one 32-bit word.
 *
 * @see Shamir, CACM 22(11), 1979, doi:10.1145/359168.359176
 */
import { randomFillSync } from 'node:crypto';
import { isBytes } from './raw-keys.js';

/** Four field elements at once, each times x: the bit that leaves a byte comes back as 0x1b. */
const timesX = (word: number): number => ((word & 0x7f7f7f7f) << 1) ^ (((word >>> 7) & 0x01010101) * 0x1b);

/** Each of the four bytes of `word` times the public `factor`, 0 to 255. */
function timesPublic(word: number, factor: number): number {
  let product = 0;
  for (let [bits, power] = [factor, word]; bits !== 0; bits >>>= 1) {
    product ^= power & -(bits & 1);
    power = timesX(power);
  }
  return product;
}

/** Exported for the known answers; both factors are public. */
export const multiply = (a: number, b: number): number => timesPublic(a, b) & 0xff;

/** a^254: the inverse in a group of 255 elements. */
export function invert(a: number): number {
  let result = 1;
  for (let [bits, power] = [254, a]; bits !== 0; bits >>>= 1) {
    if (bits & 1) result = multiply(result, power);
    power = multiply(power, power);
  }
  return result;
}

function toWords(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(Math.ceil(bytes.length / 4));
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

const toBytes = (words: Uint32Array, length: number): Uint8Array => new Uint8Array(words.buffer, 0, length);

/**
 * The polynomial at x, by Horner's rule, for each byte.
 *
 * @param coefficients - from the secret (degree 0) upwards, all of one length.
 */
function evaluate(coefficients: readonly Uint32Array[], x: number): Uint32Array {
  const value = new Uint32Array(coefficients[0]?.length ?? 0);
  for (let degree = coefficients.length - 1; degree >= 0; degree--) {
    const coefficient = coefficients[degree] as Uint32Array;
    for (let i = 0; i < value.length; i++) {
      value[i] = timesPublic(value[i] as number, x) ^ (coefficient[i] as number);
    }
  }
  return value;
}

/** Exported for the known answers: production coefficients come from {@link splitSecret} only. */
export function shareAt(coefficients: readonly Uint8Array[], x: number): Uint8Array {
  return toBytes(evaluate(coefficients.map(toWords), x), coefficients[0]?.length ?? 0);
}

function requirePoints(xs: readonly number[]): void {
  const valid = xs.every((x) => Number.isInteger(x) && x >= 1 && x <= 255);
  if (!valid || new Set(xs).size !== xs.length) throw new RangeError('shares have distinct x from 1 to 255');
}

/**
 * @param secret - at least one byte; not modified.
 * @param threshold - how many shares give the secret back: 2 to `xs.length`. One fewer tell nothing about it.
 * @param xs - where the polynomial is evaluated, distinct, 1 to 255: x = 0 is the secret itself.
 * @returns For each x its share, as long as the secret.
 * @throws RangeError for anything else.
 */
export function splitSecret(secret: Uint8Array, threshold: number, xs: readonly number[]): Uint8Array[] {
  requirePoints(xs);
  if (!isBytes(secret) || secret.length === 0) throw new RangeError('a secret has at least one byte');
  if (!Number.isInteger(threshold) || threshold < 2 || threshold > xs.length) {
    throw new RangeError('a threshold is at least 2 and at most the number of shares');
  }
  const coefficients = [toWords(secret)];
  // All uniform, the leading one too: if zero were excluded there, t - 1 shares would exclude one value of the secret.
  while (coefficients.length < threshold)
    coefficients.push(randomFillSync(new Uint32Array(Math.ceil(secret.length / 4))));
  try {
    return xs.map((x) => toBytes(evaluate(coefficients, x), secret.length));
  } finally {
    for (const coefficient of coefficients) coefficient.fill(0);
  }
}

/**
 * Combines shares that all lie at the same `xs`: the Lagrange coefficients at 0 are computed once.
 *
 * It verifies nothing: fewer shares than the threshold, or one wrong one, give other bytes without a word. Whoever
 * combines compares the result with a commitment or a public key.
 *
 * @param xs - exactly as many as the threshold, distinct, 1 to 255.
 * @returns A function from the shares, in the order of `xs` and all of one length, to the secret.
 * @throws RangeError for other `xs`; the returned function for other shares.
 */
export function shareCombiner(xs: readonly number[]): (shares: readonly Uint8Array[]) => Uint8Array {
  requirePoints(xs);
  if (xs.length < 2) throw new RangeError('at least two shares give a secret');
  const atZero = xs.map((x) =>
    xs.reduce((product, other) => (other === x ? product : multiply(product, multiply(other, invert(other ^ x)))), 1),
  );
  return (shares) => {
    const length = shares[0]?.length ?? 0;
    if (shares.length !== xs.length || shares.some((share) => !isBytes(share, length))) {
      throw new RangeError('expected one share for each x, all of one length');
    }
    const secret = new Uint32Array(Math.ceil(length / 4));
    shares.forEach((share, at) => {
      const words = toWords(share);
      for (let i = 0; i < secret.length; i++) {
        secret[i] = (secret[i] as number) ^ timesPublic(words[i] as number, atZero[at] as number);
      }
    });
    return toBytes(secret, length);
  };
}
