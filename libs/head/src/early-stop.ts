/** When a training has learned what it can: by the loss on held-out examples of the same hospital, which never leave it. */
import { gather, type Examples } from './batches.js';
import type { LocalPass } from './local-pass.js';

export interface EarlyStopSettings {
  /** Epochs without a lower validation loss after which training ends, an integer >= 1. */
  readonly patienceEpochs: number;
  /** At least one example, none of them a training example, nor of a patient who has one. Not modified. */
  readonly validation: Examples;
}

/** Examples that are measured before the event loop turns again. */
const CHUNK = 256;

/**
 * The loss is the weighted mean with the class weights of the training part: what is minimised is what is watched. The head
 * that a training starts from is no candidate, since a hospital that returned it would stop the federation where it stands.
 *
 * @see Prechelt, "Early stopping - but when?", 1998, doi:10.1007/3-540-49430-8_3
 */
export class EarlyStop {
  readonly losses: number[] = [];
  #best: { readonly epoch: number; readonly parameters: Float32Array } | undefined;
  readonly #totalWeight: number;

  /** @param weightOfClass - shape (classes,), as from `classWeights`. */
  constructor(
    private readonly settings: EarlyStopSettings,
    private readonly inputs: number,
    private readonly weightOfClass: Float64Array,
  ) {
    this.#totalWeight = settings.validation.labels.reduce((sum, label) => sum + (weightOfClass[label] as number), 0);
  }

  /** The first epoch with the lowest loss, from 1; undefined until a loss was finite. */
  get best(): { readonly epoch: number; readonly parameters: Float32Array } | undefined {
    return this.#best;
  }

  get hasStopped(): boolean {
    return this.losses.length - (this.#best?.epoch ?? 0) >= this.settings.patienceEpochs;
  }

  /** Called after each epoch. @param beforeBatch - gives the event loop its turn. */
  async judge(pass: LocalPass, beforeBatch: () => Promise<void>): Promise<void> {
    const { validation } = this.settings;
    const rows = Array.from(validation.labels.keys());
    for (let start = 0; start < rows.length; start += CHUNK) {
      await beforeBatch();
      pass.measure(gather(validation, rows.slice(start, start + CHUNK), this.inputs, this.weightOfClass));
    }
    const loss = pass.takeSummedLoss() / this.#totalWeight;
    const bestLoss = this.#best === undefined ? Infinity : (this.losses[this.#best.epoch - 1] as number);
    this.losses.push(loss);
    if (loss < bestLoss) this.#best = { epoch: this.losses.length, parameters: pass.parameters() };
  }
}
