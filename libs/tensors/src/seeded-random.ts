/**
 * Repeatable numbers from a text seed, for demonstration data, initial weights and shuffles; never for anything secret.
 * Only integer arithmetic and division by a power of two, so every machine and every Node gets the same bits
 * (`normal` is the exception that proves it: a sum of uniforms, not Box-Muller).
 *
 * xoshiro128**, state filled by splitmix32 from an FNV-1a hash of the seed.
 * @see Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021, doi:10.1145/3460772
 */
export class SeededRandom {
  readonly #state: Uint32Array;

  constructor(seed: string) {
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(seed)) hash = Math.imul(hash ^ byte, 0x01000193);
    this.#state = Uint32Array.from({ length: 4 }, () => {
      hash = (hash + 0x9e3779b9) | 0;
      let z = hash;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return z ^ (z >>> 15);
    });
  }

  /** Uniform on 0 .. 2^32 - 1. */
  nextUint32(): number {
    const s = this.#state as unknown as [number, number, number, number];
    const scrambled = Math.imul(s[1], 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** Uniform on [low, high), a multiple of (high - low) / 2^32. */
  uniform(low = 0, high = 1): number {
    return low + (this.nextUint32() / 0x1_0000_0000) * (high - low);
  }

  /** Uniform on 0 .. bound - 1. @param bound - an integer in 1 .. 2^32. */
  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 0x1_0000_0000) throw new RangeError('bound must be 1 .. 2^32');
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    for (;;) {
      const draw = this.nextUint32();
      if (draw < limit) return draw % bound;
    }
  }

  /** Approximately standard normal: a sum of 12 uniforms less 6; never beyond +-6. */
  normal(mean = 0, stdDev = 1): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.nextUint32() / 0x1_0000_0000;
    return mean + stdDev * sum;
  }

  /** Fisher-Yates; returns a new array. */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }
}
