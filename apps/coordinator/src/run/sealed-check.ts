/** A sealed update, checked while it arrives, so that a bad one is refused then and not found in the sum. */
import { AggregationError, UpdateCheck } from '@consilium/aggregation';
import { CryptoError, SealedOpener, type SealContext } from '@consilium/crypto';
import { ProtocolError, type RunConfig } from '@consilium/protocol';
import { floatsOf } from './sealed-sum.js';

export class SealedCheck {
  readonly #opener: SealedOpener;
  readonly #check: UpdateCheck;
  /** The clip bound of the run; clipping ends with a rounding to float32. */
  readonly maxNorm: number;
  #refusal: { readonly error: unknown } | undefined;

  /** @param sizeBytes - that of a sealed update of so many parameters. */
  constructor(
    sizeBytes: number,
    roundSecretKey: Uint8Array,
    context: SealContext,
    { parameters, clipNorm }: Pick<RunConfig, 'parameters' | 'clipNorm'>,
  ) {
    this.#opener = new SealedOpener(sizeBytes, roundSecretKey, context);
    this.maxNorm = Number(clipNorm) * (1 + 1e-6);
    this.#check = new UpdateCheck({ parameters, maxNorm: this.maxNorm });
  }

  /** L2, of what was opened so far. */
  get norm(): number {
    return this.#check.norm;
  }

  /** Never throws: what is wrong with them {@link end} says. @param bytes - peer-controlled, those that follow. */
  push(bytes: Uint8Array): void {
    if (this.#refusal !== undefined) return;
    try {
      for (const chunk of this.#opener.push(bytes)) {
        this.#check.add(floatsOf(chunk));
        chunk.fill(0);
      }
    } catch (error) {
      this.#refusal = { error };
      this.#opener.close();
    }
  }

  /** @throws {@link ProtocolError} `SEAL_INVALID`, `UPDATE_NOT_FINITE` or `UPDATE_NOT_CLIPPED`. */
  end(): void {
    try {
      if (this.#refusal !== undefined) throw this.#refusal.error;
      this.#opener.end();
      this.#check.end();
    } catch (error) {
      if (error instanceof CryptoError) throw new ProtocolError('SEAL_INVALID', error.code);
      if (error instanceof AggregationError) {
        throw new ProtocolError(error.code === 'NORM_TOO_LARGE' ? 'UPDATE_NOT_CLIPPED' : 'UPDATE_NOT_FINITE');
      }
      throw error;
    }
  }

  /** It is not going to be ended. */
  close(): void {
    this.#opener.close();
  }
}
