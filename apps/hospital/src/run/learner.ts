/** What a hospital computes, behind one port: the real learner reads X-rays, others stand in for it in measurements. */
import type { RunConfig } from '@consilium/protocol';

/** What is true of the local data before any round. */
export interface Prepared {
  readonly backbone: string;
  readonly preprocessing: string;
  readonly embeddingLength: number;
}

export interface TrainedUpdate {
  /** New head less old head: float32, shape (parameters,). Secret until sealed. */
  readonly update: Float32Array;
  readonly examples: number;
  /** Mean training loss of the last epoch, nats. */
  readonly loss: number;
}

export interface Scores {
  readonly part: 'validation' | 'test';
  readonly examples: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly balancedAccuracy: number;
  /** Macro one-vs-rest; null where the part lacks positives or negatives. */
  readonly auc: number | null;
}

export interface Learner {
  /** Reads the images and computes embeddings; called once, before anything else. */
  prepare(): Promise<Prepared>;
  /** @param signal - ends the training before its next batch; the promise is rejected with its reason. */
  train(config: RunConfig, model: Float32Array, round: number, signal?: AbortSignal): Promise<TrainedUpdate>;
  /** Behind an update of that run; absent where nobody counts them. Only after {@link prepare}. */
  patients?(config: RunConfig): number;
  /** @returns undefined when this hospital holds nothing out. */
  evaluate(config: RunConfig, model: Float32Array): Promise<Scores | undefined>;
}
