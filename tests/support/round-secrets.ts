/**
 * The secrets that hospitals in this process make for a round, seen where they are made: a test has
 * `vi.mock('../../libs/secagg/src/keys.js', ...)` pass the real functions through {@link RoundSecrets.watch}. The product has
 * no such place.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Needle } from './leak-search.js';

/** As libs/secagg makes them; 32 bytes each. They are overwritten there when they have served. */
interface AttemptKeys {
  readonly mask: { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
  readonly encryption: { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
  readonly selfSeed: Uint8Array;
}

export interface Secrets {
  readonly maskKey: Buffer;
  readonly encryptionKey: Buffer;
  readonly selfSeed: Buffer;
  readonly maskPublicKey: Buffer;
}

export class RoundSecrets {
  readonly #hospital = new AsyncLocalStorage<string>();
  readonly #made = new Map<string, Secrets[]>();

  /** Work of one hospital: what it makes is told apart by this. */
  of<T>(hospital: string, work: () => T): T {
    return this.#hospital.run(hospital, work);
  }

  watch<Keys extends { generateAttemptKeys: () => AttemptKeys }>(real: Keys): Keys {
    const generateAttemptKeys = (): AttemptKeys => {
      const keys = real.generateAttemptKeys();
      const hospital = this.#hospital.getStore() ?? 'nobody';
      const copies = {
        maskKey: Buffer.from(keys.mask.secretKey),
        encryptionKey: Buffer.from(keys.encryption.secretKey),
        selfSeed: Buffer.from(keys.selfSeed),
        maskPublicKey: Buffer.from(keys.mask.publicKey),
      };
      this.#made.set(hospital, [...this.madeBy(hospital), copies]);
      return keys;
    };
    return { ...real, generateAttemptKeys };
  }

  /** One for each attempt in which it took part. */
  madeBy(hospital: string): readonly Secrets[] {
    return this.#made.get(hospital) ?? [];
  }
}

/** A secret that was overwritten in part is found by what is left. */
export function halves(name: string, secret: Buffer): Needle[] {
  const half = secret.length / 2;
  return [secret.subarray(0, half), secret.subarray(half)].map((bytes) => ({ name, bytes }));
}
